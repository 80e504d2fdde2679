"""What a run tells while it goes on: to the audit log, to a progress bar, to whoever listens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Name = Literal["started", "again", "stage", "progress", "rejected", "warned", "record", "check", "ended", "failed"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a run. Never holds the value of a cell.

    ``started`` who, host, source, sha256, spec, arguments. ``again`` everything so far was rolled back and is done once
    more. ``stage`` the stage that begins. ``progress`` stage, rows. ``rejected`` and ``warned`` a Problem. ``record``
    model, key, action and changed columns, before the commit. ``check`` a CheckResult. ``ended`` the report. ``failed``
    the exception and the report.
    """

    name: Name
    run: str | None
    data: Mapping[str, Any] = field(default_factory=dict)


class Observer(Protocol):
    """Called with every event of a run.

    One with a false attribute ``wants_records`` can do without ``rejected`` and ``record``. One with a number
    ``progress_every`` is told of ``progress`` after so many rows at the latest; of every 500 otherwise.
    """

    def __call__(self, event: Event, /) -> None: ...


_PROGRESS_EVERY = 500
_of_every_run: list[Observer] = []


def observe_every_run(observer: Observer) -> None:
    """Have an observer called for every run of this process, beside those that are given to ``run_import``."""
    _of_every_run.append(observer)


class Listeners:
    """Everybody who is told of one run."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = (*_of_every_run, *observers)

    @property
    def want_records(self) -> bool:
        """Whether anybody cares about single rows and records, which take time to tell."""
        return any(getattr(observer, "wants_records", True) for observer in self._observers)

    @property
    def progress_every(self) -> int:
        """After how many rows somebody wants to hear how far the run is."""
        wishes = (getattr(observer, "progress_every", _PROGRESS_EVERY) for observer in self._observers)
        return min(wishes, default=_PROGRESS_EVERY)

    def tell(self, event: Event) -> None:
        for observer in self._observers:
            observer(event)
