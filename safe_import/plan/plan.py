"""Makes the plan: every record of the file gets its fate.

# Note [Passes]
What is out changes what the rest means: a rejected row rejects what links to it, a skipped one brings nothing. So the
plan is made in passes over the stage, each without what the passes before put out, until a pass puts out nothing more.
A file without errors takes one pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from safe_import.errors import SpecError
from safe_import.plan.at_once import plain_target, plan_at_once
from safe_import.plan.constraints import report_broken_rules
from safe_import.plan.fates import HELD, SKIPPED, fill_plan, report_held, report_keys, report_lossy, report_required
from safe_import.plan.links import DROPPED, LEFT_EMPTY, fill_refs, fill_through
from safe_import.plan.match import fill_hits, fill_keys, fold_in_python
from safe_import.plan.merge import merge_records
from safe_import.plan.workspace import DROP, OUT, PROBLEM, REJECT, SKIP, Workspace
from safe_import.spec.link import Link, Through

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from safe_import.spec.target import Target


def make_plan(ws: Workspace, *, at_once: bool = True) -> None:
    """Fills the tables of the plan from the stage, anew when it is called again. See Note [Passes].

    Args:
        ws: the tables.
        at_once: whether the general way may be left out, and with it the tables of its steps. See Note [At once].
    """
    _forget(ws)
    fold_in_python(ws)
    _put_out(ws)
    if at_once and not ws.out and (target := plain_target(ws)):
        if _is_made_at_once(ws, target):
            return
    else:
        fill_hits(ws, ws.spaces)
    _make_step_by_step(ws)


def _is_made_at_once(ws: Workspace, target: Target) -> bool:
    own = ws.own_space(target)
    fill_hits(ws, [space for space in ws.spaces if space != own])
    if plan_at_once(ws, target):
        report_held(ws, target)
        report_broken_rules(ws, target)
        _put_out(ws)
        if not ws.out:
            return True
    _clear(ws)
    fill_hits(ws, [own])
    return False


def _make_step_by_step(ws: Workspace) -> None:
    for target in ws.targets:
        report_lossy(ws, target)
    by_key, by_through = _ordered(ws, _key_links), _ordered(ws, _through_links)
    _put_out(ws)
    while True:
        before = ws.out
        _pass(ws, by_key, by_through)
        _put_out(ws)
        if ws.out == before:
            return
        _clear(ws)


def _forget(ws: Workspace) -> None:
    """Takes back what an earlier plan over another stage left out; what it rejected stays rejected."""
    ws.dialect.execute(f"DELETE FROM {ws.shared(PROBLEM)} WHERE code IN ('{LEFT_EMPTY}', '{HELD}', '{DROPPED}')")
    ws.dialect.execute(f"DELETE FROM {ws.shared(OUT)} WHERE why = '{SKIP}'")
    ws.dialect.execute(f"DELETE FROM {ws.shared(DROP)}")


def _pass(ws: Workspace, by_key: list[Target], by_through: list[Target]) -> None:
    for target in by_key:
        fill_keys(ws, target)
    for target in ws.targets:
        fill_refs(ws, target)
    for target in ws.targets:
        report_keys(ws, target)
    for target in ws.targets:
        merge_records(ws, target)
    for target in by_through:
        fill_through(ws, target)
        fill_plan(ws, target)
        report_held(ws, target)
        report_required(ws, target)
        report_broken_rules(ws, target)


def _put_out(ws: Workspace) -> None:
    """Puts out the rows that were found wrong or superfluous, and counts how much is out in all."""
    out, problem = ws.shared(OUT), ws.shared(PROBLEM)
    ws.dialect.execute(
        f"INSERT INTO {out} SELECT DISTINCT p.line, '{REJECT}' FROM {problem} p LEFT JOIN {out} o"
        f" ON o.line = p.line AND o.why = '{REJECT}' WHERE NOT p.warning AND o.line IS NULL"
    )
    for target in ws.targets:
        if target.main and target.mode == "insert":
            ws.dialect.execute(
                f"INSERT INTO {out} SELECT p.line, '{SKIP}' FROM {ws.name(target, 'plan')} p"
                f" LEFT JOIN {out} o ON o.line = p.line WHERE p.fate = '{SKIPPED}' AND o.line IS NULL"
            )
    ws.dialect.analyze(OUT)
    ws.out = ws.dialect.value(f"SELECT (SELECT count(*) FROM {out}) + (SELECT count(*) FROM {ws.shared(DROP)})")


def _clear(ws: Workspace) -> None:
    """Takes back what the last pass made, but for what it put out and why."""
    ws.dialect.execute(f"DELETE FROM {ws.shared(PROBLEM)} WHERE code IN ('{LEFT_EMPTY}', '{HELD}')")
    for target in ws.targets:
        for table in ("key", "group", "ref", "merge", "plan"):
            ws.dialect.execute(f"DELETE FROM {ws.name(target, table)}")
        ws.dialect.execute(f"DELETE FROM {ws.name(target, 'stage')} WHERE id < 0")


# -- order


def _key_links(ws: Workspace, target: Target) -> Iterator[str]:
    """The links that the key of ``target`` is found by."""
    for name in target.key.fields:
        if name in target.links and not isinstance(target.links[name], Through):
            yield name
            link = target.links[name]
            if isinstance(link, Link):
                yield from (ours for ours in link.by.values() if ours is not None and ours in target.links)


def _through_links(ws: Workspace, target: Target) -> Iterator[str]:
    yield from (through.link for through in ws.through_links(target).values())


def _ordered(ws: Workspace, links: Callable[[Workspace, Target], Iterator[str]]) -> list[Target]:
    """The targets, each behind those that some of its links lead to.

    Raises:
        SpecError: they wait for each other.
    """
    ordered: list[Target] = []

    def visit(target: Target, waiting: tuple[Target, ...]) -> None:
        if target in waiting:
            raise SpecError(f"{target.label} can't be recognised by a link that leads back to itself.")
        for name in links(ws, target):
            if (other := ws.linked_target(target, name)) is not None:
                visit(other, (*waiting, target))
        if target not in ordered:
            ordered.append(target)

    for target in ws.targets:
        visit(target, ())
    return ordered
