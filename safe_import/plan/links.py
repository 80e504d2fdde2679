"""Where the links of every record lead, and what is wrong with those that lead nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safe_import.database.fields import pk_of
from safe_import.errors import SpecError
from safe_import.plan.joins import LinkJoins, join_links, live, outs
from safe_import.plan.workspace import DROP, OUT, PROBLEM, SKIP, Workspace
from safe_import.spec.link import Link
from safe_import.spec.target import field_of

if TYPE_CHECKING:
    from safe_import.spec.target import Target

MISSING, REJECTED, AMBIGUOUS = "link_missing", "link_rejected", "link_ambiguous"
LEFT_EMPTY, DROPPED = "link_left_empty", "link_dropped"


def fill_refs(ws: Workspace, target: Target) -> None:
    """Resolves the links of every live record of ``target``, and reports those that can't be."""
    names = ws.brought_links(target)
    joins = join_links(ws, target, names)
    columns, values = ["id"], ["s.id"]
    for name in names:
        columns += [ws.dialect.quote(f"{prefix}_{name}") for prefix in "pred"]
        values += [joins.pk[name], joins.rec[name], error_of(ws, target, name, joins), joins.dead[name]]
    ws.dialect.execute(
        f"INSERT INTO {ws.name(target, 'ref')} ({', '.join(columns)}) SELECT {', '.join(values)}"
        f" FROM {ws.name(target, 'stage')} s {joins.sql} {outs(ws, target)} WHERE s.id > 0 AND {live(ws)}"
    )
    ws.dialect.analyze(f"si_{target.number}_ref")
    for name in names:
        _report(ws, target, name)


def error_of(ws: Workspace, target: Target, name: str, joins: LinkJoins) -> str:
    """What is wrong with a link; nothing where another link that it is found by is wrong, which is reported itself."""
    stage, pk, rec = ws.stages[target.number], joins.pk[name], joins.rec[name]
    before = [f"{joins.keys[part.link]} IS NOT NULL" for part in ws.link_parts(target, name) if part.link]
    judged = " AND ".join([stage.named(name), *before])
    own = f"{stage.value(f'o_{name}')} IS NULL"
    several = f"WHEN {own} AND {joins.hits[name]} > 1 THEN '{AMBIGUOUS}' " if name in joins.hits else ""
    missing = f"CASE WHEN {joins.dead[name]} IS NOT NULL THEN '{REJECTED}' ELSE '{MISSING}' END"
    return f"CASE WHEN {judged} THEN CASE {several}WHEN {pk} IS NULL AND {rec} IS NULL THEN {missing} END END"


def _report(ws: Workspace, target: Target, name: str) -> None:
    d, link = ws.dialect, target.links[name]
    policy = link.missing if isinstance(link, Link) else "error"
    error, dead = d.quote(f"e_{name}"), d.quote(f"d_{name}")
    found = f"FROM {ws.name(target, 'ref')} r JOIN {ws.name(target, 'stage')} s ON s.id = r.id WHERE r.{error}"
    harmless = f"(r.{error} = '{MISSING}' AND {'FALSE' if policy == 'error' else 'TRUE'})"
    code = f"CASE WHEN {harmless} THEN '{LEFT_EMPTY if policy == 'empty' else DROPPED}' ELSE r.{error} END"
    d.execute(
        f"INSERT INTO {ws.shared(PROBLEM)} SELECT s.line, {target.number}, '{name}', {code}, r.{dead}, NULL, {harmless}"
        f" {found} IS NOT NULL"
    )
    if policy == "drop" and target.main:
        d.execute(f"INSERT INTO {ws.shared(OUT)} SELECT s.line, '{SKIP}' {found} = '{MISSING}'")
    elif policy == "drop":
        d.execute(f"INSERT INTO {ws.shared(DROP)} SELECT {target.number}, r.id {found} = '{MISSING}'")


def fill_through(ws: Workspace, target: Target) -> None:
    """Takes over the links that are read through others, as they will be after this run."""
    for name, through in ws.through_links(target).items():
        if through.link not in ws.brought_links(target):
            continue
        d, ref = ws.dialect, ws.name(target, "ref")
        pk, rec, joins = _through(ws, target, through.link, through.field)
        assignments = [f"{d.quote(f'p_{name}')} = y.p", f"{d.quote(f'r_{name}')} = y.r"]
        found = f"(SELECT r.id, {pk} AS p, {rec} AS r FROM {ref} r {joins}) y"
        d.execute(d.update(f"{ref} AS u", assignments, found, "y.id = u.id"))


def _through(ws: Workspace, target: Target, link: str, field: str) -> tuple[str, str, str]:
    """The primary key and the rec that ``field`` of the linked record will lead to, and the joins to read them."""
    d, declared = ws.dialect, target.links[link]
    if not isinstance(declared, Link):
        raise SpecError(f"{target.label}: Through needs a link that is found by a key, which {link!r} is not.")
    model, other = target.linked_model(declared), ws.linked_target(target, link)
    column, linked = f"t.{d.column(field_of(model, field))}", f"r.{d.quote(f'p_{link}')}"
    held, joins = _held(ws, target, link)
    joins += f" LEFT JOIN {d.table(model)} t ON t.{d.column(pk_of(model))} = coalesce({held}, {linked})"
    if other is None or field not in ws.brought_links(other):
        return column, d.null("bigint"), joins
    group, plan = ws.name(other, "group"), ws.name(other, "plan")
    rec = f"CASE WHEN {held} IS NULL THEN r.{d.quote(f'r_{link}')} ELSE e.rec END"
    joins += (
        f" LEFT JOIN {group} e ON e.pk = {held} AND e.rec IS NOT NULL"
        f" LEFT JOIN {plan} z ON z.rec = {rec} AND z.fate IN ('create', 'update')"
        f" LEFT JOIN {ws.name(other, 'ref')} v ON v.id = z.src"
    )
    new_pk, new_rec = f"v.{d.quote(f'p_{field}')}", f"v.{d.quote(f'r_{field}')}"
    free = "TRUE" if ws.force else f"{column} IS NULL"
    taken = f"{free} AND ({new_pk} IS NOT NULL OR {new_rec} IS NOT NULL)"
    return (
        f"CASE WHEN {taken} THEN {new_pk} ELSE {column} END",
        f"CASE WHEN {taken} AND {new_pk} IS NULL THEN {new_rec} END",
        joins,
    )


def _held(ws: Workspace, target: Target, link: str) -> tuple[str, str]:
    """Where the link of the existing record leads to and will go on leading to; and the joins to read it."""
    d = ws.dialect
    if ws.force or not getattr(target.links[link], "hold", True):
        return d.null(d.base_type(target.fields[link])), ""
    joins = (
        f"LEFT JOIN {ws.name(target, 'key')} q ON q.id = abs(r.id) LEFT JOIN {ws.name(target, 'group')} g ON g.k = q.k"
        f" LEFT JOIN {d.table(target.model)} w ON w.{d.column(target.pk)} = g.pk"
    )
    return f"w.{d.column(target.fields[link])}", joins
