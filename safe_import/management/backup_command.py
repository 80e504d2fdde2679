"""What the commands for backups have in common: options, exit codes, one JSON object."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS

from safe_import.backup.encryption import Identity
from safe_import.errors import SafeImportError, UsageError

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Mapping

    from safe_import.backup.store import Backup


class BackupCommand(BaseCommand):
    """Subclasses perform, and return what ``--json`` shows; they speak to people through ``say`` only."""

    requires_system_checks: list[str] = []  # on a bad day a check that fails must not stand before a restore

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--database", default=DEFAULT_DB_ALIAS, help="alias of the database; the default one if unset"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object, and nothing else")
        parser.add_argument("--no-input", action="store_true", help="never ask; what would be asked counts as yes")

    def handle(self, *args: Any, **options: Any) -> None:
        self._as_json: bool = options["json"]
        self._may_ask: bool = not options["no_input"]
        try:
            result = self.perform(options)
        except SafeImportError as error:
            if self._as_json:
                self._print({"error": str(error), "exit_code": error.exit_code})
            raise CommandError(str(error), returncode=error.exit_code) from error
        if self._as_json:
            self._print(result)

    def perform(self, options: dict[str, Any]) -> Mapping[str, Any]:
        """Do the work and return what ``--json`` prints."""
        raise NotImplementedError

    def say(self, text: str) -> None:
        """Tell people, unless the output is for programs."""
        if not self._as_json:
            self.stdout.write(text)

    def confirm(self, question: str) -> None:
        """Ask before something that can't be taken back lightly.

        Raises:
            UsageError: the answer was not yes, or nobody can be asked.
        """
        if not self._may_ask:
            return
        if self._as_json:
            raise UsageError("this has to be confirmed: --json needs --no-input with it")
        try:
            answer = input(f"{question} Type yes to go on: ")
        except EOFError:
            raise UsageError("this has to be confirmed and nobody answers: give --no-input") from None
        if answer.strip().lower() != "yes":
            raise UsageError("not confirmed; nothing was changed")

    def _print(self, content: Mapping[str, Any]) -> None:
        self.stdout.write(json.dumps(content, ensure_ascii=False, default=str))


def add_identity(parser: ArgumentParser) -> None:
    """Add the option that names the secret key of encrypted backups."""
    parser.add_argument("--identity", type=Path, metavar="FILE", help="secret key of an encrypted backup (age-keygen)")


def identity_of(options: dict[str, Any]) -> Identity | None:
    """Return the secret key that the command line names."""
    return Identity(options["identity"]) if options["identity"] else None


def backup_as_dict(backup: Backup) -> dict[str, Any]:
    """Return what ``--json`` shows of a backup."""
    return {
        "id": backup.id,
        "path": str(backup.path),
        "run": backup.run,
        "name": backup.name,
        "created": backup.created,
        "tables": backup.tables,
        "bytes": backup.bytes,
        "pinned": backup.pinned,
        "problem": backup.problem or None,
    }


def backup_line(backup: Backup) -> str:
    """Return the line that people see of a backup."""
    if backup.problem:
        return f"{backup.id}  DAMAGED: {backup.problem}"
    rows = f"{sum(backup.tables.values())} rows in {len(backup.tables)} tables, {backup.bytes / 2**20:.1f} MiB"
    origin = backup.name or (f"run {backup.run}" if backup.run else "")
    return "  ".join(filter(None, [backup.id, backup.created, rows, origin, "pinned" if backup.pinned else ""]))
