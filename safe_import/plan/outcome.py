"""What a plan comes to: the ledger, the counts, the digest, the problems, a sample of the changes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from itertools import chain, groupby, islice
from typing import Any

from safe_import.plan.fates import CREATE, UNCHANGED, UPDATE, changes, given, new_value, planned, written_fields
from safe_import.plan.links import LEFT_EMPTY
from safe_import.plan.workspace import OUT, PROBLEM, REJECT, SKIP, Workspace
from safe_import.records import Ledger, ModelCounts, Problem
from safe_import.spec.target import Target


def ledger(ws: Workspace, read: int, skipped: int) -> Ledger:
    """The fate of every row.

    Args:
        ws: the plan.
        read: rows of the file.
        skipped: rows that were not staged at all, because the spec or the command line leaves them out.
    """
    out = ws.shared(OUT)
    rejected = f"SELECT line FROM {out} WHERE why = '{REJECT}'"
    counts = {CREATE: 0, UPDATE: 0, UNCHANGED: 0}
    for target in ws.targets:
        if target.main:
            for fate, n in _row_fates(ws, target).items():
                counts[fate] += n
    left_out = ws.dialect.value(
        f"SELECT count(DISTINCT line) FROM {out} WHERE why = '{SKIP}' AND line NOT IN ({rejected})"
    )
    return Ledger(
        read=read,
        created=counts[CREATE],
        updated=counts[UPDATE],
        unchanged=counts[UNCHANGED],
        skipped=skipped + left_out,
        rejected=ws.dialect.value(f"SELECT count(DISTINCT line) FROM ({rejected}) f"),
    )


def _row_fates(ws: Workspace, target: Target) -> dict[str, int]:
    """The fates of rows by their main record; when another record of the row is written, it is at least updated."""
    written = " UNION ".join(
        f"SELECT line FROM {ws.name(other, 'plan')} WHERE fate IN ('{CREATE}', '{UPDATE}')"
        for other in written_targets(ws)
        if other is not target
    )
    if not written:
        return ws.fates[target.number]
    of_row = f"p.fate = '{UNCHANGED}' AND p.line IN (SELECT w.line FROM ({written}) w)"
    fate = f"CASE WHEN {of_row} THEN '{UPDATE}' ELSE p.fate END AS fate"
    rows = f"SELECT {fate} FROM {ws.name(target, 'plan')} p"
    return dict(ws.dialect.rows(f"SELECT fate, count(*) FROM ({rows}) f GROUP BY fate"))


def model_counts(ws: Workspace) -> dict[str, ModelCounts]:
    """What happens to the records of each model."""
    result = {}
    for target in ws.targets:
        fates = ws.fates[target.number]
        result[target.label] = ModelCounts(fates.get(CREATE, 0), fates.get(UPDATE, 0), fates.get(UNCHANGED, 0))
    return result


def links_held(ws: Workspace) -> int:
    """How many links point elsewhere and are left as they are."""
    return sum(ws.held.values())


def links_left_empty(ws: Workspace) -> int:
    """How many links name nothing and are left empty."""
    return int(ws.dialect.value(f"SELECT count(*) FROM {ws.shared(PROBLEM)} WHERE code = '{LEFT_EMPTY}'"))


def digest(ws: Workspace, staged: bytes) -> str:
    """The identity of a plan: the same file against the same data has the same digest, on every run.

    Args:
        ws: the plan.
        staged: the hash over the staged records, with all values that the file brings.
    """
    total = hashlib.sha256(staged)
    for target in ws.targets:
        total.update(f"{target.label}\n{sorted(ws.fates[target.number].items())}\n".encode())
        plan, left_alone = ws.name(target, "plan"), f"fate = '{UNCHANGED}' AND held = 0"
        ws.dialect.hash_rows(
            f"SELECT rec, fate, pk, held FROM {plan} WHERE NOT ({left_alone}) ORDER BY rec", total.update
        )
    return total.hexdigest()


def nothing_to_write(ws: Workspace) -> bool:
    """Whether the plan leaves every record as it is."""
    return not any(written_targets(ws))


def written_targets(ws: Workspace) -> list[Target]:
    """The targets of which the plan creates or updates records."""
    return [target for target in ws.targets if ws.fates[target.number].keys() & {CREATE, UPDATE}]


def sample_changes(ws: Workspace, limit: int) -> list[dict[str, Any]]:
    """The first of the planned updates, field by field, for a person who looks at the screen; never for a log."""
    found: Iterator[dict[str, Any]] = chain.from_iterable(_first_changes(ws, target, limit) for target in ws.targets)
    return list(islice(found, limit))


def _first_changes(ws: Workspace, target: Target, limit: int) -> Iterator[dict[str, Any]]:
    if UPDATE not in ws.fates[target.number]:
        return
    d, names = ws.dialect, [name for name in written_fields(ws, target) if name not in target.key.fields]
    updated = f"SELECT rec FROM {ws.name(target, 'plan')} WHERE fate = '{UPDATE}' ORDER BY line LIMIT {limit}"
    records = ", ".join(str(rec) for (rec,) in d.rows(updated))
    columns = [column for name in names for column in _change(ws, target, name)]
    rows = d.rows(
        f"SELECT p.line, {d.shown(target.pk, 'p.pk')}, {', '.join(columns)}"
        f" FROM {planned(ws, target)} JOIN {d.table(target.model)} t ON t.{d.column(target.pk)} = p.pk"
        f" WHERE p.rec IN ({records}) ORDER BY p.line"
    )
    for line, pk, *values in rows:
        for name, changed, before, after in zip(names, values[::3], values[1::3], values[2::3], strict=True):
            if changed:
                to_new = name in target.links and after is None and _leads_to_new(ws, target, name)
                shown = "(new record)" if to_new else after
                yield {"line": line, "model": target.label, "pk": pk, "field": name, "before": before, "after": shown}


def _change(ws: Workspace, target: Target, name: str) -> tuple[str, str, str]:
    """Whether a field changes, what it is and what it will be."""
    d, field = ws.dialect, target.fields[name]
    before, after = f"t.{d.column(field)}", new_value(ws, target, name)
    return changes(ws, target, name), d.shown(field, before), d.shown(field, after)


def _leads_to_new(ws: Workspace, target: Target, name: str) -> bool:
    return given(ws, target, name) != "FALSE" and ws.stages[target.number].cleared(name) == "FALSE"


# -- problems

Describe = Callable[[Target, str, str, int, int | None], tuple[str | None, str]]


def problems(ws: Workspace, describe: Describe, *, warnings: bool, limit: int | None = None) -> Iterator[Problem]:
    """Errors or warnings in the order of the file.

    Args:
        ws: the plan.
        warnings: which of the two.
        limit: at most so many.
        describe: (target, field, code, line, other line) -> (column, message), for those that the plan found.
    """
    which = "warning" if warnings else "NOT warning"
    columns = "line, target, field, code, other, message"
    sql = f"SELECT {columns} FROM {ws.shared(PROBLEM)} WHERE {which} ORDER BY line, field, code"
    for line, target, field, code, other, message in ws.dialect.stream(sql + (f" LIMIT {limit}" if limit else "")):
        column, described = field, message
        if target is not None:  # found by the plan, which does not know the headers of the file
            column, described = describe(ws.targets[target], field, code, line, other)
        yield Problem(line, column, code, message or described)


def count_problems(ws: Workspace, *, warnings: bool) -> int:
    which = "warning" if warnings else "NOT warning"
    return int(ws.dialect.value(f"SELECT count(*) FROM {ws.shared(PROBLEM)} WHERE {which}"))


def rejected_lines(ws: Workspace, describe: Describe) -> Iterator[tuple[int, list[Problem]]]:
    """The lines of rejected rows in ascending order, with everything that is wrong with each."""
    found = problems(ws, describe, warnings=False)
    for line, group in groupby(found, key=lambda problem: problem.line):
        yield line or 0, list(group)
