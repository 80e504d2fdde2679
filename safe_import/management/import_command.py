"""What the two commands of a spec have in common: flags, the run, exit codes, and what is printed."""

from __future__ import annotations

import os
import shlex
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS
from pydantic import ValidationError

from safe_import.audit import AuditLogger
from safe_import.errors import SafeImportError
from safe_import.events import Event, Listeners
from safe_import.management.options import (
    FILE_FLAGS,
    add_file_flags,
    add_run_flags,
    add_spec_flags,
    refuse_one_file_for_two,
    run_options,
    usage_error,
)
from safe_import.management.typed import manage
from safe_import.pipeline import run_import
from safe_import.records import RunResult
from safe_import.report.advice import Commands
from safe_import.report.headline import in_part
from safe_import.report.json import render_json
from safe_import.report.progress import ProgressBar
from safe_import.report.text import View, render_text
from safe_import.run_options import RunOptions
from safe_import.sources import Source, open_source

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence

    from safe_import.events import Observer
    from safe_import.spec.import_spec import ImportSpec

_USAGE = 2


class DoneInPart(CommandError):
    """The import is done, or would be, but for rows that are rejected or links that are held. Exits with 3."""


class ImportCommand(BaseCommand):
    """Imports a file by ``spec``, which subclasses set.

    Attributes:
        spec: the declaration of the import.
        file_flags: how the flag for the file is spelled; the first one is shown.
    """

    spec: ClassVar[type[ImportSpec]]
    file_flags: ClassVar[tuple[str, ...]] = FILE_FLAGS

    # What was typed; empty where a program calls the command. Django itself tells the command nothing of it.
    _typed: Sequence[str] = ()
    # Whether --json has printed its object.
    _answered = False
    # Why standard output did not take the report.
    _unprinted = ""
    # The report that the run gave last: an interruption, unlike our own exceptions, carries none.
    _last_report: dict[str, Any] | None = None

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        parser = super().create_parser(prog_name, subcommand, allow_abbrev=False, **kwargs)
        if "--json" in self._typed:
            parser.called_from_command_line = False  # it raises what is wrong instead of exiting, so we can answer
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        self.add_source_flags(parser)
        add_run_flags(parser)
        add_spec_flags(parser, self.spec.Options)

    def add_source_flags(self, parser: ArgumentParser) -> None:
        """Add the flags that say where the rows come from: a file of a table, unless a command says otherwise.

        A command that reads something else has its own way in ``open`` and ``source_name`` as well; where its rejected
        rows can't be corrected in a file, it says ``parser.set_defaults(keep_rejects=False)``.
        """
        add_file_flags(parser, self.file_flags)

    # -- one JSON object, also on failure

    def run_from_argv(self, argv: list[str]) -> None:
        self._typed = argv
        try:
            super().run_from_argv(argv)
        except CommandError as error:
            if self._answered:
                raise  # --traceback
            self._answer(self._failed(_USAGE), str(error).removeprefix("Error: "))
            self.stderr.write(str(error))
            raise SystemExit(_USAGE) from None

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except CommandError as error:
            if options["json"] and not self._answered:
                self._answer(self._failed(error.returncode), str(error))
            raise

    def _answer(self, result: RunResult, failure: str | None) -> None:
        self._answered = True
        self._print(render_json(result, failure) + "\n")

    def _failed(self, exit_code: int) -> RunResult:
        return RunResult(self.spec.name, state="failed", exit_code=exit_code)

    # -- the run

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            result = self._run(options)
        except SafeImportError as error:
            self._report(error.result or self._failed(error.exit_code), options, str(error))
            raise CommandError(str(error), returncode=error.exit_code) from error
        except KeyboardInterrupt:
            raise self._interrupted() from None
        self._report(result, options)
        if self._unprinted:
            raise self._done_but_unprinted(result)
        if result.exit_code:
            rest = "is" if result.state == "verified" else "would be"
            raise DoneInPart(f"{in_part(result)}; the rest {rest} in.", returncode=result.exit_code)

    def _run(self, options: dict[str, Any]) -> RunResult:
        refuse_one_file_for_two(options)
        keywords = self.keywords(options)
        with ExitStack() as stack:
            observers: list[Observer] = [self._remember]
            if options["log_file"]:
                observers.append(stack.enter_context(AuditLogger(options["log_file"])))
            if self.stderr.isatty() and options["verbosity"]:
                observers.append(stack.enter_context(ProgressBar(color=not options["no_color"])))
            observers += self.observers(options)
            source = stack.enter_context(self._source(options, observers))
            return run_import(self.spec, source, observers=observers, **keywords)

    def _source(self, options: dict[str, Any], observers: Sequence[Observer]) -> Source:
        try:
            return self.open(options)
        except SafeImportError as error:  # there is no run yet that could tell it
            report = self._failed(error.exit_code).as_dict()
            Listeners(observers).tell(Event("failed", None, {"error": error, "report": report}))
            raise

    def open(self, options: dict[str, Any]) -> Source:
        """Open the file that the command line names. A command that reads a format of its own has its own way.

        Raises:
            SourceError: the file can't be read.
            UsageError: an option can't be worked with.
        """
        return open_source(
            options["csv"], encoding=options["encoding"], delimiter=options["delimiter"], sheet=options["sheet"]
        )

    def source_name(self, options: dict[str, Any]) -> str:
        """Return what reports call the source of the rows."""
        return "standard input" if options["csv"] == "-" else Path(options["csv"]).name

    def observers(self, options: dict[str, Any]) -> Sequence[Observer]:
        """Return who else is told of the run; nobody, unless a command says so."""
        return ()

    def keywords(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the keywords of ``run_import`` that the command line stands for.

        Raises:
            UsageError: the flags contradict each other, or hold what can't be worked with.
        """
        keywords = run_options(options, self.spec.Options)
        try:
            self.spec.Options(**keywords["spec"])
            RunOptions(**keywords)
        except ValidationError as error:
            raise usage_error(error) from None
        return keywords

    def _remember(self, event: Event) -> None:
        self._last_report = event.data.get("report", self._last_report)

    def _interrupted(self) -> CommandError:
        state = self._last_report["state"] if self._last_report else ""
        if state in ("applied", "verified"):
            run = self._last_report["run"] if self._last_report else ""
            return CommandError(f"Interrupted after the commit: the data is in. See: import_runs {run}", returncode=5)
        return CommandError("Interrupted. Nothing was changed.")

    def _done_but_unprinted(self, result: RunResult) -> CommandError:
        if result.state == "verified":
            message = f"The import is committed, but its report can't be printed: {self._unprinted}."
            return CommandError(f"{message} See: import_runs {result.run}", returncode=5)
        return CommandError(f"Nothing was changed, and the report can't be printed: {self._unprinted}.")

    # -- the report

    def _report(self, result: RunResult, options: dict[str, Any], failure: str | None = None) -> None:
        if options["json"]:
            self._answer(result, failure)
        elif options["verbosity"] and (failure is None or result.rows.read or result.errors):
            self._print(render_text(result, self._view(options)))

    def _print(self, text: str) -> None:
        try:
            self.stdout.write(text, ending="")
            self.stdout.flush()
        except OSError as error:
            self._unprinted = error.strerror or type(error).__name__
            # Python would try once more at its exit, and change the exit code.
            with Path(os.devnull).open("w") as nowhere:
                os.dup2(nowhere.fileno(), self.stdout.fileno())

    def _view(self, options: dict[str, Any]) -> View:
        on_screen, details = self.stdout.isatty(), options["verbosity"] > 1
        database = "" if options["database"] == DEFAULT_DB_ALIAS else options["database"]
        rejects = options.get("keep_rejects", True)
        return View(
            file=self.source_name(options),
            commands=Commands(manage(self._typed), self._real_command(), database, rejects=rejects),
            width=shutil.get_terminal_size().columns if on_screen else None,
            color=options["force_color"] or (on_screen and not options["no_color"] and "NO_COLOR" not in os.environ),
            details=details,
            values=on_screen or details,
        )

    def _real_command(self) -> str:
        """What was typed, without the flags that keep it from writing."""
        words = [word for word in self._typed[1:] if word not in ("--dry-run", "--rehearse")]
        return f"{manage(self._typed)} {shlex.join(words)}" if words else ""
