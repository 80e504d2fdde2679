"""The frozen values that travel between the stages."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PROVEN = "none, proven"
"""What a report says of deletions where the database itself can prove that there were none."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a file, at a line and a column. Never holds the cell's value.

    Args:
        line: the line of the file, counted from 1; None when the whole file is meant.
        column: the header as the file spells it; None when the whole row is meant.
        code: stable, for programs (``required``, ``too_long``, ``link_missing`` ...).
        message: for people: reason and remedy.
    """

    line: int | None
    column: str | None
    code: str
    message: str

    def __str__(self) -> str:
        place = ", ".join(
            part
            for part in (f"line {self.line}" if self.line else "", f"column {self.column!r}" if self.column else "")
            if part
        )
        return f"{place}: {self.message}" if place else self.message


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row as the source gave it, its cells already under the names of the row's fields; blank cells are left out.

    ``kind`` is the position of the row model among the spec's ``rows``; None when no kind, or several, claim the row.
    """

    line: int
    kind: int | None
    values: Mapping[str, Any]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class RawColumns:
    """A block of rows of the first kind, column by column; none of them is broken or blank. See Note [Columns].

    Args:
        lines: the line on which each row starts.
        values: the cells of each field, one a row: texts are plain ``str`` and stripped; None for a blank one.
    """

    lines: Sequence[int]
    values: Mapping[str, Sequence[Any]]

    def __len__(self) -> int:
        return len(self.lines)

    def rows(self) -> Iterator[RawRow]:
        """The same row by row."""
        for line, cells in zip(self.lines, zip(*self.values.values(), strict=True), strict=True):
            named = zip(self.values, cells, strict=True)
            yield RawRow(line, 0, {name: cell for name, cell in named if cell is not None})


@dataclass(frozen=True, slots=True)
class ValidColumns:
    """A block of valid rows of the first kind, column by column.

    Args:
        lines: the line on which each row starts.
        values: the values of each field that the file has a column for, one a row; None where a row does not bring it.
    """

    lines: Sequence[int]
    values: Mapping[str, Sequence[Any]]

    def __len__(self) -> int:
        return len(self.lines)


@dataclass(frozen=True, slots=True)
class Ledger:
    """Every row accounted for: ``read`` = created + updated + unchanged + skipped + rejected."""

    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    rejected: int = 0

    @property
    def balances(self) -> bool:
        return self.read == self.created + self.updated + self.unchanged + self.skipped + self.rejected

    def as_dict(self) -> dict[str, int]:
        return dataclasses.asdict(self)


@dataclass(frozen=True, slots=True)
class ModelCounts:
    """What happened to the records of one model."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0

    def as_dict(self) -> dict[str, int]:
        return dataclasses.asdict(self)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one integrity check found.

    ``found`` counts the violating records, ``introduced`` those of them that the run brought (0 outside a run),
    ``sample`` names some of them, as ``people.Team #12``.
    """

    name: str
    severity: str  # "error" or "warning"
    message: str
    found: int
    introduced: int = 0
    sample: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


@dataclass(slots=True)
class RunResult:
    """The result of one run: what ``run_import()`` returns and the reports render."""

    spec: str
    run: str | None = None
    state: str = "created"
    dry_run: bool = False
    rows: Ledger = field(default_factory=Ledger)
    models: dict[str, ModelCounts] = field(default_factory=dict)
    links_held: int = 0
    links_left_empty: int = 0
    plan: str | None = None
    backup: str | None = None
    rejects: str | None = None
    errors: list[Problem] = field(default_factory=list)  # at most conf.MAX_REPORTED of them
    errors_total: int = 0
    warnings: list[Problem] = field(default_factory=list)
    warnings_total: int = 0
    checks: list[CheckResult] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)  # a sample, for the screen only
    seconds: dict[str, float] = field(default_factory=dict)
    deletions: str | None = None  # PROVEN, or what else the witness says; None when nothing was written
    undo: str | None = None
    exit_code: int = 0
    in_part: bool = True  # whether the valid rows of a file with errors can be imported alone

    def as_dict(self) -> dict[str, Any]:
        """The report for programs, see ``docs/commands.md``. Holds no value of a cell."""
        return {
            "run": self.run,
            "spec": self.spec,
            "state": self.state,
            "dry_run": self.dry_run,
            "rows": self.rows.as_dict(),
            "models": {label: counts.as_dict() for label, counts in self.models.items()},
            "links": {"held": self.links_held, "left_empty": self.links_left_empty},
            "plan": self.plan,
            "backup": self.backup,
            "rejects": self.rejects,
            "errors": [dataclasses.asdict(problem) for problem in self.errors],
            "errors_total": self.errors_total,
            "warnings": [dataclasses.asdict(problem) for problem in self.warnings],
            "warnings_total": self.warnings_total,
            "checks": [check.as_dict() for check in self.checks],
            "seconds": {stage: round(seconds, 3) for stage, seconds in self.seconds.items()},
            "deletions": self.deletions,
            "undo": self.undo,
            "exit_code": self.exit_code,
        }


@dataclass(frozen=True, slots=True)
class Validated:
    """One row after validation: ``row`` is an instance of the spec's row model, None when the line is at fault.

    Args:
        line: the line of the file on which the row starts.
        kind: as in ``RawRow``.
        row: the validated row.
        problems: everything wrong with it, at once.
        values: the cells as the file has them, under the names of the fields; cells of a row at fault are kept too.
    """

    line: int
    kind: int | None
    row: Any
    problems: tuple[Problem, ...]
    values: Mapping[str, Any]
