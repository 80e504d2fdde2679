"""Which records of the file are the same, and which of the database they are."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from django.db.models import Field, ForeignKey

from safe_import.database.fields import pk_of
from safe_import.database.folding import fold
from safe_import.plan.joins import dead_line, if_live, join_links, key_sql, outs, staged_text
from safe_import.plan.parts import Part, is_text, key_parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from safe_import.database.dialect import Dialect
    from safe_import.plan.workspace import KeySpace, Workspace
    from safe_import.spec.target import Target

NO_LINKS: Mapping[str, str] = MappingProxyType({})
_FEW = 1000  # records: to take them all takes less time than to ask which of them the file names

# -- the database's side


def fold_in_python(ws: Workspace) -> None:
    """Folds, for every key space, the keys of the database that SQL alone can't fold: few, as a rule."""
    for space in ws.spaces:
        if conditions := _foldable_keys(ws.dialect, space):
            table = ws.dialect.table(space.model)
            _fold_the_rest(ws, space, f"FROM {table} t WHERE NOT ({' AND '.join(conditions)})")


def fill_hits(ws: Workspace, spaces: Iterable[KeySpace]) -> None:
    """Finds, for some key spaces, the records of the database whose keys the file names."""
    for space in spaces:
        if not space.fields:
            continue  # every row is a new record
        d, pk_type = ws.dialect, ws.dialect.base_type(pk_of(space.model))
        values = f"{d.any_value('pk', pk_type)}, {d.any_value('ver', 'text')}, count(*)"
        found = _found(ws, space, _wanted(ws, space))
        d.execute(f"INSERT INTO {ws.shared(space.hits)} SELECT k, {values} FROM ({found}) y GROUP BY k")
        d.analyze(space.hits)


def _found(ws: Workspace, space: KeySpace, wanted: str | None) -> str:
    """A SELECT of key, primary key and version of the records that are wanted, and perhaps of some others."""
    k, pk, version = database_key(ws.dialect, space), _pk(ws.dialect, space), ws.dialect.version(space.model)
    found = f"SELECT {k} AS k, {pk} AS pk, {version} AS ver FROM {ws.dialect.table(space.model)} t"
    conditions = _foldable_keys(ws.dialect, space)
    where = " AND ".join([*conditions, *([f"{k} IN ({wanted})"] if wanted else [])]) or "TRUE"
    others = f" UNION ALL SELECT k, pk, ver FROM {ws.shared(space.raw)}" if conditions else ""
    return f"{found} WHERE {where}{others}"


def records_by_key(ws: Workspace, target: Target, fields: Iterable[Field[Any, Any]]) -> str:
    """A SELECT of the records that a target may write: si_key, si_version and the columns of ``fields``."""
    d, space = ws.dialect, ws.own_space(target)
    select = ", ".join([f"{d.version(space.model)} AS si_version", *(f"t.{d.column(field)}" for field in fields)])
    key, source = database_key(d, space), f"{d.table(space.model)} t"
    if d.value(f"SELECT count(*) FROM {ws.shared(space.raw)}"):
        source += f" LEFT JOIN {ws.shared(space.raw)} w ON w.pk = {_pk(d, space)}"
        key = f"CASE WHEN {' AND '.join(_foldable_keys(d, space))} THEN {key} ELSE w.k END"
    return f"SELECT {key} AS si_key, {select} FROM {source}"


def database_key(d: Dialect, space: KeySpace) -> str:
    """The key of a record t, where SQL alone can fold it."""
    return key_sql(d, [_database_text(d, field, space.casefold) for field in space.fields])


def _pk(d: Dialect, space: KeySpace) -> str:
    return f"t.{d.column(pk_of(space.model))}"


def _foldable_keys(d: Dialect, space: KeySpace) -> list[str]:
    """Conditions under which SQL alone can fold the key of a record t."""
    return [condition for field in space.fields if (condition := _foldable(d, field, space.casefold))]


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
    """Where keys are addresses or codes, there are few."""
    d, batch = ws.dialect, []
    texts = [
        f"t.{d.column(f)}" if is_text(f) and not isinstance(f, ForeignKey) else _database_text(d, f, space.casefold)
        for f in space.fields
    ]
    pk = _pk(d, space)
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
    """The keys of ``space`` that the file names; None when it takes other links to say, or all are few."""
    d = ws.dialect
    if d.holds_every_key and not d.rows(f"SELECT 1 FROM {d.table(space.model)} LIMIT 1 OFFSET {_FEW}"):
        return None
    selects = []
    for target, parts in _users(ws, space):
        if any(part.link is not None for part in parts):
            return None
        texts = [staged_text(ws, target, part, {}) for part in parts]
        selects.append(f"SELECT {key_sql(d, texts)} AS k FROM {ws.name(target, 'stage')} s")
    return selects[0] if len(selects) == 1 else f"SELECT w.k FROM ({' UNION '.join(selects)}) w"


def _users(ws: Workspace, space: KeySpace) -> Iterator[tuple[Target, tuple[Part, ...]]]:
    for target in ws.targets:
        if ws.own_space(target) == space:
            yield target, key_parts(target)
        for name in ws.found_links(target):
            if ws.link_space(target, name) == space:
                yield target, ws.link_parts(target, name)


def keys_of_created(ws: Workspace, target: Target) -> str:
    """A SELECT of the keys of the records that the plan creates."""
    plan, stage, group = (ws.name(target, table) for table in ("plan", "stage", "group"))
    if any(part.link for part in key_parts(target)):
        return f"SELECT g.k FROM {group} g JOIN {plan} p ON p.rec = g.rec WHERE p.fate = 'create'"
    return f"SELECT {staged_key(ws, target)} AS k FROM {stage} s JOIN {plan} p ON p.src = s.id WHERE p.fate = 'create'"


def staged_key(ws: Workspace, target: Target, keys: Mapping[str, str] = NO_LINKS, alias: str = "s") -> str:
    """The key of a staged record; ``keys`` holds the texts of the links that it is found by."""
    return key_sql(ws.dialect, [staged_text(ws, target, part, keys, alias) for part in key_parts(target)])


def keys_of_database(ws: Workspace, target: Target, keys: str) -> int:
    """How many records of the database have one of ``keys``, a SELECT, at this moment."""
    d, k = ws.dialect, database_key(ws.dialect, ws.own_space(target))
    return int(d.value(f"SELECT count(*) FROM {d.table(target.model)} t WHERE {k} IN ({keys}) {d.current}"))


# -- the file's side


def fill_keys(ws: Workspace, target: Target) -> None:
    """The key of every staged record, and what each key stands for."""
    d, parts = ws.dialect, key_parts(target)
    joins = join_links(ws, target, [name for name in ws.brought_links(target) if _needed(ws, target, name, parts)])
    k = staged_key(ws, target, joins.keys) if parts else d.as_text("s.id")
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
