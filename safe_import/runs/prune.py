"""Lets go of the journals of runs that are old: what they hold are values, and a table that only grows.

The records of the runs stay. A run whose journal is gone can't be undone, and says so.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models import Sum
from django.utils import timezone

from safe_import.database import dialect
from safe_import.errors import LockHeld
from safe_import.failpoints import failpoint
from safe_import.models import JournalPage, Run
from safe_import.runs.record import PRUNED, State, lock_holder
from safe_import.runs.recover import tables_of_journal

if TYPE_CHECKING:
    from collections.abc import Iterator

_SETTLED = (State.APPLIED, State.VERIFIED, State.UNDONE)


@dataclass(frozen=True, slots=True)
class PrunedJournal:
    """How many entries the journal of a run had; ``remark`` says why it stays, where it does."""

    run: str
    entries: int
    remark: str = ""


def prune_journal(keep_days: int, *, alias: str = DEFAULT_DB_ALIAS, dry_run: bool = False) -> Iterator[PrunedJournal]:
    """Deletes the journals of the runs that began more than ``keep_days`` days ago, each in a transaction of its own.

    Args:
        keep_days: how many days back a run can still be undone.
        alias: the database.
        dry_run: only tell what would go.

    Yields:
        What was deleted, or would be, the oldest run first; and the journals of runs that somebody works on, which
        stay.
    """
    before = timezone.now() - datetime.timedelta(days=keep_days)
    old = Run.objects.using(alias).filter(started__lt=before, state__in=_SETTLED).order_by("id")
    for run in old.filter(pk__in=JournalPage.objects.using(alias).values("run")):
        entries = JournalPage.objects.using(alias).filter(run=run).aggregate(n=Sum("size"))["n"] or 0
        yield PrunedJournal(run.id, entries) if dry_run else _prune(alias, run.id, entries)


def _prune(alias: str, run_id: str, entries: int) -> PrunedJournal:
    """Under the locks of an undo, so that none is at work on it."""
    tables = sorted(set(tables_of_journal(alias, run_id)))
    try:
        with dialect(connections[alias]).run_lock(tables, lock_holder(f"pruning of {run_id}")):
            return _delete(alias, run_id, entries)
    except LockHeld as held:
        return PrunedJournal(run_id, 0, str(held))


def _delete(alias: str, run_id: str, entries: int) -> PrunedJournal:
    with transaction.atomic(using=alias, durable=True):
        run = Run.objects.using(alias).get(id=run_id)
        if run.state not in _SETTLED:
            return PrunedJournal(run_id, 0, f"it is {run.state}")
        failpoint("journal.locked")
        JournalPage.objects.using(alias).filter(run=run_id).delete()
        failpoint("journal.deleted")
        run.report = {**run.report, PRUNED: timezone.now().isoformat(timespec="seconds")}
        run.save(using=alias, update_fields=["report"])
        failpoint("journal.before_commit")
    failpoint("journal.committed")
    return PrunedJournal(run_id, entries)
