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
    """Fills si_N_new with (rec, pk) of the records to be created.

    Raises:
        SpecError: the model has a primary key that neither the database, a default nor the file fills.
    """
    d, name = ws.dialect, f"si_{target.number}_new"
    d.create_temp(name, {"rec": "bigint", "pk": d.base_type(target.pk)})
    created = f"FROM {ws.name(target, 'plan')} p"
    where = "WHERE p.fate = 'create'"
    if target.pk.name in written_fields(ws, target):
        stage = f"JOIN {ws.name(target, 'stage')} s ON s.id = p.src"
        d.execute(
            f"INSERT INTO {d.temp(name)}"
            f" SELECT p.rec, {new_value(ws, target, target.pk.name)} {created} {stage} {where}"
        )
    elif target.pk.get_internal_type() in _GENERATED:
        ordered = f"SELECT p.rec AS rec {created} {where} ORDER BY p.rec"
        d.execute(f"INSERT INTO {d.temp(name)} {d.next_keys(target.model, ordered)}")
    elif target.pk.has_default():
        encode, rows = d.encoder(target.pk), []
        for (rec,) in d.rows(f"SELECT p.rec {created} {where} ORDER BY p.rec"):
            rows.append((rec, encode(target.pk.get_default())))
        for start in range(0, len(rows), _BATCH):
            d.write_rows(name, ("rec", "pk"), rows[start : start + _BATCH])
    elif d.value(f"SELECT count(*) {created} {where}"):
        raise SpecError(f"Nothing fills the primary key of {target.label}: bring it, or give it a default.")
    d.analyze(name)
