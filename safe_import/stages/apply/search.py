"""Finds the rows that the database refuses for reasons that a plan can't judge: a trigger raises, say.

# Note [Refused rows]
The database says that it refuses, not which record. So the plan is written once more in parts, each under a savepoint,
in a transaction that is always rolled back. A part that is taken stays written, and one that is refused is halved, down
to a single record: what is reported is refused beside everything that is taken. Records that others link to come
before those, so that no part lacks what it links to; those that link to each other in a circle come last, and there
deferred constraints are not asked. Every row that brings a refused record is at fault. What links to one is not tried:
the next plan, made without the rows at fault, says what is wrong with it.

Where everything is refused this would take as many parts as there are records, twice. It gives up after ``ATTEMPTS``.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import DatabaseError, transaction
from django.utils import timezone

from safe_import.database.failures import describe, may_be_of_a_row
from safe_import.plan.fates import CREATE, UPDATE, written_fields
from safe_import.plan.workspace import OUT
from safe_import.stages.apply import prepare_writing, write_target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from safe_import.plan.workspace import Workspace
    from safe_import.spec.target import Target

ATTEMPTS = 10_000
_LEVELS = 100  # how far links are followed before what is left is taken for a circle
_RECORDS, _NEEDS, _ORDER = "si_try", "si_need", "si_order"
_TOUCHED = f"fate IN ('{CREATE}', '{UPDATE}')"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One record that the database refuses.

    Args:
        message: why, without a value.
        lines: those of every row that brings it.
    """

    message: str
    lines: array[int]


@dataclass(frozen=True, slots=True)
class Found:
    """What a search has found; ``complete`` is False when it gave up before it had tried everything."""

    refusals: tuple[Refusal, ...]
    complete: bool


def searchable(ws: Workspace) -> bool:
    """Whether the plan can be written in parts: a writer of its own sees to its errors itself."""
    return not any(callable(target.write) for target in ws.targets)


def find_refused(ws: Workspace) -> Found:
    """Finds the records of the plan that the database refuses. See Note [Refused rows].

    The data transaction has begun, and must be rolled back afterwards.

    Raises:
        StalePlan: somebody changed the records since the plan was made.
        DatabaseError: the database refuses for a reason that is no row's.
    """
    prepare_writing(ws)
    return _Search(ws).found()


class _Search:
    def __init__(self, ws: Workspace) -> None:
        self.ws, self.d, self.now = ws, ws.dialect, timezone.now()
        self.attempts, self.gave_up = 0, False
        ws.in_parts = True
        self.refusals: list[Refusal] = []
        for target in ws.targets:
            self._lay_aside(target)
        self.count, self.ordered = self._put_in_order()

    def found(self) -> Found:
        if self._refusal(0, 0) is None:  # with nothing to write it refuses none the less: no row is at fault
            self._halve(1, self.count)
        return Found(tuple(self.refusals), complete=not self.gave_up)

    # -- parts

    def _halve(self, first: int, last: int) -> None:
        """Writes the records from ``first`` to ``last``, but for those that the database refuses."""
        self.gave_up = self.gave_up or self.attempts >= ATTEMPTS
        if first > last or self.gave_up or (error := self._refusal(first, last)) is None:
            return
        if first == last:
            self._leave_out(first, error)
            return
        middle = (first + last) // 2
        self._halve(first, middle)
        self._halve(middle + 1, last)

    def _refusal(self, first: int, last: int) -> DatabaseError | None:
        """Writes a part; None when the database takes it."""
        self.attempts += 1
        try:
            with transaction.atomic(using=self.d.connection.alias):
                self.d.defer_constraints()
                for target in self.ws.targets:
                    self._plan_part(target, first, last)
                    write_target(self.ws, target, self.now)
                if last <= self.ordered:
                    self.d.settle_constraints()
        except DatabaseError as error:
            if self.d.connection.needs_rollback or not may_be_of_a_row(error):
                raise
            return error
        return None

    def _plan_part(self, target: Target, first: int, last: int) -> None:
        plan = self.ws.name(target, "plan")
        self.d.execute(f"DELETE FROM {plan}")
        self.d.execute(
            f"INSERT INTO {plan} SELECT w.* FROM {self._whole(target)} w JOIN {self.d.temp(_ORDER)} o ON o.rec = w.rec"
            f" WHERE o.target = {target.number} AND o.n BETWEEN {first} AND {last}"
        )
        self.d.analyze(f"si_{target.number}_plan")

    def _leave_out(self, n: int, error: DatabaseError) -> None:
        number, rec = self.d.rows(f"SELECT target, rec FROM {self.d.temp(_ORDER)} WHERE n = {n}")[0]
        target = self.ws.targets[number]
        model = target.model._meta.verbose_name
        message = f"the database refuses this {model}: {describe(error)}; correct the row, or leave it out"
        self.refusals.append(Refusal(message, array("q", self._lines_that_bring(target, rec))))
        order, needs = self.d.temp(_ORDER), self.d.temp(_NEEDS)
        refused = f"SELECT {self.d.whole_number(number)}, {self.d.whole_number(rec)}"
        self.d.execute(
            f"DELETE FROM {order} WHERE n IN (WITH RECURSIVE lost(target, rec) AS"
            f" ({refused} UNION SELECT d.target, d.rec FROM {needs} d"
            f" JOIN lost l ON l.target = d.on_target AND l.rec = d.on_rec)"
            f" SELECT o.n FROM {order} o JOIN lost l ON l.target = o.target AND l.rec = o.rec)"
        )

    def _lines_that_bring(self, target: Target, rec: int) -> Iterator[int]:
        name, ws = self.ws.name, self.ws
        for (line,) in self.d.stream(
            f"SELECT DISTINCT s.line FROM {name(target, 'group')} g JOIN {name(target, 'key')} q ON q.k = g.k"
            f" JOIN {name(target, 'stage')} s ON s.id = q.id LEFT JOIN {ws.shared(OUT)} o ON o.line = s.line"
            f" WHERE g.rec = {rec} AND o.line IS NULL"
        ):
            yield line

    # -- order

    def _lay_aside(self, target: Target) -> None:
        """The whole plan of a target, from which parts are taken; and what makes taking them quick."""
        d, number = self.d, target.number
        d.create_temp_of(f"si_{number}_whole", f"SELECT * FROM {self.ws.name(target, 'plan')} WHERE {_TOUCHED}")
        for name in ("whole rec", "stage id", "new rec", "group rec", "key k"):
            table, column = name.split()
            self._index(f"si_{number}_{table}", column)

    def _whole(self, target: Target) -> str:
        return self.ws.name(target, "whole")

    def _put_in_order(self) -> tuple[int, int]:
        """Numbers all records, from 1 on. Returns how many there are, and how many of them are in no circle."""
        d = self.d
        d.create_temp(_RECORDS, dict.fromkeys(("target", "rec", "line", "level"), "bigint"))
        d.create_temp(_NEEDS, dict.fromkeys(("target", "rec", "on_target", "on_rec"), "bigint"))
        for target in self.ws.targets:
            d.execute(
                f"INSERT INTO {d.temp(_RECORDS)} (target, rec, line)"
                f" SELECT {target.number}, rec, line FROM {self._whole(target)}"
            )
            self._add_needs(target)
        self._index(_RECORDS, "rec")
        self._index(_NEEDS, "rec")
        self._index(_NEEDS, "on_rec")
        self._give_levels()
        order = f"coalesce(level, {_LEVELS}), line, target, rec"
        numbered = f"row_number() OVER (ORDER BY {order}) AS n"
        d.create_temp_of(_ORDER, f"SELECT target, rec, {numbered} FROM {d.temp(_RECORDS)}")
        self._index(_ORDER, "n")
        self._index(_ORDER, "rec")
        return d.rows(f"SELECT count(*), count(level) FROM {d.temp(_RECORDS)}")[0]

    def _add_needs(self, target: Target) -> None:
        """Which records link to which that this run creates."""
        for name in written_fields(self.ws, target):
            model = target.fields[name].related_model if name in target.links else None
            other = self.ws.target_of(model) if model else None
            if other is None:
                continue
            itself = " AND q.rec <> p.rec" if other is target else ""
            self.d.execute(
                f"INSERT INTO {self.d.temp(_NEEDS)} SELECT {target.number}, p.rec, {other.number}, q.rec"
                f" FROM {self._whole(target)} p JOIN {self._whole(other)} q ON q.rec = p.{self.d.quote(f'r_{name}')}"
                f" WHERE q.fate = '{CREATE}'{itself}"
            )

    def _give_levels(self) -> None:
        """Level by level, the records all of whose links lead to a lower one; without a level, those in a circle."""
        records, needs = self.d.temp(_RECORDS), self.d.temp(_NEEDS)
        for level in range(_LEVELS):
            leveled = self.d.execute(
                f"UPDATE {records} AS a SET level = {level} WHERE level IS NULL AND NOT EXISTS ("
                f"SELECT 1 FROM {needs} d JOIN {records} b ON b.target = d.on_target AND b.rec = d.on_rec"
                f" WHERE d.target = a.target AND d.rec = a.rec AND (b.level IS NULL OR b.level = {level}))"
            )
            if not leveled:
                return

    def _index(self, table: str, column: str) -> None:
        self.d.index_temp(table, column)
        self.d.analyze(table)
