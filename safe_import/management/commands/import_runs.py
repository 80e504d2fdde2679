"""List the runs, tell everything about one, close the records of those that were cut off."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from safe_import.errors import UsageError
from safe_import.management.json_command import JsonCommand
from safe_import.models import Run
from safe_import.report.runs import restore_command, run_as_dict, run_details, run_line, undo_command
from safe_import.runs.journal import counts
from safe_import.runs.record import find_run
from safe_import.runs.recover import recover

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterator, Mapping


class Command(JsonCommand):
    help = "List the runs, the newest first, or tell everything about one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", nargs="?", metavar="RUN", help="the id of a run; all runs are listed unless given")
        parser.add_argument(
            "--recover",
            action="store_true",
            help="close the records of runs that were cut off; those still at work are left alone",
        )
        super().add_arguments(parser)

    def perform(self, options: dict[str, Any]) -> Mapping[str, Any]:
        if options["recover"]:
            if options["run"]:
                raise UsageError("--recover looks at every run: do not name one")
            return self._recover(options["database"])
        if options["run"]:
            return self._tell(options["database"], options["run"])
        return self._list(options["database"])

    def _list(self, alias: str) -> Mapping[str, Any]:
        runs = list(Run.objects.using(alias))
        for run in runs:
            self.say(run_line(run))
        if not runs:
            self.say("There is no run.")
        return {"runs": [run_as_dict(run) for run in runs]}

    def _tell(self, alias: str, run_id: str) -> Mapping[str, Any]:
        run = find_run(alias, run_id)
        journal = counts(alias, run_id)
        for name, value in [*run_details(run, journal), *self._ways_back(run)]:
            if value:
                self.say(f"{name:11} {value}")
        return {**run_as_dict(run), "written": journal}

    def _ways_back(self, run: Run) -> Iterator[tuple[str, str]]:
        for name, command in (("To undo", undo_command(run)), ("To restore", restore_command(run))):
            yield name, self.to_type(command) if command else ""

    def _recover(self, alias: str) -> Mapping[str, Any]:
        recovered = recover(alias)
        for each in recovered:
            self.say(f"{each.run}  {each.spec}  {each.before} -> {each.after}: {each.remark}")
        if not recovered:
            self.say("Every run has ended.")
        return {"recovered": [dataclasses.asdict(each) for each in recovered]}
