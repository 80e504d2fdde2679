"""Bring the rows of a backup back."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from django.db import connections

from safe_import.backup.restore import RestoreResult, restore_backup
from safe_import.backup.store import find
from safe_import.conf import conf
from safe_import.errors import UsageError
from safe_import.management.backup_command import add_identity, identity_of
from safe_import.management.json_command import JsonCommand

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Mapping


class Command(JsonCommand):
    help = "Restore the tables of a backup in one transaction, after a backup of the present state."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", metavar="PATH", help="the backup's directory or id")
        parser.add_argument(
            "--mode",
            choices=("upsert", "exact"),
            default="upsert",
            help="upsert (default) brings back missing and changed rows; exact also deletes rows that were added since",
        )
        parser.add_argument("--tables", nargs="+", metavar="TABLE", help="only these tables of the backup")
        parser.add_argument("--dry-run", action="store_true", help="count what would be done, change nothing")
        parser.add_argument("--allow-delete", action="store_true", help="what --mode exact needs in production")
        parser.add_argument("--allow-added-columns", action="store_true", help="leave columns alone that are new since")
        add_identity(parser)
        super().add_arguments(parser)

    def perform(self, options: dict[str, Any]) -> Mapping[str, Any]:
        path = find(options["path"])
        if options["mode"] == "exact" and not options["dry_run"]:
            self._require_consent(path.name, options)
        result = restore_backup(
            connections[options["database"]],
            path,
            mode=options["mode"],
            tables=options["tables"],
            dry_run=options["dry_run"],
            allow_added_columns=options["allow_added_columns"],
            identity=identity_of(options),
        )
        self._report(result, in_full=options["verbosity"] > 1)
        return {
            "backup": result.backup,
            "mode": result.mode,
            "dry_run": result.dry_run,
            "tables": {name: dataclasses.asdict(counts) for name, counts in result.tables.items()},
            "before": result.before.id if result.before else None,
        }

    def _require_consent(self, backup: str, options: dict[str, Any]) -> None:
        if _in_production() and not options["allow_delete"]:
            raise UsageError(
                "--mode exact deletes rows: in production give --allow-delete as well. --dry-run shows how many"
            )
        self.confirm(f"Rows that backup {backup} does not have will be deleted from its tables.")

    def _report(self, result: RestoreResult, *, in_full: bool) -> None:
        did, unchanged = "would be" if result.dry_run else "were", 0
        for name, counts in result.tables.items():
            if not (in_full or counts.inserted or counts.updated or counts.deleted):
                unchanged += 1
                continue
            self.say(
                f"{name}: {counts.inserted} rows {did} inserted, {counts.updated} updated, {counts.deleted} deleted;"
                f" {counts.unchanged} were as in the backup"
            )
        if unchanged:
            self.say(f"{unchanged} of {len(result.tables)} tables were as in the backup (-v 2 names them)")
        if result.before:
            allowed = " --allow-delete" if _in_production() else ""
            back = self.to_type(f"restore_backup {result.before.id} --mode exact{allowed}")
            self.say(f"The state before is kept in backup {result.before.id}. To go back to it:\n  {back}")


def _in_production() -> bool:
    return conf().ENVIRONMENT == "production"
