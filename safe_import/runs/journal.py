"""What a run created and updated, with the values before and after: written by SQL, read back a record at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from django.db.models import Count

from safe_import.models import Change

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import Model

    from safe_import.database.dialect import Dialect
    from safe_import.plan.workspace import Workspace
    from safe_import.spec.target import Target

_COLUMNS = ("run_id", "model", "key", "action", "before", "after")


def remember_old(ws: Workspace, target: Target) -> None:
    """Keeps the rows that are about to be updated as they are, all columns: a trigger may write others than we do."""
    d, pk = ws.dialect, ws.dialect.column(target.pk)
    columns = ", ".join(d.column(field) for field in target.fields.values())
    updated = f"{pk} IN (SELECT pk FROM {ws.name(target, 'plan')} WHERE fate = 'update')"
    d.create_temp_of(f"si_{target.number}_old", f"SELECT {columns} FROM {d.table(target.model)} WHERE {updated}")


def write_journal(ws: Workspace, target: Target, run: str) -> None:
    """Records what landed in the rows that this run created and updated."""
    d, table = ws.dialect, ws.dialect.table(target.model)
    journal, pk, fields = d.table(Change), d.column(target.pk), list(target.fields.values())
    key = d.text(target.pk, f"t.{pk}")
    print_, columns = d.fingerprint(fields, "t"), f"({', '.join(map(d.quote, _COLUMNS))})"
    d.execute(
        f"INSERT INTO {journal} {columns} SELECT %s, %s, {key}, 'create', NULL, {print_}"
        f" FROM {table} t JOIN {ws.name(target, 'new')} n ON n.pk = t.{pk}",
        [run, target.label],
    )
    d.execute(
        f"INSERT INTO {journal} {columns} SELECT %s, %s, {key}, 'update',"
        f" {_changed(d, fields, 'o')}, {_changed(d, fields, 't')}"
        f" FROM {table} t JOIN {ws.name(target, 'old')} o ON o.{pk} = t.{pk}",
        [run, target.label],
    )


def renew_prints(d: Dialect, model: type[Model], run: str) -> None:
    """Writes down what the records of ``model`` that this run created are by now: later steps may have changed them."""
    fields, pk = list(model._meta.concrete_fields), model._meta.pk
    theirs = f"t.{d.column(pk)} = {d.from_text(pk, 'c.key')}"
    created = f"c.run_id = %s AND c.model = %s AND c.action = '{Change.Action.CREATE}' AND {theirs}"
    renewed = [f"{d.quote('after')} = {d.fingerprint(fields, 't')}"]
    d.execute(d.update(f"{d.table(Change)} AS c", renewed, f"{d.table(model)} t", created), [run, model._meta.label])


def _changed(d: Dialect, fields: list[Any], side: str) -> str:
    """A JSON object of the columns that differ between o and t, with the values of ``side``."""
    members = " || ".join(
        f"CASE WHEN {d.differs(f, f'o.{d.column(f)}', f't.{d.column(f)}')}"
        f" THEN ',\"{f.column}\":' || {d.json_string(d.text(f, f'{side}.{d.column(f)}'))} ELSE '' END"
        for f in fields
    )
    return f"'{{' || substr({members}, 2) || '}}'"


def changes(dialect: Dialect, run: str) -> Iterator[tuple[str, str, str, list[str]]]:
    """Model, key, action and changed columns of every record that the run wrote."""
    sql = f"SELECT c.model, c.key, c.action, c.before FROM {dialect.table(Change)} c WHERE c.run_id = %s ORDER BY c.id"
    for model, key, action, before in dialect.stream(sql, [run]):
        yield model, key, action, sorted(orjson.loads(before)) if before else []


def counts(alias: str, run: str) -> dict[str, dict[str, int]]:
    """How many records of each model the run created and updated."""
    found: dict[str, dict[str, int]] = {}
    actions = Change.objects.using(alias).filter(run=run).values_list("model", "action").annotate(n=Count("pk"))
    for model, action, count in actions.order_by("model", "action"):
        found.setdefault(model, {})[f"{action}d"] = count
    return found
