"""The first line of a report: what happened, in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safe_import.errors import AfterCommitError

if TYPE_CHECKING:
    from safe_import.records import RunResult

_FAILURES = {
    1: "nothing was changed",
    2: "nothing was changed",
    4: "another run holds the lock; nothing was changed",
    5: "the data is committed, but what follows failed",
}


def headline(result: RunResult, file: str) -> str:
    """Return what happened in one sentence."""
    name = f"{result.spec}, {file}"
    if result.exit_code == AfterCommitError.exit_code and result.state == "applying":
        return f"{name}: the database went away at the commit, so it is not known whether the data is committed"
    if result.exit_code in _FAILURES:
        return f"{name}: {_FAILURES[result.exit_code]}"
    if result.state == "planned":
        return f"{name}: dry run, nothing was written{_outlook(result)}"
    if result.state == "rehearsed":
        return f"{name}: rehearsed from beginning to end and rolled back{_outlook(result)}"
    return f"{name}: {_imported(result)}"


def _outlook(result: RunResult) -> str:
    if result.exit_code == 3:
        return f"; to be imported in part: {in_part(result)}"
    return "" if writes(result) else "; there is nothing to change"


def _imported(result: RunResult) -> str:
    if result.exit_code == 3:
        return f"imported in part: {in_part(result)}"
    return "imported" if writes(result) else "nothing to change, all of it is in the database"


def in_part(result: RunResult) -> str:
    """Return what is not in the database after an import in part."""
    rejected = f"{result.rows.rejected:,} of {result.rows.read:,} rows rejected" if result.rows.rejected else ""
    held = f"{result.links_held:,} {'link' if result.links_held == 1 else 'links'} held" if result.links_held else ""
    return ", ".join(filter(None, (rejected, held)))


def writes(result: RunResult) -> bool:
    """Return whether the plan changes anything."""
    return any(counts.created or counts.updated for counts in result.models.values())
