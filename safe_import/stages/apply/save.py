"""The other way to write: ``save()`` of each instance, for models whose own code or signals must run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import ForeignKey, Prefetch, prefetch_related_objects
from django.utils import timezone

from safe_import.plan.fates import changes, landed, link_joins, planned, written_fields
from safe_import.stages.apply.sql import select_new
from safe_import.stages.apply.values import new_record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import Model

    from safe_import.plan.workspace import Workspace
    from safe_import.spec.target import Target

_BATCH = 1000
_NUMBERED = {"si_n": ("row_number() OVER (ORDER BY p.rec)", list[Any]())}
_CHANGED = "si_changed"  # an extra column of the rows: the names of the fields that change


def save_records(ws: Workspace, target: Target) -> None:
    """Creates and updates the records of the plan through their ``save()``, in the order of the file."""
    alias = ws.dialect.connection.alias
    for instance in new_instances(ws, target):
        instance._state.adding = True
        instance.save(using=alias, force_insert=True)
    for instance in _updated_instances(ws, target):
        names = getattr(instance, _CHANGED).strip(",").split(",")
        automatic = [f.name for f in target.fields.values() if getattr(f, "auto_now", False)]
        instance.save(using=alias, update_fields=[*names, *automatic])


def new_instances(ws: Workspace, target: Target) -> Iterator[Model]:
    """The records to be created, not saved yet, in the order of the file; each with its ``si_rec`` and ``si_line``."""
    record = new_record(ws, target, timezone.now())
    columns = {**record, "si_rec": ("p.rec", []), "si_line": ("p.line", []), **_NUMBERED}
    sql, params = select_new(ws, target, columns)
    yield from _batches(ws, target, sql, params)


def _updated_instances(ws: Workspace, target: Target) -> Iterator[Model]:
    d, written = ws.dialect, [name for name in written_fields(ws, target) if name not in target.key.fields]
    columns, changed = [], []
    for name, field in target.fields.items():
        old = f"t.{d.column(field)}"
        if name in written:
            condition = changes(ws, target, name)
            changed.append(f"CASE WHEN {condition} THEN '{name},' ELSE '' END")
            old = f"CASE WHEN {condition} THEN {landed(ws, target, name)} ELSE {old} END"
        columns.append(f"{old} AS {d.column(field)}")
    if not changed:
        return
    sql = (
        f"SELECT {', '.join(columns)}, {' || '.join(changed)} AS {_CHANGED}, {_NUMBERED['si_n'][0]} AS si_n"
        f" FROM {planned(ws, target)} JOIN {d.table(target.model)} t ON t.{d.column(target.pk)} = p.pk"
        f"{link_joins(ws, target)} WHERE p.fate = 'update' ORDER BY p.rec"
    )
    yield from _batches(ws, target, sql, [])


def _batches(ws: Workspace, target: Target, sql: str, params: list[Any]) -> Iterator[Model]:
    """The instances of a numbered SELECT that is settled before the first of them is saved, at constant memory."""
    d, name = ws.dialect, f"si_{target.number}_save"
    d.drop_temp([name])
    d.create_temp_of(name, sql, params)
    total, manager = (
        d.value(f"SELECT count(*) FROM {d.temp(name)}"),
        target.model._base_manager.using(d.connection.alias),
    )
    for start in range(0, total, _BATCH):
        where = f"WHERE si_n > {start} AND si_n <= {start + _BATCH} ORDER BY si_n"
        batch = list(manager.raw(f"SELECT * FROM {d.temp(name)} {where}"))
        _read_linked(target, batch, d.connection.alias)
        yield from batch


def _read_linked(target: Target, batch: list[Any], alias: str) -> None:
    """Reads what the instances link to, together, for a ``save()`` that looks at it.

    But no record of the model itself, which may be saved meanwhile. What is not there yet is read when it is asked for.
    """
    own = target.model._meta.concrete_model
    for name in target.links:
        field = target.fields[name]
        if not isinstance(field, ForeignKey) or field.related_model._meta.concrete_model is own:
            continue
        prefetch_related_objects(batch, Prefetch(name, field.related_model._base_manager.using(alias).all()))
        for instance in batch:
            if field.get_cached_value(instance, default=instance) is None:
                field.delete_cached_value(instance)
