"""Which records of the file are the same, and which of the database they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Field, ForeignKey

from safe_import.database.fields import pk_of
from safe_import.database.folding import fold
from safe_import.plan.joins import dead_line, if_live, join_links, key_sql, outs, staged_text
from safe_import.plan.parts import Part, is_text, key_parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from safe_import.database.dialect import Dialect
    from safe_import.plan.workspace import KeySpace, Workspace
    from safe_import.spec.target import Target

# -- the database's side


def fill_hits(ws: Workspace) -> None:
    """Finds, for every key space, the records of the database whose keys the file names."""
    for space in ws.spaces:
        if not space.fields:
            continue  # every row is a new record
        d, pk_type = ws.dialect, ws.dialect.base_type(pk_of(space.model))
        values = f"{d.any_value('pk', pk_type)}, {d.any_value('ver', 'text')}, count(*)"
        d.execute(f"INSERT INTO {ws.shared(space.hits)} SELECT k, {values} FROM ({_found(ws, space)}) y GROUP BY k")
        d.analyze(space.hits)


def _found(ws: Workspace, space: KeySpace) -> str:
    """A SELECT of key, primary key and version of the records that the file names, and perhaps of some others."""
    d = ws.dialect
    pk = f"t.{d.column(pk_of(space.model))}"
    k = key_sql(d, [_database_text(d, field, space.casefold) for field in space.fields])
    conditions = [c for field in space.fields if (c := _foldable(d, field, space.casefold))]
    table, wanted = ws.dialect.table(space.model), _wanted(ws, space)
    where = " AND ".join([*conditions, *([f"{k} IN ({wanted})"] if wanted else [])]) or "TRUE"
    found = f"SELECT {k} AS k, {pk} AS pk, {d.version(space.model)} AS ver FROM {table} t WHERE {where}"
    if conditions:
        _fold_the_rest(ws, space, f"FROM {table} t WHERE NOT ({' AND '.join(conditions)})")
        found += f" UNION ALL SELECT k, pk, ver FROM {ws.shared(space.raw)}"
    return found


def _foldable(d: Dialect, field: Field[Any, Any], casefold: bool) -> str | None:
    return (
        d.foldable(f"t.{d.column(field)}", casefold) if is_text(field) and not isinstance(field, ForeignKey) else None
    )


def _database_text(d: Dialect, field: Field[Any, Any], casefold: bool) -> str:
    column = f"t.{d.column(field)}"
    if isinstance(field, ForeignKey):
        return f"'=' || {d.text(field, column)}"
    return d.folded_column(column, casefold) if is_text(field) else d.text(field, column)


def _fold_the_rest(ws: Workspace, space: KeySpace, source: str) -> None:
    """Keys that SQL alone can't fold are folded here: few, where keys are addresses or codes."""
    d, batch = ws.dialect, []
    texts = [
        f"t.{d.column(f)}" if is_text(f) and not isinstance(f, ForeignKey) else _database_text(d, f, space.casefold)
        for f in space.fields
    ]
    pk = f"t.{d.column(pk_of(space.model))}"
    for pk_value, version, *parts in d.stream(f"SELECT {pk}, {d.version(space.model)}, {', '.join(texts)} {source}"):
        batch.append((_python_key(space, parts), pk_value, version))
        if len(batch) >= 5000:
            d.write_rows(space.raw, ("k", "pk", "ver"), batch)
            batch = []
    if batch:
        d.write_rows(space.raw, ("k", "pk", "ver"), batch)


def _python_key(space: KeySpace, parts: list[str]) -> str:
    folded = [
        fold(part, space.casefold) if is_text(field) and not isinstance(field, ForeignKey) else part
        for field, part in zip(space.fields, parts, strict=True)
    ]
    return folded[0] if len(folded) == 1 else "".join(f"{len(text)}:{text}" for text in folded)


def _wanted(ws: Workspace, space: KeySpace) -> str | None:
    """The keys of ``space`` that the file names; None when that takes other links to say."""
    selects = []
    for target, parts in _users(ws, space):
        if any(part.link is not None for part in parts):
            return None
        texts = [staged_text(ws, target, part, {}) for part in parts]
        selects.append(f"SELECT {key_sql(ws.dialect, texts)} AS k FROM {ws.name(target, 'stage')} s")
    return selects[0] if len(selects) == 1 else f"SELECT w.k FROM ({' UNION '.join(selects)}) w"


def _users(ws: Workspace, space: KeySpace) -> Iterator[tuple[Target, tuple[Part, ...]]]:
    for target in ws.targets:
        if ws.own_space(target) == space:
            yield target, key_parts(target)
        for name in ws.found_links(target):
            if ws.link_space(target, name) == space:
                yield target, ws.link_parts(target, name)


def keys_of_database(ws: Workspace, target: Target, keys: str) -> int:
    """How many records of the database have one of ``keys``, a SELECT, at this moment."""
    d, space = ws.dialect, ws.own_space(target)
    k = key_sql(d, [_database_text(d, field, space.casefold) for field in space.fields])
    return int(d.value(f"SELECT count(*) FROM {d.table(target.model)} t WHERE {k} IN ({keys}) {d.current}"))


# -- the file's side


def fill_keys(ws: Workspace, target: Target) -> None:
    """The key of every staged record, and what each key stands for."""
    d, parts = ws.dialect, key_parts(target)
    joins = join_links(ws, target, [name for name in ws.brought_links(target) if _needed(ws, target, name, parts)])
    k = key_sql(d, [staged_text(ws, target, part, joins.keys) for part in parts]) if parts else d.as_text("s.id")
    d.execute(
        f"INSERT INTO {ws.name(target, 'key')}"
        f" SELECT s.id, s.line, {k} FROM {ws.name(target, 'stage')} s {joins.sql} WHERE s.id > 0"
    )
    d.analyze(f"si_{target.number}_key")
    d.execute(_group_sql(ws, target))
    d.analyze(f"si_{target.number}_group")


def _needed(ws: Workspace, target: Target, name: str, parts: tuple[Part, ...]) -> bool:
    """Whether the key is found by the link ``name``, directly or through another link."""
    used = [part.link for part in parts if part.link is not None]
    return any(name == link or _needed(ws, target, name, ws.link_parts(target, link)) for link in used)


def _group_sql(ws: Workspace, target: Target) -> str:
    """The columns rec and src are of the live records alone; copies and dead_line tell of the others, too."""
    d, number = ws.dialect, f"count({if_live(ws, 's.id')})"
    first, line = (f"min({if_live(ws, f's.{column}')})" for column in ("id", "line"))
    pk, version = d.any_value("h.pk", d.base_type(target.pk)), d.any_value("h.ver", "text")
    return f"""
        INSERT INTO {ws.name(target, "group")}
        SELECT s.k, {first}, CASE WHEN {number} > 1 THEN -1 ELSE 1 END * {first}, {line}, {pk}, {version},
               coalesce(max(h.n), 0), count(*), {number}, max(s.line), min({dead_line(ws)})
        FROM {ws.name(target, "key")} s {outs(ws, target)}
        LEFT JOIN {ws.shared(ws.own_space(target).hits)} h ON h.k = s.k
        WHERE s.k IS NOT NULL GROUP BY s.k"""
