"""What the commands beside the imports have in common: options, exit codes, one JSON object."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections

from safe_import.database.failures import describe
from safe_import.errors import DatabaseFailure, SafeImportError, UsageError
from safe_import.management.confirmation import confirm
from safe_import.management.typed import to_type

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Mapping, Sequence

_IN_PART, _USAGE = 3, 2


class JsonCommand(BaseCommand):
    """Subclasses perform, and return what ``--json`` shows; they speak to people through ``say`` only."""

    requires_system_checks: list[str] = []  # on a bad day a check that fails must not stand before a remedy

    _typed: Sequence[str] = ()  # what was typed; empty where a program calls the command
    _options: dict[str, Any]
    _answered = False  # whether --json has printed its object

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        if "--json" in self._typed:
            parser.called_from_command_line = False  # it raises what is wrong instead of exiting, so we can answer
        return parser

    def run_from_argv(self, argv: list[str]) -> None:
        self._typed = argv
        try:
            super().run_from_argv(argv)
        except CommandError as error:
            if self._answered or "--json" not in argv:
                raise
            self._options = {"json": True}
            self._print({"error": str(error).removeprefix("Error: "), "exit_code": _USAGE})
            self.stderr.write(str(error))
            raise SystemExit(_USAGE) from None

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--database", default=DEFAULT_DB_ALIAS, help="alias of the database; the default one if unset"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object, and nothing else")
        parser.add_argument("--no-input", action="store_true", help="never ask; what would be asked counts as yes")

    def handle(self, *args: Any, **options: Any) -> None:
        self._options, self._remainder = options, ""
        try:
            answer = self._performed(options)
        except SafeImportError as error:
            self._print({**self.failed(error), "error": str(error), "exit_code": error.exit_code})
            raise CommandError(str(error), returncode=error.exit_code) from error
        if not self._answered:
            self._print(answer)
        if self._remainder:
            raise CommandError(self._remainder, returncode=_IN_PART)

    def _performed(self, options: dict[str, Any]) -> Mapping[str, Any]:
        if options["database"] not in connections:
            known = ", ".join(sorted(connections))
            raise UsageError(f"There is no database {options['database']!r}; there is {known}.")
        try:
            return self.perform(options)
        except DatabaseError as error:
            raise DatabaseFailure(f"The database refused it: {describe(error)}.") from error

    def perform(self, options: dict[str, Any]) -> Mapping[str, Any]:
        """Do the work and return what ``--json`` prints."""
        raise NotImplementedError

    def failed(self, error: SafeImportError) -> Mapping[str, Any]:
        """Return what ``--json`` prints of a failure beside its message; tell people what the message does not."""
        return {}

    def remain(self, remainder: str) -> None:
        """Let the command exit with 3: it did its work in part, and ``remainder`` says what is left."""
        self._remainder = remainder

    def answer(self, content: Mapping[str, Any]) -> None:
        """Print what ``--json`` shows now, not at the end: for what has to be told before it is committed."""
        self._print(content)
        self.stdout.flush()

    def say(self, text: str) -> None:
        """Tell people, unless the output is for programs."""
        if not self._options["json"]:
            self.stdout.write(text)

    def to_type(self, words: str) -> str:
        """Return a command to type next, on the same database."""
        return to_type(self._typed, words, self._options["database"])

    def confirm(self, question: str) -> None:
        """Ask before something that can't be taken back lightly.

        Raises:
            UsageError: the answer was not yes, or nobody can be asked.
        """
        confirm(question, self._options)

    def _print(self, content: Mapping[str, Any]) -> None:
        self._answered = True
        if self._options["json"]:
            self.stdout.write(json.dumps(content, ensure_ascii=False, default=str))
