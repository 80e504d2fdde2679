"""List the backups of the backup root."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from safe_import.backup.store import find, list_backups, set_pinned
from safe_import.management.backup_command import backup_as_dict, backup_line
from safe_import.management.json_command import JsonCommand

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Mapping


class Command(JsonCommand):
    help = "List the backups, oldest first; with -v 2 their tables and rows. Pins them, too."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--pin", metavar="PATH", action="append", default=[], help="never prune this backup")
        parser.add_argument("--unpin", metavar="PATH", action="append", default=[], help="let it be pruned again")
        super().add_arguments(parser)

    def perform(self, options: dict[str, Any]) -> Mapping[str, Any]:
        for option, pinned in (("pin", True), ("unpin", False)):
            for name in options[option]:
                set_pinned(find(name), pinned)
        backups = list_backups()
        for backup in backups:
            self.say(backup_line(backup))
            if options["verbosity"] > 1:
                for table, rows in backup.tables.items():
                    self.say(f"    {table}: {rows}")
        if not backups:
            self.say("There is no backup.")
        return {"backups": [backup_as_dict(backup) for backup in backups]}
