"""Why a plan may not be carried out, although it could be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safe_import.database.fields import column_name
from safe_import.plan.fates import changes, planned, written_fields

if TYPE_CHECKING:
    from safe_import.plan.workspace import Workspace
    from safe_import.spec.target import Target


def changed_too_much(ws: Workspace, limit: str) -> str | None:
    """What is beyond ``limit``, a number or a percentage of each table's records; None when nothing is.

    Updated records count, and so do values that are cleared, of which a record may have several.
    """
    for target in ws.targets:
        updates = ws.dialect.value(f"SELECT count(*) FROM {ws.name(target, 'plan')} WHERE fate = 'update'")
        if not updates:
            continue
        cleared = _cleared_values(ws, target)
        size = ws.dialect.value(f"SELECT count(*) FROM {ws.dialect.table(target.model)}")
        allowed = float(limit[:-1]) / 100 * size if limit.endswith("%") else float(limit)
        if max(updates, cleared) > allowed:
            also = f", and {cleared:,} of their values cleared" if cleared else ""
            seen = f"{updates:,} of {size:,} records of {target.label} would be updated{also}"
            return f"{seen}: more than --max-changes {limit} allows"
    return None


def _cleared_values(ws: Workspace, target: Target) -> int:
    stage = ws.stages[target.number]
    names = [name for name in written_fields(ws, target) if name not in target.key.fields]
    conditions = {name: stage.cleared(name) for name in names}
    return sum(_updates_of(ws, target, name, sql) for name, sql in conditions.items() if sql != "FALSE")


def moves_records(ws: Workspace) -> str | None:
    """Which update would make other records of those that are there; None when none would.

    A record with another primary key is another record, and so is one in another partition: PostgreSQL deletes it here
    and inserts it there.
    """
    for target in ws.targets:
        partitioned = ws.dialect.partition_columns(target.model)
        for name in written_fields(ws, target):
            field = target.fields[name]
            if name in target.key.fields or not (field.primary_key or column_name(field) in partitioned):
                continue
            if count := _updates_of(ws, target, name):
                what = "primary key" if field.primary_key else "partition"
                return (
                    f"{count} records of {target.label} would get another {what} through {name}, which counts as "
                    f"deleting them. Leave {name} out of what the spec brings"
                )
    return None


def _updates_of(ws: Workspace, target: Target, name: str, condition: str = "TRUE") -> int:
    """How many records get another value for a field, of those whose staged record s is under the condition."""
    d = ws.dialect
    return int(
        d.value(
            f"SELECT count(*) FROM {planned(ws, target)}"
            f" JOIN {d.table(target.model)} t ON t.{d.column(target.pk)} = p.pk"
            f" WHERE p.fate = 'update' AND {condition} AND {changes(ws, target, name)}"
        )
    )
