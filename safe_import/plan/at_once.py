"""Makes the plan of a single target at once, where nothing is out of the ordinary.

# Note [At once]
The general way goes step by step, with a table for each (keys, groups, links), because it has to tell what is wrong
with which row. Most files have nothing wrong: each record has a key of its own that one record of the database bears at
most, its links lead to one record each, its values fit. Then every staged record is a record of the plan, and one join
of the stage with the table tells the fate of all. So that is tried first. A record with which it is not as simple gets
the fate ``odd``; where there is one, the general way makes the plan from the beginning. Which way it is made changes
nothing but the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import IntegrityError

from safe_import.plan.fates import (
    CREATE,
    UNCHANGED,
    UPDATE,
    count_fates,
    cut_values,
    emptied_in_vain,
    given,
    link_columns,
    needed_fields,
    of_existing,
    written_fields,
)
from safe_import.plan.joins import join_links
from safe_import.plan.links import error_of
from safe_import.plan.match import records_by_key, staged_key
from safe_import.plan.parts import key_parts
from safe_import.spec.link import Link

if TYPE_CHECKING:
    from collections.abc import Iterator

    from safe_import.plan.workspace import Workspace
    from safe_import.spec.target import Target

_ODD = "odd"


def plain_target(ws: Workspace) -> Target | None:
    """The only target, where its plan can be made at once: all it depends on is what the file and the database hold."""
    target = ws.targets[0]
    parts = key_parts(target)
    alone = len(ws.targets) == 1 and not callable(target.write)  # a writer of its own may look into any table
    plain = alone and target.mode != "insert" and bool(parts) and not any(part.link for part in parts)
    return target if plain and all(_is_plain(ws, target, name) for name in target.links) else None


def _is_plain(ws: Workspace, target: Target, name: str) -> bool:
    if not isinstance(target.links[name], Link) or ws.linked_target(target, name) is not None:
        return False
    return not any(part.link for part in ws.link_parts(target, name))


def plan_at_once(ws: Workspace, target: Target) -> bool:
    """Makes the plan. False where a record is odd: the plan is of no use then."""
    count = ws.dialect.count_distinct(ws.stages[target.number].name, staged_key(ws, target, alias=""))
    if count is None:
        return False
    try:
        for statement in _plan_sql(ws, target):
            ws.dialect.execute(statement)
    except IntegrityError:  # on SQLite, where a plan has each record once: two of the database have the same key
        return False
    count_fates(ws, target)
    fates = ws.fates[target.number]
    return _ODD not in fates and sum(fates.values()) == count  # more where two of the database have the same key


def _plan_sql(ws: Workspace, target: Target) -> Iterator[str]:
    d = ws.dialect
    names = ws.brought_links(target)
    joins = join_links(ws, target, names)
    links = [f"{joins.pk[n]} AS {d.quote(f'p_{n}')}, {d.null('bigint')} AS {d.quote(f'r_{n}')}, " for n in names]
    astray = " OR ".join(f"{error_of(ws, target, name, joins)} IS NOT NULL" for name in names) or "FALSE"
    staged = f"SELECT s.*, {''.join(links)}{astray} AS si_astray"
    read = dict.fromkeys([target.pk.name, *written_fields(ws, target)])
    existing = records_by_key(ws, target, [target.fields[name] for name in read])
    pk = f"t.{d.column(target.pk)}"
    changed, held = of_existing(ws, target, "s")
    leads = "".join(f", s.{column}" for column in link_columns(ws, target))
    fate = (
        f"CASE WHEN {' OR '.join(_odd(ws, target, pk))} THEN '{_ODD}' WHEN {pk} IS NULL THEN '{CREATE}'"
        f" WHEN {changed} THEN '{UPDATE}' ELSE '{UNCHANGED}' END"
    )
    plan = ws.name(target, "plan")
    insert = (
        f"INSERT INTO {plan}"
        f" SELECT s.id, s.id, s.line, {pk}, t.si_version, {fate}, CASE WHEN {pk} IS NULL THEN 0 ELSE {held} END{leads}"
    )
    stage, key = f"FROM {ws.name(target, 'stage')} s", staged_key(ws, target)
    wanted, paired = f"SELECT {key} {stage}", f"SELECT rec FROM {plan}"
    for pairs in d.pairs(f"{staged} {stage} {joins.sql}", key, existing, wanted=wanted, paired=paired):
        yield f"{insert} FROM {pairs}"


def _odd(ws: Workspace, target: Target, pk: str) -> Iterator[str]:
    """Conditions under which the general way has to look at a record."""
    yield f"{staged_key(ws, target)} IS NULL"
    yield "s.si_astray"
    yield from (condition for _, condition in cut_values(ws, target))
    yield from (condition for _, condition in emptied_in_vain(ws, target))
    needed, brought = needed_fields(target), written_fields(ws, target)
    if target.mode == "update" or not set(needed) <= set(brought):
        yield f"{pk} IS NULL"
    elif needed:
        complete = " AND ".join(given(ws, target, name, ref="s") for name in needed)
        yield f"({pk} IS NULL AND NOT ({complete}))"
