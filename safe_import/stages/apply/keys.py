"""Gives every new record its primary key before anything is written, so that links and the journal can name it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safe_import.errors import SpecError
from safe_import.plan.fates import new_value, written_fields

if TYPE_CHECKING:
    from safe_import.plan.workspace import Workspace
    from safe_import.spec.target import Target

_BATCH = 5000
_GENERATED = ("AutoField", "BigAutoField", "SmallAutoField")


def assign_keys(ws: Workspace, target: Target) -> None:
    """Fills si_N_new with the records to be created: what the plan says of them, and their primary keys.

    Raises:
        SpecError: the model has a primary key that neither the database, a default nor the file fills.
    """
    d, name = ws.dialect, f"si_{target.number}_new"
    columns = {"rec": "bigint", "src": "bigint", "line": "bigint", **ws.lead_columns(target)}
    d.create_temp(name, {**columns, "pk": d.base_type(target.pk)})
    listed = ", ".join(f"p.{d.quote(column)}" for column in columns)
    created, where = f"FROM {ws.name(target, 'plan')} p", "WHERE p.fate = 'create'"
    if target.pk.name in written_fields(ws, target):
        brought = f"{created} JOIN {ws.name(target, 'stage')} s ON s.id = p.src {where}"
        d.execute(f"INSERT INTO {d.temp(name)} SELECT {listed}, {new_value(ws, target, target.pk.name)} {brought}")
    elif target.pk.get_internal_type() in _GENERATED:
        keys = d.next_keys(target.model, f"SELECT {listed} {created} {where} ORDER BY p.rec")
        d.execute(f"INSERT INTO {d.temp(name)} {keys}")
    elif target.pk.has_default():
        encode = d.encoder(target.pk)
        found = d.rows(f"SELECT {listed} {created} {where} ORDER BY p.rec")
        rows = [(*row, encode(target.pk.get_default())) for row in found]
        for start in range(0, len(rows), _BATCH):
            d.write_rows(name, (*columns, "pk"), rows[start : start + _BATCH])
    elif d.value(f"SELECT count(*) {created} {where}"):
        raise SpecError(f"Nothing fills the primary key of {target.label}: bring it, or give it a default.")
    d.analyze(name, ("rec", "pk"))
