"""What the commands beside the imports have in common: options, exit codes, one JSON object."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS

from safe_import.errors import SafeImportError
from safe_import.management.confirmation import confirm

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Mapping

_IN_PART = 3


class JsonCommand(BaseCommand):
    """Subclasses perform, and return what ``--json`` shows; they speak to people through ``say`` only."""

    requires_system_checks: list[str] = []  # on a bad day a check that fails must not stand before a remedy

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--database", default=DEFAULT_DB_ALIAS, help="alias of the database; the default one if unset"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object, and nothing else")
        parser.add_argument("--no-input", action="store_true", help="never ask; what would be asked counts as yes")

    def handle(self, *args: Any, **options: Any) -> None:
        self._options, self._remainder = options, ""
        try:
            answer = self.perform(options)
        except SafeImportError as error:
            self._print({**self.failed(error), "error": str(error), "exit_code": error.exit_code})
            raise CommandError(str(error), returncode=error.exit_code) from error
        self._print(answer)
        if self._remainder:
            raise CommandError(self._remainder, returncode=_IN_PART)

    def perform(self, options: dict[str, Any]) -> Mapping[str, Any]:
        """Do the work and return what ``--json`` prints."""
        raise NotImplementedError

    def failed(self, error: SafeImportError) -> Mapping[str, Any]:
        """Return what ``--json`` prints of a failure beside its message; tell people what the message does not."""
        return {}

    def remain(self, remainder: str) -> None:
        """Let the command exit with 3: it did its work in part, and ``remainder`` says what is left."""
        self._remainder = remainder

    def say(self, text: str) -> None:
        """Tell people, unless the output is for programs."""
        if not self._options["json"]:
            self.stdout.write(text)

    def confirm(self, question: str) -> None:
        """Ask before something that can't be taken back lightly.

        Raises:
            UsageError: the answer was not yes, or nobody can be asked.
        """
        confirm(question, self._options)

    def _print(self, content: Mapping[str, Any]) -> None:
        if self._options["json"]:
            self.stdout.write(json.dumps(content, ensure_ascii=False, default=str))
