"""Remove old backups, by rules that never remove what may still be needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError

from safe_import.backup.prune import prune_backups
from safe_import.conf import conf
from safe_import.database.failures import describe
from safe_import.errors import BackupError
from safe_import.management.json_command import JsonCommand
from safe_import.models import Run
from safe_import.runs.record import OPEN

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Mapping

# What such a run did, or is about to do, is not settled.
_UNSETTLED = (*OPEN, Run.State.APPLIED, Run.State.UNDOING)


class Command(JsonCommand):
    help = "Remove the backups that are neither recent nor needed; pinned ones always stay."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--keep-last", type=int, metavar="N", help="how many of the newest stay (KEEP_LAST)")
        parser.add_argument("--keep-days", type=int, metavar="D", help="days before the newest that stay (KEEP_DAYS)")
        parser.add_argument("--dry-run", action="store_true", help="say what would go, remove nothing")
        super().add_arguments(parser)

    def perform(self, options: dict[str, Any]) -> Mapping[str, Any]:
        pruning = prune_backups(
            keep_last=conf().KEEP_LAST if options["keep_last"] is None else options["keep_last"],
            keep_days=conf().KEEP_DAYS if options["keep_days"] is None else options["keep_days"],
            needed=lambda: _needed(options["database"]),
            dry_run=options["dry_run"],
        )
        for identifier, why in pruning.kept.items():
            self.say(f"{identifier}  stays: {why}")
        for backup in pruning.removed:
            self.say(f"{backup.id}  {'would be removed' if options['dry_run'] else 'removed'}")
        return {
            "dry_run": options["dry_run"],
            "removed": [backup.id for backup in pruning.removed],
            "kept": pruning.kept,
        }


def _needed(alias: str) -> set[str]:
    """Return the ids of unsettled runs, and of the backups of these and of the latest verified run of each spec.

    A backup is there before the record of its run names it; only its manifest has the run's id then.
    """
    runs = Run.objects.using(alias).order_by("id")
    try:
        unsettled = dict(runs.filter(state__in=_UNSETTLED).values_list("id", "backup"))
        latest = dict(runs.filter(state=Run.State.VERIFIED).exclude(backup="").values_list("spec", "backup"))
    except DatabaseError as error:
        raise BackupError(f"nothing is pruned, for the runs can't be read: {describe(error)}") from None
    return {*unsettled, *(Path(backup).name for backup in (*unsettled.values(), *latest.values()) if backup)}
