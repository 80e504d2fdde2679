"""The records of a migration that exist already, which its hook may change: locked, remembered, compared afterwards.

They enter the plan as updates, so that the journal has what the hook makes of them; those that it leaves as they are
become unchanged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from safe_import.plan.fates import UNCHANGED, UPDATE
from safe_import.plan.workspace import OUT, SKIP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from safe_import.plan.workspace import Workspace
    from safe_import.spec.target import Target

_BATCH = 1000


def take_existing(ws: Workspace, target: Target) -> Iterator[tuple[int, Any]]:
    """The rows whose records exist, which the plan skips: number and instance, locked, in the order of the query."""
    d, plan = ws.dialect, ws.name(target, "plan")
    d.execute(
        f"INSERT INTO {plan} (rec, src, line, pk, ver, fate, held)"
        f" SELECT s.id, s.id, s.line, g.pk, g.ver, '{UPDATE}', 0 FROM {ws.name(target, 'stage')} s"
        f" JOIN {ws.name(target, 'key')} q ON q.id = s.id JOIN {ws.name(target, 'group')} g ON g.k = q.k"
        f" JOIN {ws.shared(OUT)} o ON o.line = s.line WHERE o.why = '{SKIP}' AND g.pk IS NOT NULL"
    )
    taken = f"FROM {plan} WHERE fate = '{UPDATE}'"
    d.execute(f"DELETE FROM {ws.shared(OUT)} WHERE why = '{SKIP}' AND line IN (SELECT line {taken})")
    theirs = f"t.{d.column(target.pk)} IN (SELECT pk {taken})"
    d.value(f"SELECT count(*) FROM ({d.lock_rows(target.model, theirs)}) l")
    columns = "".join(f", t.{d.column(field)}" for field in target.fields.values())
    updated = f"JOIN {d.table(target.model)} t ON t.{d.column(target.pk)} = p.pk WHERE p.fate = '{UPDATE}'"
    d.execute(f"INSERT INTO {ws.name(target, 'old')} SELECT p.rec{columns} FROM {plan} p {updated}")
    yield from _instances(ws, target, taken)


def _instances(ws: Workspace, target: Target, taken: str) -> Iterator[tuple[int, Any]]:
    manager, last = target.model._base_manager.using(ws.dialect.connection.alias), 0
    while rows := ws.dialect.rows(f"SELECT rec, line, pk {taken} AND rec > {last} ORDER BY rec LIMIT {_BATCH}"):
        instances = manager.in_bulk([pk for _, _, pk in rows])
        to_python = target.pk.to_python
        for last, line, pk in rows:  # noqa: B007 - the next batch begins behind it
            yield line, instances[to_python(pk)]


def tell_changed(ws: Workspace, target: Target) -> None:
    """Tells the records that the hook changed from those that it did not."""
    d, old, pk = ws.dialect, ws.name(target, "old"), ws.dialect.column(target.pk)
    differs = " OR ".join(d.differs(f, f"o.{d.column(f)}", f"t.{d.column(f)}") for f in target.fields.values())
    same = f"SELECT o.{pk} FROM {old} o JOIN {d.table(target.model)} t ON t.{pk} = o.{pk} WHERE NOT ({differs})"
    d.execute(f"DELETE FROM {old} WHERE {pk} IN ({same})")
    d.execute(
        f"UPDATE {ws.name(target, 'plan')} SET fate = '{UNCHANGED}' WHERE fate = '{UPDATE}'"
        f" AND pk NOT IN (SELECT {pk} FROM {old})"
    )
