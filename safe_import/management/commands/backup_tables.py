"""Back up whole tables by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import connections

from safe_import.backup.store import set_pinned
from safe_import.backup.write import write_backup
from safe_import.database.tables import tables_of
from safe_import.errors import UsageError
from safe_import.management.backup_command import backup_as_dict, backup_line
from safe_import.management.json_command import JsonCommand

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Mapping


class Command(JsonCommand):
    help = "Write, read back and publish a backup of whole tables, all from one snapshot of the database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("models", nargs="*", metavar="MODEL", help="app.Model; app.Model_field for a many-to-many")
        parser.add_argument(
            "--all", action="store_true", help="every table of the database, also those without a model"
        )
        parser.add_argument("--table", action="append", default=[], help="a table without a model; may be given again")
        parser.add_argument("--name", default="", help="a remark that list_backups shows")
        parser.add_argument("--pin", action="store_true", help="never prune this backup")
        super().add_arguments(parser)

    def perform(self, options: dict[str, Any]) -> Mapping[str, Any]:
        connection = connections[options["database"]]
        named = [_table(label) for label in options["models"]] + options["table"]
        if bool(named) == options["all"]:
            raise UsageError("name models (app.Model), or give --all")
        backup = write_backup(connection, named or tables_of(connection).all_tables(), name=options["name"])
        if options["pin"]:
            set_pinned(backup.path, True)
        restore = f"restore_backup {backup.id}"
        self.say(f"Written and verified: {backup_line(backup)}\nBring it back with:\n  {self.to_type(restore)}")
        return {**backup_as_dict(backup), "pinned": options["pin"]}


def _table(label: str) -> str:
    try:
        table: str = apps.get_model(label)._meta.db_table
    except (LookupError, ValueError) as error:
        raise UsageError(f"{label!r} is no model (app.Model): {error}") from None
    return table
