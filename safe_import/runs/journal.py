"""What a run created and updated, with the values before and after: written by SQL, read back a record at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from django.db.models import Sum

from safe_import.models import JournalPage
from safe_import.plan.fates import CREATE, UPDATE
from safe_import.plan.landed import brought_rows, is_amiss, verifiable_fields, written_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import Model

    from safe_import.database.dialect import Dialect
    from safe_import.plan.workspace import Workspace
    from safe_import.spec.target import Target

_RENEWED = "si_renewed"


def remember_old(ws: Workspace, target: Target) -> None:
    """Keeps the rows that are about to be updated as they are, all columns: a trigger may write others than we do."""
    d, name = ws.dialect, f"si_{target.number}_old"
    columns = "".join(f", t.{d.column(field)}" for field in target.fields.values())
    updated = f"FROM {ws.name(target, 'plan')} p JOIN {d.table(target.model)} t ON t.{d.column(target.pk)} = p.pk"
    d.create_numbered_temp_of(name, "si_rec", f"SELECT p.rec AS si_rec{columns} {updated} WHERE p.fate = 'update'")


def write_journal(ws: Workspace, target: Target, run: str) -> None:
    """Records what landed in the rows that this run created and updated, and counts those that are not as planned.

    See Note [What landed].
    """
    d, fields, name = ws.dialect, list(target.fields.values()), _pages(target)
    d.drop_temp([name])
    d.create_temp(name, {"action": "text", "size": "bigint", "amiss": "bigint", "records": "text"})
    created = _record(d, target.pk, "'null'", _print(d.fingerprint(fields, "t")))
    updated = _record(d, target.pk, _changed(d, fields, "o"), _changed(d, fields, "t"))
    for fate, record in ((CREATE, created), (UPDATE, updated)):
        if ws.fates[target.number].get(fate):
            _write_pages(ws, target, fate, record)
    columns = ", ".join(map(d.quote, ("run_id", "model", "action", "size", "records")))
    d.execute(
        f"INSERT INTO {d.table(JournalPage)} ({columns}) SELECT %s, %s, action, size, records FROM {d.temp(name)}",
        [run, target.label],
    )


def _record(d: Dialect, pk: Any, before: str, after: str) -> str:
    """The record of the row t, as JSON, with what it was before and what it is after, each JSON already."""
    return f"'[' || {d.json_string(d.text(pk, f't.{d.column(pk)}'))} || ',' || {before} || ',' || {after} || ']'"


def _print(sql: str) -> str:
    """A fingerprint as JSON: it holds nothing that would have to be escaped."""
    return f"'\"' || {sql} || '\"'"


def _write_pages(ws: Workspace, target: Target, fate: str, record: str) -> None:
    d, fields = ws.dialect, verifiable_fields(ws, target, fate)
    amiss = f"CASE WHEN {is_amiss(ws, target, fields)} THEN 1 ELSE 0 END"
    rows = f"{written_rows(ws, target, fate)}{brought_rows(ws, target) if fields else ''}"
    d.execute(
        f"INSERT INTO {d.temp(_pages(target))}"
        # What is put together is the little that is made of a row, not the row.
        f" WITH q AS {d.made_apart(f'SELECT p.rec, {record} AS record, {amiss} AS amiss {rows}')}"
        f" SELECT '{fate}', count(*), sum(q.amiss), {d.json_list('q.record')} FROM q"
        f" GROUP BY q.rec - q.rec % {d.records_a_page}"
    )


def _pages(target: Target) -> str:
    return f"si_{target.number}_pages"


def right_records(ws: Workspace, target: Target) -> dict[str, int]:
    """{fate: how many of the records that are journalled hold all that their rows bring}."""
    counts = f"SELECT action, sum(size - amiss) FROM {ws.name(target, 'pages')} GROUP BY action"
    return {fate: int(count) for fate, count in ws.dialect.rows(counts)}


def journalled(d: Dialect) -> str:
    """A table for a FROM with a row for each record of the journal: page, run_id, model, action, key, before, after."""
    items = (f"{d.json_item('p.records', n)} AS {d.quote(name)}" for n, name in enumerate(("key", "before", "after")))
    return (
        f"(SELECT p.id AS page, p.run_id, p.model, p.action, {', '.join(items)}"
        f" FROM {d.table(JournalPage)} p, {d.json_elements('p.records')})"
    )


def renew_prints(d: Dialect, model: type[Model], run: str) -> None:
    """Writes down what the records of ``model`` that this run created are by now: later steps may have changed them."""
    pk, there = model._meta.pk, f"t.{d.column(model._meta.pk)}"
    key, before = (f"c.{d.quote(name)}" for name in ("key", "after"))
    now = d.fingerprint(list(model._meta.concrete_fields), "t")
    print_ = _print(f"CASE WHEN {there} IS NULL THEN {before} ELSE {now} END")
    record = f"'[' || {d.json_string(key)} || ',null,' || {print_} || ']'"
    d.create_temp_of(
        _RENEWED,
        f"SELECT c.page, {d.json_list(record)} AS records FROM {journalled(d)} c LEFT JOIN {d.table(model)} t"
        f" ON {there} = {d.from_text(pk, key)} WHERE c.run_id = %s AND c.model = %s"
        f" AND c.action = '{JournalPage.Action.CREATE}' GROUP BY c.page",
        [run, model._meta.label],
    )
    d.execute(
        d.update(f"{d.table(JournalPage)} AS p", ["records = r.records"], f"{d.temp(_RENEWED)} r", "p.id = r.page")
    )
    d.drop_temp([_RENEWED])


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
    sql = f"SELECT model, action, records FROM {dialect.table(JournalPage)} WHERE run_id = %s ORDER BY id"
    for model, action, records in dialect.stream(sql, [run]):
        for key, before, _ in orjson.loads(records):
            yield model, key, action, sorted(before or ())


def counts(alias: str, run: str) -> dict[str, dict[str, int]]:
    """How many records of each model the run created and updated."""
    found: dict[str, dict[str, int]] = {}
    actions = JournalPage.objects.using(alias).filter(run=run).values_list("model", "action").annotate(n=Sum("size"))
    for model, action, count in actions.order_by("model", "action"):
        found.setdefault(model, {})[f"{action}d"] = count
    return found
