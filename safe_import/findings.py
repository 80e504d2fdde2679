"""What a plan found, in the words and columns of the file: errors, warnings, counts, rejected rows."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from safe_import.conf import conf
from safe_import.errors import Refused
from safe_import.plan import outcome
from safe_import.plan.difference import write_difference
from safe_import.plan.messages import message_of
from safe_import.plan.refusal import changed_too_much, moves_records
from safe_import.plan.suggestions import Suggestions, suggestions
from safe_import.sources.rejects import RejectsFile, default_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from safe_import.plan.workspace import Workspace
    from safe_import.records import Problem, RunResult
    from safe_import.run_options import RunOptions
    from safe_import.sources import Source
    from safe_import.spec.target import Target
    from safe_import.stages.read import Reading
    from safe_import.stages.stage import Stager

_FORGIVEN = "unknown_column"  # where valid rows are imported alone: those that have something in it are rejected
_SAMPLE = 20  # changes that a report shows


class Findings:
    """What the plan in the tables of ``ws`` means for the file that ``reading`` reads.

    Args:
        ws: the plan.
        reading: the file.
        options: of the run.
        lenient: an unknown column is no error by itself, because the rows that have something in it are rejected.

    Attributes:
        header_errors: errors of the header.
        header_remarks: headers that were matched although they are spelled differently; and unknown columns, where the
            rows that have something in them are rejected instead.
    """

    def __init__(self, ws: Workspace, reading: Reading, options: RunOptions, *, lenient: bool) -> None:
        self.ws, self.reading, self.options = ws, reading, options
        harmless = _FORGIVEN if lenient else None
        self.header_errors = [problem for problem in reading.problems if problem.code != harmless]
        self.header_remarks = [*(p for p in reading.problems if p.code == harmless), *reading.notes]
        self._suggestions: Suggestions = {}

    def column(self, kind: int | None, field: str) -> str | None:
        """The header of a field of the row as the file spells it, or as it would be spelled; None for other fields."""
        known, row = self.reading.columns[kind or 0], self.ws.spec.rows[kind or 0]
        return known.get(field) or (row.spellings(field)[0] if field in row.model_fields else None)

    def summarise(self, stager: Stager, result: RunResult) -> None:
        """Fills in the result of the run as far as the plan tells it."""
        ws, limit = self.ws, conf().MAX_REPORTED
        result.rows = outcome.ledger(ws, stager.read, stager.skipped)
        result.models = outcome.model_counts(ws)
        result.links_held, result.links_left_empty = outcome.links_held(ws), outcome.links_left_empty(ws)
        result.plan = outcome.digest(ws, stager.digest)
        result.changes = outcome.sample_changes(ws, _SAMPLE)
        self._suggestions = suggestions(ws, limit)
        result.errors = [*self.header_errors, *self._problems(warnings=False, limit=limit)]
        result.errors_total = len(self.header_errors) + outcome.count_problems(ws, warnings=False)
        result.warnings = [*self.header_remarks, *self._problems(warnings=True, limit=limit)]
        result.warnings_total = len(self.header_remarks) + outcome.count_problems(ws, warnings=True)

    def errors(self) -> Iterator[Problem]:
        """Every error of the file, however many there are."""
        return chain(self.header_errors, self._problems(warnings=False))

    def refuse(self, result: RunResult, label: str) -> None:
        """Raise Refused where the plan may not be carried out."""
        count = result.errors_total
        result.in_part = all(problem.code == _FORGIVEN for problem in self.header_errors)
        if self.header_errors or (count and self.options.on_error == "rollback"):
            errors = "one error" if count == 1 else f"{count:,} errors"
            raise Refused(f"{errors} in {label}. Nothing was changed.", result.errors)
        if self.options.plan and self.options.plan != result.plan:
            raise Refused(f"The plan is {result.plan}, not the one that was asked for. Nothing was changed.")
        if self.options.max_changes and (reason := changed_too_much(self.ws, self.options.max_changes)):
            raise Refused(f"{reason}. Nothing was changed.")
        if reason := moves_records(self.ws):
            raise Refused(f"{reason}. Nothing was changed.")

    def write_rejects(self, source: Source, run: str) -> Path:
        """Writes the rejected rows to a file of their own, which names the run that rejects them."""
        path = Path(self.options.rejects or default_name(source))
        with RejectsFile(path, source, run) as file:
            file.fill(outcome.rejected_lines(self.ws, self._describe))
        return path

    def write_difference(self) -> None:
        """Writes what the plan would change to a private file, where that is asked for."""
        if self.options.diff:
            write_difference(self.ws, self.options.diff)

    def _problems(self, *, warnings: bool, limit: int | None = None) -> Iterator[Problem]:
        for problem in outcome.problems(self.ws, self._describe, warnings=warnings, limit=limit):
            place = self.reading.place(problem.line) if problem.line else ""
            yield replace(problem, message=f"{problem.message} ({place})") if place else problem

    def _describe(self, target: Target, field: str, code: str, line: int, other: int | None) -> tuple[str, str]:
        names = [self.column(kind, target.row_field(field)) for kind in sorted(target.kinds)]
        column = next((name for name in names if name), f"{target.label}.{field}")
        suggestion = self._suggestions.get((line, target.number, field), "")
        return column, f"{message_of(target, field, code, other)}{suggestion and f'; {suggestion}'}"
