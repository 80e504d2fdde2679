"""Closes the records of runs that were cut off: killed, or without a connection at the wrong moment.

Whether a run is still at work, its lock tells, which the system frees when its process or its session ends. Whether it
changed the data, its state tells: see Note [Run states]. Nothing is decided by the clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Q
from django.utils import timezone

from safe_import.database import dialect
from safe_import.errors import LockHeld
from safe_import.models import JournalPage, Run
from safe_import.runs.record import OPEN, RunRecord, State, find_run, lock_holder, state_before_undo
from safe_import.spec.import_spec import registry

if TYPE_CHECKING:
    from collections.abc import Iterator

_CUT_OFF = "The process ended before the import was committed. Nothing was changed."


@dataclass(frozen=True, slots=True)
class Recovered:
    """What became of the record of one run. ``remark`` says why, for people."""

    run: str
    spec: str
    before: str
    after: str
    remark: str


def recover(alias: str = DEFAULT_DB_ALIAS) -> list[Recovered]:
    """Closes the record of every run that was cut off.

    Args:
        alias: the database.

    Returns:
        What became of each run that was open, the oldest first; those still at work are left alone.
    """
    unfinished = Q(state__in=[*OPEN, State.UNDOING]) | Q(state=State.APPLIED, ended=None)
    return [_recover(alias, run) for run in Run.objects.using(alias).filter(unfinished).order_by("id")]


def _recover(alias: str, run: Run) -> Recovered:
    before = run.state
    if run.spec not in registry and "tables" not in run.arguments:
        return Recovered(run.id, run.spec, before, before, "its import is not installed, so its lock is not known")
    tables = sorted({*_tables_of_spec(run), *tables_of_journal(alias, run.id)})
    try:
        with dialect(connections[alias]).run_lock(tables, lock_holder(f"recovery of {run.id}")):
            run, remark = _close(alias, run.id)
    except LockHeld as held:
        remark = str(held)
    return Recovered(run.id, run.spec, before, run.state, remark)


def _close(alias: str, run_id: str) -> tuple[Run, str]:
    """Under the lock of the run, so nobody works on it: what it has not written by now, it never will."""
    record = RunRecord(alias, find_run(alias, run_id))
    state, now = record.run.state, timezone.now()
    if state in OPEN:
        record.enter(State.FAILED, failure=_CUT_OFF, ended=now)
        return record.run, "it was cut off before the commit; nothing was changed"
    if state == State.UNDOING:
        record.enter(state_before_undo(record.run))
        return record.run, "its undo was cut off; nothing was undone"
    if state == State.APPLIED and record.run.ended is None:
        record.enter(State.APPLIED, ended=now)
        return record.run, "it was cut off after the commit; the data is in"
    return record.run, "it has ended meanwhile"


def _tables_of_spec(run: Run) -> Iterator[str]:
    """What the run locked: its record tells, unless it is of a version that did not write it there."""
    if "tables" in run.arguments:
        yield from run.arguments["tables"]
    else:
        yield from (target.model._meta.db_table for target in registry[run.spec]().targets)


def tables_of_journal(alias: str, run_id: str) -> Iterator[str]:
    """What an undo locks: the spec may write other models by now."""
    for label in JournalPage.objects.using(alias).filter(run=run_id).values_list("model", flat=True).distinct():
        try:
            yield apps.get_model(label)._meta.db_table
        except LookupError:
            continue  # then it can't be undone either
