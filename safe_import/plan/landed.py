"""The rows that a run has written, as the database holds them, beside what the plan brings to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safe_import.plan.fates import CREATE, UPDATE, given, landed, link_joins, written_fields

if TYPE_CHECKING:
    from safe_import.plan.workspace import Workspace
    from safe_import.spec.target import Target


def written_rows(ws: Workspace, target: Target, fate: str) -> str:
    """FROM the rows t that landed and their plan p, with the rows o as they were before where they are updated."""
    pk = ws.dialect.column(target.pk)
    there = f"JOIN {ws.dialect.table(target.model)} t ON t.{pk} = p.pk"
    if fate == CREATE:
        return f"FROM {ws.name(target, 'new')} p {there}"
    planned = f"(SELECT * FROM {ws.name(target, 'plan')} WHERE fate = '{UPDATE}')"
    return f"FROM {planned} p JOIN {ws.name(target, 'old')} o ON o.si_rec = p.rec {there}"


def brought_rows(ws: Workspace, target: Target) -> str:
    """Joins p with the staged records s that hold what it brings, and with the new records that they link to."""
    return f" JOIN {ws.name(target, 'stage')} s ON s.id = p.src{link_joins(ws, target)}"


def verifiable_fields(ws: Workspace, target: Target, fate: str) -> list[str]:
    """The fields that have to hold what a record brings: none where the model's own ``save()`` has a say in it."""
    if target.write != "sql":
        return []
    rewritten = target.declaration.db_rewrites
    kept = () if fate == CREATE else target.key.fields
    return [name for name in written_fields(ws, target) if name not in rewritten and name not in kept]


def is_wrong(ws: Workspace, target: Target, name: str) -> str:
    """A condition: the row t does not hold the value that its record brings for a field."""
    field = target.fields[name]
    return ws.dialect.differs(field, f"t.{ws.dialect.column(field)}", landed(ws, target, name, typed=False))


def is_amiss(ws: Workspace, target: Target, fields: list[str]) -> str:
    """A condition: the row t does not hold all that its record brings for these fields."""
    return " OR ".join(f"({is_wrong(ws, target, name)} AND {given(ws, target, name)})" for name in fields) or "FALSE"
