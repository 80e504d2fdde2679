"""Undo a run."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from safe_import.audit import AuditLogger
from safe_import.errors import SafeImportError, UndoConflict
from safe_import.management.json_command import JsonCommand
from safe_import.runs.record import user_name
from safe_import.runs.undo import UndoResult, undo

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Mapping, Sequence

    from safe_import.records import Problem

_FLAGS = ("delete_created", "skip_conflicts")


class Command(JsonCommand):
    help = "Put the records that a run updated back as they were. Nothing is undone when one was changed since."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", metavar="RUN", help="the id of the run; import_runs lists them")
        parser.add_argument("--dry-run", action="store_true", help="show what would be done; write nothing")
        parser.add_argument(
            "--delete-created",
            action="store_true",
            help="also delete the records that the run created, if they are unchanged and nothing refers to them",
        )
        parser.add_argument(
            "--skip-conflicts",
            action="store_true",
            help="leave out the records that can't be undone, and undo the rest",
        )
        super().add_arguments(parser)

    def perform(self, options: dict[str, Any]) -> Mapping[str, Any]:
        chosen = {"alias": options["database"], **{flag: options[flag] for flag in _FLAGS}}
        if options["dry_run"]:
            return self._report(undo(options["run"], dry_run=True, **chosen))
        if not options["no_input"]:
            self._report(undo(options["run"], dry_run=True, **chosen))
            self.confirm(f"Run {options['run']} will be undone.")
        return self._report(self._undo(options["run"], chosen))

    def _undo(self, run: str, chosen: dict[str, Any]) -> UndoResult:
        audit = AuditLogger()
        audit.write("undo_started", run, who=user_name(), arguments=chosen)
        try:
            result = undo(run, **chosen)
        except SafeImportError as error:
            audit.write("failed", run, message=str(error))
            raise
        audit.write("undone", run, **_counts(result))
        return result

    def failed(self, error: SafeImportError) -> Mapping[str, Any]:
        if not isinstance(error, UndoConflict):
            return {}
        self._list(error.conflicts)
        return {"conflicts": [dataclasses.asdict(conflict) for conflict in error.conflicts]}

    def _report(self, result: UndoResult) -> Mapping[str, Any]:
        undone = "would be undone" if result.dry_run else "is undone"
        self.say(f"Run {result.run} {undone}:")
        for action, counts in _counts(result).items():
            for model, count in counts.items():
                if count:
                    self.say(f"  {model}: {count:,} {_WORDS[action]}")
        self._list(result.conflicts)
        if result.conflicts_total:
            self.remain(f"{result.conflicts_total:,} conflicts are left out; the rest {undone}.")
        conflicts = [dataclasses.asdict(conflict) for conflict in result.conflicts]
        return {
            "run": result.run,
            "dry_run": result.dry_run,
            **_counts(result),
            "conflicts": conflicts,
            "conflicts_total": result.conflicts_total,
        }

    def _list(self, conflicts: Sequence[Problem]) -> None:
        for conflict in conflicts:
            self.say(f"  conflict: {conflict.message}")


_WORDS = {
    "restored": "put back as before the run",
    "deleted": "that the run created, deleted",
    "kept": "that the run created, kept",
}


def _counts(result: UndoResult) -> dict[str, dict[str, int]]:
    return {action: getattr(result, action) for action in _WORDS}
