"""Why a plan may not be carried out, although it could be."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from safe_import.plan.workspace import Workspace


def changed_too_much(ws: Workspace, limit: str) -> str | None:
    """What is beyond ``limit``, a number of updates or a percentage of each table; None when nothing is."""
    for target in ws.targets:
        updates = ws.dialect.value(f"SELECT count(*) FROM {ws.name(target, 'plan')} WHERE fate = 'update'")
        if not limit.endswith("%"):
            allowed = float(limit)
        else:
            allowed = (
                float(limit[:-1]) / 100 * ws.dialect.value(f"SELECT count(*) FROM {ws.dialect.table(target.model)}")
            )
        if updates > allowed:
            return f"{updates} records of {target.label} would be updated, more than --max-changes {limit} allows"
    return None
