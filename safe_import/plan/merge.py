"""Several rows may bring the same record: merged field by field, reported where they disagree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safe_import.plan.fates import given
from safe_import.plan.joins import live, outs
from safe_import.plan.workspace import PROBLEM, Workspace

if TYPE_CHECKING:
    from safe_import.spec.target import Target


def merge_records(ws: Workspace, target: Target) -> None:
    """Adds one merged record, whose id is -rec, for every key that several live records bear.

    Each field takes the value of the first record that brings it, or of the last one where the target says so.
    """
    if not ws.dialect.value(f"SELECT count(*) FROM {ws.name(target, 'group')} WHERE live > 1"):
        return
    fields = ws.stages[target.number].fields
    ws.dialect.execute(_sources_sql(ws, target, fields))
    ws.dialect.analyze(f"si_{target.number}_merge")
    if target.declaration.agree == "error" and not target.main:  # a main record that stands twice is an error anyway
        for name in fields:
            if name not in target.key.fields:
                _report_disagreement(ws, target, name)
    _append_merged(ws, target, fields)


def _members(ws: Workspace, target: Target) -> str:
    return (
        f"FROM {ws.name(target, 'stage')} s {outs(ws, target)} JOIN {ws.name(target, 'key')} q ON q.id = s.id"
        f" JOIN {ws.name(target, 'group')} g ON g.k = q.k AND g.live > 1 JOIN {ws.name(target, 'ref')} r ON r.id = s.id"
    )


def _sources_sql(ws: Workspace, target: Target, fields: tuple[str, ...]) -> str:
    """For every merged record and field, the id of the record whose value it takes."""
    choose = "max" if target.declaration.agree == "last" else "min"
    sources = ", ".join(f"{choose}(CASE WHEN {given(ws, target, name, ref='r')} THEN s.id END)" for name in fields)
    return (
        f"INSERT INTO {ws.name(target, 'merge')} SELECT g.rec, g.line, {sources} {_members(ws, target)}"
        f" WHERE {live(ws)} GROUP BY g.rec, g.line"
    )


def _report_disagreement(ws: Workspace, target: Target, name: str) -> None:
    d, source = ws.dialect, ws.dialect.quote(f"m_{name}")
    mine, theirs = _comparable(ws, target, name, "s", "r"), _comparable(ws, target, name, "z", "v")
    d.execute(
        f"INSERT INTO {ws.shared(PROBLEM)} SELECT s.line, {target.number}, '{name}', 'disagree', z.line, NULL, FALSE"
        f" {_members(ws, target)} JOIN {ws.name(target, 'merge')} m ON m.rec = g.rec"
        f" JOIN {ws.name(target, 'stage')} z ON z.id = m.{source} JOIN {ws.name(target, 'ref')} v ON v.id = z.id"
        f" WHERE {live(ws)} AND {given(ws, target, name, ref='r')} AND ({mine}) <> ({theirs})"
        f" AND s.line NOT IN (SELECT line FROM {ws.shared(PROBLEM)} WHERE NOT warning)"  # they are out anyway
    )


def _comparable(ws: Workspace, target: Target, name: str, stage: str, ref: str) -> str:
    """The value of a field as a text; '' where it is cleared."""
    d = ws.dialect
    if name in target.links:
        pk = d.text(target.fields[name], f"{ref}.{d.quote(f'p_{name}')}")
        rec = d.as_text(f"{ref}.{d.quote(f'r_{name}')}")
        return f"coalesce('=' || {pk}, '+' || {rec}, '')"
    field = target.field(name)
    value = ws.stages[target.number].value(f"v_{name}", stage)
    return f"coalesce('=' || {d.text(field, d.cast(field, value))}, '')"


def _append_merged(ws: Workspace, target: Target, fields: tuple[str, ...]) -> None:
    """Puts the merged records together: each column from the record that ``_sources_sql`` chose for its field."""
    d, stage, sources = ws.dialect, ws.stages[target.number], ""
    stage_columns: dict[str, str] = {"id": "-m.rec", "line": "m.line"}
    ref_columns: dict[str, str] = {"id": "-m.rec"}
    cleared: list[str] = []
    for number, name in enumerate(fields):
        source = f"m.{d.quote(f'm_{name}')}"
        sources += f" LEFT JOIN {ws.name(target, 'stage')} z{number} ON z{number}.id = {source}"
        own = [column for column in stage.columns if column.split("_", 1)[1:] == [name]]
        stage_columns |= {d.quote(column): f"z{number}.{d.quote(column)}" for column in own}
        cleared.append(f"CASE WHEN {stage.cleared(name, f'z{number}')} THEN ',{name},' ELSE '' END")
        if name in target.links:
            sources += f" LEFT JOIN {ws.name(target, 'ref')} v{number} ON v{number}.id = {source}"
            ref_columns |= {d.quote(f"{prefix}_{name}"): f"v{number}.{d.quote(f'{prefix}_{name}')}" for prefix in "pr"}
    stage_columns["cleared"] = f"nullif({' || '.join(cleared)}, '')"
    for table, columns in (("stage", stage_columns), ("ref", ref_columns)):
        d.execute(
            f"INSERT INTO {ws.name(target, table)} ({', '.join(columns)}) SELECT {', '.join(columns.values())}"
            f" FROM {ws.name(target, 'merge')} m{sources}"
        )
