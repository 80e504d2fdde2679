"""Runs that are over, or under way, for people and for programs."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from safe_import.report.text import printable
from safe_import.runs.record import PRUNED
from safe_import.runs.undo import UNDOABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from safe_import.models import Run

# PostgreSQL keeps the keys of an object in an order of its own.
_ORDER = ("read", "created", "updated", "unchanged", "skipped", "rejected")
_STAGES = ("read", "validate", "stage", "plan", "backup", "apply", "verify")


def run_line(run: Run) -> str:
    """Return a run in one line: what was imported, when, by whom, and what became of it."""
    fates = run.report.get("rows", {})
    counts = ", ".join(f"{fates[fate]:,} {fate}" for fate in _ORDER[1:] if fates.get(fate))
    parts = [run.id, _time(run.started), f"{run.state:9}", run.spec, printable(run.source), f"by {run.user}", counts]
    return "  ".join(filter(None, parts))


def run_details(run: Run, journal: Mapping[str, Mapping[str, int]]) -> Iterator[tuple[str, str]]:
    """Yield everything about a run, as names and values.

    Args:
        run: the run.
        journal: how many records it created and updated, by model.
    """
    report = run.report
    yield "Run", f"{run.id}: {run.spec}, {run.state}"
    yield "Who", f"{run.user} on {run.host}, process {run.process}"
    yield "When", f"{_time(run.started)} to {_time(run.ended) if run.ended else '(not ended)'}"
    yield "File", f"{printable(run.source)}, SHA-256 {run.source_sha256}"
    yield "Rejected by", run.parent
    yield "Arguments", _listed(run.arguments)
    yield "Rows", _listed(report.get("rows", {}), _ORDER)
    yield "Written", "; ".join(f"{model}: {_listed(counts, _ORDER)}" for model, counts in journal.items())
    yield "Plan", run.plan
    yield "Backup", run.backup
    yield "Rejects", printable(report.get("rejects") or "")
    yield "Checks", _checks(report.get("checks", []))
    yield "Seconds", _listed(report.get("seconds", {}), _STAGES)
    yield "Failure", printable(run.failure)
    yield "Undone", _undone(report.get("undone"))


def run_as_dict(run: Run) -> dict[str, Any]:
    """Return everything about a run for ``--json``."""
    return {
        "run": run.id,
        "spec": run.spec,
        "state": run.state,
        "started": run.started.isoformat(),
        "ended": run.ended.isoformat() if run.ended else None,
        "user": run.user,
        "host": run.host,
        "process": run.process,
        "source": run.source,
        "sha256": run.source_sha256,
        "parent": run.parent or None,
        "arguments": run.arguments,
        "plan": run.plan or None,
        "backup": run.backup or None,
        "failure": run.failure or None,
        "undo": undo_command(run),
        "restore": restore_command(run),
        "report": run.report,
    }


def undo_command(run: Run) -> str | None:
    """Return the command that undoes a run; None when there is nothing to undo."""
    return f"undo_import {run.id}" if run.state in UNDOABLE and PRUNED not in run.report else None


def restore_command(run: Run) -> str | None:
    """Return the command that brings back what the run's tables held before; None when it changed nothing of them."""
    return f"restore_backup {PurePath(run.backup).name}" if run.backup and run.state in UNDOABLE else None


def _time(time: Any) -> str:
    return str(time.strftime("%Y-%m-%d %H:%M:%S %Z")).strip()


def _listed(values: Mapping[str, Any], order: Sequence[str] = ()) -> str:
    names = sorted(values, key=lambda name: order.index(name) if name in order else len(order))
    return ", ".join(f"{name} {printable(str(values[name]))}" for name in names)


def _checks(checks: list[dict[str, Any]]) -> str:
    found = [
        f"{check['name']} found {check['found']:,} ({check['introduced']:,} new)" for check in checks if check["found"]
    ]
    passed = len(checks) - len(found)
    return ", ".join([*([f"{passed} passed"] if checks else []), *found])


def _undone(undone: Mapping[str, Any] | None) -> str:
    if undone is None:
        return ""
    counts = [f"{_listed(undone[what])} {what}" for what in ("restored", "deleted") if any(undone[what].values())]
    return f"{undone['when']} by {undone['who']}: {'; '.join(counts) or 'nothing'}"
