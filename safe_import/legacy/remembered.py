"""Which migrations have run: the records of the runs remember it, so what was undone can run again."""

from __future__ import annotations

from typing import Final

from safe_import.models import Run

SPEC: Final = "legacy_data"
"""What the records of these runs are called."""

_IN = (Run.State.APPLIED, Run.State.VERIFIED, Run.State.UNDOING)


def brought_before(alias: str) -> set[str]:
    """The names of the migrations whose data is in the database."""
    runs = Run.objects.using(alias).filter(spec=SPEC, state__in=_IN)
    return {name for arguments in runs.values_list("arguments", flat=True) for name in arguments.get("migrations", ())}
