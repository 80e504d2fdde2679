"""Bring the data of legacy databases, as the migrations of the installed apps say."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS

from safe_import.errors import SafeImportError
from safe_import.legacy.discovery import find_migrations
from safe_import.legacy.run import migrate, pending
from safe_import.report.advice import Commands
from safe_import.report.headline import in_part
from safe_import.report.text import View, render_text

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from safe_import.legacy.migration import Migration
    from safe_import.legacy.source import QuerySource
    from safe_import.records import RunResult


class Command(BaseCommand):
    """Without ``--commit`` everything is done, checks included, and rolled back."""

    help = "Bring the data of legacy databases. Without --commit everything is done and rolled back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--commit", action="store_true", dest="commit_changes", help="keep what is brought")
        parser.add_argument(
            "--exclude",
            action="append",
            metavar="APP",
            dest="excluded_apps",
            default=[],
            help="an app to leave out; may be repeated",
        )
        parser.add_argument("--logquery", action="store_true", help="print the query of each migration")
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, help="alias of the database that is written")

    def handle(self, *args: Any, **options: Any) -> None:
        self._options = options
        try:
            migrations = find_migrations(options["excluded_apps"])
            if not pending(migrations, options["database"]):
                self._say("Nothing to migrate: every migration has run, or is to be skipped.")
                return
            result = migrate(
                migrations,
                commit=options["commit_changes"],
                announce=self._announce,
                database=options["database"],
            )
        except SafeImportError as error:
            if error.result is not None:
                self._report(error.result)
            raise CommandError(str(error), returncode=error.exit_code) from error
        self._report(result)
        if not options["commit_changes"]:
            self._say("Nothing was kept. To keep it, add --commit.")
        if result.exit_code:
            rest = "is in" if options["commit_changes"] else "would be in"
            raise CommandError(f"{in_part(result)}; the rest {rest}.", returncode=result.exit_code)

    def _announce(self, migration: type[Migration], source: QuerySource) -> None:
        """What begins: for people, who may have to wait for it."""
        rows = f", {source.row_count:,} rows" if source.row_count >= 0 else ""
        self._say(f"{migration.__name__}{rows}")
        if self._options["logquery"]:
            self._say(f"{migration.query}")

    def _report(self, result: RunResult) -> None:
        width = shutil.get_terminal_size().columns if self.stdout.isatty() else None
        commands = Commands(f"python {Path(sys.argv[0]).name}", in_part=False, database=self._other_database())
        view = View("the legacy data", commands, width, details=self._options["verbosity"] > 1)
        self._say(render_text(result, view).rstrip())

    def _other_database(self) -> str:
        alias: str = self._options["database"]
        return "" if alias == DEFAULT_DB_ALIAS else alias

    def _say(self, text: str) -> None:
        if self._options["verbosity"]:
            self.stdout.write(text)
