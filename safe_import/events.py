"""What a run tells while it goes on: to the audit log, to a progress bar, to whoever listens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Name = Literal["started", "progress", "stage", "rejected", "warned", "record", "check", "ended", "failed"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a run. Never holds the value of a cell.

    ``started`` who, host, source, sha256, spec, arguments. ``progress`` stage, rows. ``stage`` its name, seconds and
    rows. ``rejected`` and ``warned`` a Problem. ``record`` model, key, action and changed columns. ``check`` a
    CheckResult. ``ended`` the report. ``failed`` the exception.
    """

    name: Name
    run: str | None
    data: Mapping[str, Any] = field(default_factory=dict)


Observer = Callable[[Event], None]
