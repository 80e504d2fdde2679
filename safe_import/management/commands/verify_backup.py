"""Read backups back, byte by byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import connections

from safe_import.backup.rehearse import rehearse_restore
from safe_import.backup.store import find, list_backups
from safe_import.backup.verify import verify_backup
from safe_import.errors import BackupError, UsageError
from safe_import.management.backup_command import add_identity, identity_of
from safe_import.management.json_command import JsonCommand

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Mapping
    from pathlib import Path


class Command(JsonCommand):
    help = "Compare every byte of a backup with its manifest; with --rehearse restore it into scratch tables as well."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", nargs="?", metavar="PATH", help="the backup's directory or id")
        parser.add_argument("--all", action="store_true", help="verify every backup of the root")
        parser.add_argument(
            "--rehearse", action="store_true", help="restore into scratch tables, and compare every row"
        )
        add_identity(parser)
        super().add_arguments(parser)

    def perform(self, options: dict[str, Any]) -> Mapping[str, Any]:
        if bool(options["path"]) == options["all"]:
            raise UsageError("name one backup, or give --all")
        paths = [backup.path for backup in list_backups()] if options["all"] else [find(options["path"])]
        results = [self._verify(path, options) for path in paths]
        failed = [result["id"] for result in results if result["problem"]]
        if failed:
            raise BackupError(
                f"{len(failed)} of {len(results)} backups can't be proven good:\n"
                + "\n".join(str(result["problem"]) for result in results if result["problem"])
            )
        return {"backups": results}

    def _verify(self, path: Path, options: dict[str, Any]) -> dict[str, str | None]:
        identity = identity_of(options)
        try:
            manifest = verify_backup(path, identity)
            if options["rehearse"]:
                rehearse_restore(connections[options["database"]], path, identity)
        except BackupError as error:
            return {"id": path.name, "problem": str(error)}
        unread = (
            " (encrypted: only the stored bytes; --identity reads the rows)"
            if manifest.encryption and not identity
            else ""
        )
        self.say(f"{path.name}  good{', and restorable here' if options['rehearse'] else ''}{unread}")
        return {"id": path.name, "problem": None}
