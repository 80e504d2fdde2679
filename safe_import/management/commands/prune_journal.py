"""Let go of the journals of old runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from safe_import.errors import UsageError
from safe_import.management.json_command import JsonCommand
from safe_import.runs.prune import prune_journal

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Mapping


class Command(JsonCommand):
    help = "Delete the journals of old runs: the values before and after. Such a run can't be undone any more."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--keep-days", type=int, metavar="D", required=True, help="days back that runs can still be undone"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would go, delete nothing")
        super().add_arguments(parser)

    def perform(self, options: dict[str, Any]) -> Mapping[str, Any]:
        days, dry_run, alias = options["keep_days"], options["dry_run"], options["database"]
        if days < 0:
            raise UsageError("--keep-days can't be negative.")
        if not dry_run:
            self.confirm(f"Runs of more than {days} days ago can't be undone any more. Go on?")
        removed: dict[str, int] = {}
        kept: dict[str, str] = {}
        for each in prune_journal(days, alias=alias, dry_run=dry_run):
            if each.remark:
                kept[each.run] = each.remark
                self.say(f"{each.run}  stays: {each.remark}")
            else:
                removed[each.run] = each.entries
                self.say(f"{each.run}  {'would lose' if dry_run else 'lost'} {each.entries:,} entries")
        return {"dry_run": dry_run, "removed": removed, "kept": kept}
