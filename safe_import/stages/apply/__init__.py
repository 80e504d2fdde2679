"""Writes the plan, inside the data transaction: locks, new primary keys, inserts, updates, journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone

from safe_import.errors import StalePlan
from safe_import.failpoints import failpoint
from safe_import.plan.fates import count_fates
from safe_import.plan.match import keys_of_created, keys_of_database
from safe_import.runs.journal import remember_old, write_journal
from safe_import.spec.target import Target, unique_in_database
from safe_import.stages.apply.keys import assign_keys
from safe_import.stages.apply.save import save_records
from safe_import.stages.apply.sql import insert_records, update_records

if TYPE_CHECKING:
    import datetime

    from safe_import.plan.workspace import Workspace

__all__ = ["apply_plan", "prepare_writing", "write_journals", "write_records", "write_target"]


def apply_plan(ws: Workspace, run: str) -> None:
    """Writes every record of the plan, and the journal of ``run``.

    Raises:
        StalePlan: somebody changed the records since the plan was made.
    """
    write_records(ws)
    write_journals(ws, run)


def write_records(ws: Workspace) -> None:
    """The first half of ``apply_plan``: writes the records."""
    prepare_writing(ws)
    now = timezone.now()
    for target in ws.targets:
        write_target(ws, target, now)
        failpoint("apply.written")
    ws.dialect.settle_constraints()


def prepare_writing(ws: Workspace) -> None:
    """Locks what is going to be updated, and gives new records their keys.

    Raises:
        StalePlan: somebody changed the records since the plan was made.
    """
    ws.dialect.assert_unchanged()
    for target in ws.targets:
        _lock(ws, target)
    for target in ws.targets:
        assign_keys(ws, target)
        remember_old(ws, target)
    failpoint("apply.keys_assigned")


def write_target(ws: Workspace, target: Target, now: datetime.datetime) -> None:
    """Writes the records of one target that its plan creates and updates."""
    if callable(target.write):
        target.write(ws, target)
    elif target.write == "save":
        save_records(ws, target)
    else:
        with ws.dialect.links_deferred(target.model, _written_keys(ws, target)):
            insert_records(ws, target, now)
            failpoint("apply.inserted")
            update_records(ws, target, now)


def write_journals(ws: Workspace, run: str) -> None:
    """The second half of ``apply_plan``: writes down what the records are now."""
    for target in ws.targets:
        if callable(target.write):
            count_fates(ws, target)  # a writer of its own may have changed the plan
        write_journal(ws, target, run)
    failpoint("apply.journalled")


def _written_keys(ws: Workspace, target: Target) -> str:
    """A SELECT of the primary keys of all records that are written."""
    updated = f"SELECT pk FROM {ws.name(target, 'plan')} WHERE fate = 'update'"
    return f"SELECT pk FROM {ws.name(target, 'new')} UNION ALL {updated}"


def _lock(ws: Workspace, target: Target) -> None:
    """Locks the rows to be updated, and tells whether they are still what the plan saw."""
    plan, d = ws.name(target, "plan"), ws.dialect
    if target.key.fields and not unique_in_database(target, d.enforces):
        d.lock_table(target.model)  # nothing else keeps somebody from creating the same record meanwhile
        if keys_of_database(ws, target, keys_of_created(ws, target)):
            raise StalePlan(f"Records of {target.label} that the plan creates were created by somebody else.")
    if stale := d.value(d.lock_and_count_stale(target.model, f"SELECT pk, ver FROM {plan} WHERE fate = 'update'")):
        raise StalePlan(f"{stale} records of {target.label} were changed by somebody else between plan and apply.")
