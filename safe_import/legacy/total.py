"""What a run of several migrations came to, put together from what each came to."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from safe_import.conf import conf
from safe_import.records import Ledger, ModelCounts, Problem, RunResult

if TYPE_CHECKING:
    from collections.abc import Iterable


def forget(total: RunResult) -> None:
    """Before the migrations are run once more: nothing has come of them yet."""
    fresh = RunResult(total.spec)
    for name in ("rows", "models", "links_held", "links_left_empty", "plan", "checks"):
        setattr(total, name, getattr(fresh, name))
    total.errors, total.errors_total, total.warnings, total.warnings_total = [], 0, [], 0


def add(total: RunResult, part: RunResult) -> None:
    """Adds what one migration, or as much of it as was done, came to."""
    ours, theirs = total.rows.as_dict(), part.rows.as_dict()
    total.rows = Ledger(**{fate: count + theirs[fate] for fate, count in ours.items()})
    for label, counts in part.models.items():
        total.models[label] = _sum(total.models.get(label, ModelCounts()), counts)
    total.links_held += part.links_held
    total.links_left_empty += part.links_left_empty
    total.plan = hashlib.sha256(f"{total.plan or ''}{part.plan or ''}".encode()).hexdigest()
    limit = conf().MAX_REPORTED
    total.errors = [*total.errors, *_named(part.spec, part.errors)][:limit]
    total.warnings = [*total.warnings, *_named(part.spec, part.warnings)][:limit]
    total.errors_total += part.errors_total
    total.warnings_total += part.warnings_total


def _sum(one: ModelCounts, other: ModelCounts) -> ModelCounts:
    return ModelCounts(one.created + other.created, one.updated + other.updated, one.unchanged + other.unchanged)


def _named(label: str, problems: Iterable[Problem]) -> Iterable[Problem]:
    """The problems with columns that say which migration they are of: each counts its own rows."""
    for problem in problems:
        column = problem.column or ""
        known = column == label or column.startswith(f"{label}.")
        yield problem if known else replace(problem, column=f"{label}.{column}".rstrip("."))
