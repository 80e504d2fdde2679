"""How a staged record is joined with the records that its links name: in the database, or in the same file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from safe_import.plan.workspace import DROP, OUT, Workspace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from safe_import.database.dialect import Dialect
    from safe_import.plan.parts import Part
    from safe_import.spec.target import Target


def key_sql(dialect: Dialect, texts: list[str]) -> str:
    """One text for the parts of a key: the part itself, or each with its length, so that no two keys look alike."""
    measured = (f"{dialect.char_length}({text}) || ':' || {text}" for text in texts)
    return texts[0] if len(texts) == 1 else " || ".join(measured)


def staged_text(ws: Workspace, target: Target, part: Part, refs: Mapping[str, str], alias: str = "s") -> str:
    """The text of one part of a key of a staged record; ``refs`` holds that of the links joined so far."""
    if part.link is not None:
        return refs.get(part.link, "NULL")
    value = ws.stages[target.number].value(part.column or "", alias)
    if value == "NULL" or (part.column or "").startswith("k"):
        return value
    return ws.dialect.text(part.field, ws.dialect.cast(part.field, value))


@dataclass
class LinkJoins:
    """The joins of some links of a target, over the alias s of its stage table.

    Attributes:
        sql: the joins.
        pk, rec: for each link, the primary key of an existing record, and the record of this run.
        hits: for each link, how many records of the database bear the key.
        dead: for each link, the line of a rejected row that would have brought the record.
        keys: for each link, its text as part of a key.
    """

    sql: str = ""
    pk: dict[str, str] = field(default_factory=dict)
    rec: dict[str, str] = field(default_factory=dict)
    hits: dict[str, str] = field(default_factory=dict)
    dead: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)


def join_links(ws: Workspace, target: Target, names: list[str]) -> LinkJoins:
    """Joins the links ``names``, which stand in the order in which one is found by another."""
    joins = LinkJoins()
    for number, name in enumerate(names):
        _join(ws, target, name, number, joins)
    return joins


def _join(ws: Workspace, target: Target, name: str, number: int, joins: LinkJoins) -> None:
    d, stage, other = ws.dialect, ws.stages[target.number], ws.linked_target(target, name)
    pks, recs, deads = [], [], []
    own = stage.value(f"o_{name}")
    if other and own != "NULL":
        group, key = ws.name(other, "group"), ws.name(other, "key")
        joins.sql += f" LEFT JOIN {key} y{number} ON y{number}.id = {own}"
        joins.sql += f" LEFT JOIN {group} w{number} ON w{number}.k = y{number}.k"
        pks, recs, deads = [f"w{number}.pk"], [f"w{number}.rec"], [f"w{number}.dead_line"]
    if parts := ws.link_parts(target, name):
        k = key_sql(d, [staged_text(ws, target, part, joins.keys) for part in parts])
        joins.sql += f" LEFT JOIN {ws.shared(ws.link_space(target, name).hits)} h{number} ON h{number}.k = {k}"
        joins.hits[name] = f"coalesce(h{number}.n, 0)"
        pks.append(f"h{number}.pk")
        if other and ws.shares_key(target, name):
            joins.sql += f" LEFT JOIN {ws.name(other, 'group')} g{number} ON g{number}.k = {k}"
            recs.append(f"g{number}.rec")
            deads.append(f"g{number}.dead_line")
    joins.pk[name], joins.rec[name], joins.dead[name] = _first(pks), _first(recs), _first(deads)
    text = d.text(target.fields[name], joins.pk[name])
    joins.keys[name] = f"CASE WHEN {joins.pk[name]} IS NOT NULL THEN '=' || {text} ELSE '+' || {joins.rec[name]} END"


def _first(expressions: list[str]) -> str:
    if not expressions:
        return "NULL"
    return expressions[0] if len(expressions) == 1 else f"coalesce({', '.join(expressions)})"


def live(ws: Workspace) -> str:
    """A condition over ``outs``: the staged record takes part in the plan."""
    return "(o.line IS NULL AND x.id IS NULL)" if ws.out else "TRUE"


def if_live(ws: Workspace, sql: str) -> str:
    """``sql`` of a record that takes part in the plan; NULL of any other."""
    return f"CASE WHEN {live(ws)} THEN {sql} END" if ws.out else sql


def dead_line(ws: Workspace) -> str:
    """Over ``outs``: the line of a rejected row; NULL for any other."""
    return "CASE WHEN o.why = 'reject' THEN s.line END" if ws.out else ws.dialect.null("bigint")


def outs(ws: Workspace, target: Target) -> str:
    """Joins what is out to the alias s of the stage or key table: its line, or the record alone."""
    if not ws.out:
        return ""
    return (
        f"LEFT JOIN {ws.shared(OUT)} o ON o.line = s.line"
        f" LEFT JOIN {ws.shared(DROP)} x ON x.target = {target.number} AND x.id = s.id"
    )
