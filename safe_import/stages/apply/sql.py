"""The fast way to write: one INSERT and one UPDATE a target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from safe_import.database.fields import column_name
from safe_import.plan.fates import landed, link_joins, may_change, planned, written_fields
from safe_import.plan.landed import brought_rows
from safe_import.plan.parts import key_parts
from safe_import.stages.apply.values import (
    fill_in,
    filled_in_python,
    new_record,
    time_of_run,
    typed_param,
)

if TYPE_CHECKING:
    import datetime

    from safe_import.plan.workspace import Workspace
    from safe_import.spec.target import Target

_BATCH = 5000


def insert_records(ws: Workspace, target: Target, now: datetime.datetime) -> None:
    """Creates the records that the plan creates."""
    d, columns = ws.dialect, new_record(ws, target, now)
    stage = ws.stages[target.number]
    keys = {stage.value(p.column): p.field for p in key_parts(target) if p.column and p.column in stage.columns}
    sql, params = select_new(ws, target, columns, d.insertion_order("p.rec", keys))
    into = f"INSERT INTO {d.table(target.model)} ({', '.join(columns)}) {d.insert_overriding}"
    d.execute(f"{into} {sql}", params)


def select_new(
    ws: Workspace, target: Target, columns: dict[str, tuple[str, list[Any]]], order: str = "p.rec"
) -> tuple[str, list[Any]]:
    """A SELECT of the records to be created, in the order of the file unless another is given."""
    fill_default_table(ws, target)
    expressions = ", ".join(f"{sql} AS {column}" for column, (sql, _) in columns.items())
    filled = f" LEFT JOIN {ws.name(target, 'fill')} f ON f.rec = p.rec" if filled_in_python(target) else ""
    new = f"FROM {ws.name(target, 'new')} p{brought_rows(ws, target)}{filled}"
    created = f"SELECT rec FROM {ws.name(target, 'plan')} WHERE fate = 'create'"
    # The plan creates all of them, but for one that is written in parts, or that a writer of its own has changed.
    where = f" WHERE p.rec IN ({created})" if ws.in_parts or callable(target.write) else ""
    return f"SELECT {expressions} {new}{where} ORDER BY {order}", [
        param for _, params in columns.values() for param in params
    ]


def fill_default_table(ws: Workspace, target: Target) -> None:
    """Makes the values that Python has to make record by record, for the records to be created."""
    fields = filled_in_python(target)
    if not fields:
        return
    d, name = ws.dialect, f"si_{target.number}_fill"
    d.drop_temp([name])
    d.create_temp(name, {"rec": "bigint", **{column_name(field): d.base_type(field) for field in fields.values()}})
    columns, encoders = (
        ("rec", *(column_name(f) for f in fields.values())),
        [(f, d.encoder(f)) for f in fields.values()],
    )
    batch: list[tuple[Any, ...]] = []
    for (rec,) in d.stream(f"SELECT rec FROM {ws.name(target, 'new')} ORDER BY rec"):
        batch.append((rec, *(encode(fill_in(field)) for field, encode in encoders)))
        if len(batch) >= _BATCH:
            d.write_rows(name, columns, batch)
            batch = []
    if batch:
        d.write_rows(name, columns, batch)


def update_records(ws: Workspace, target: Target, now: datetime.datetime) -> None:
    """Updates the records that the plan updates: the fields that change, and those that hold when that was."""
    d = ws.dialect
    assignments = [
        f"{d.column(target.fields[name])} = CASE WHEN {may_change(ws, target, name)} THEN {landed(ws, target, name)}"
        f" ELSE t.{d.column(target.fields[name])} END"
        for name in written_fields(ws, target)
        if name not in target.key.fields
    ]
    times = [(f, time) for f in target.fields.values() if (time := time_of_run(ws, f, now, add=False)) is not None]
    assignments += [f"{d.column(field)} = {typed_param(ws, field)}" for field, _ in times]
    if not assignments:
        return
    source = f"{planned(ws, target)}{link_joins(ws, target)}"
    condition = f"t.{d.column(target.pk)} = p.pk AND p.fate = 'update'"
    update = d.update(f"{d.table(target.model)} AS t", assignments, source, condition)
    d.execute(update, [time for _, time in times])
