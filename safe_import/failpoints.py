"""Named places where a test can make a write fail, or the whole process die. They do nothing otherwise.

``SAFE_IMPORT_FAILPOINT=kill@7`` sends SIGKILL to the process at the seventh place it reaches, ``raise@7`` raises there;
``kill@2:backup.`` counts only the places whose name begins so.
"""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VARIABLE = "SAFE_IMPORT_FAILPOINT"


class FailpointReached(Exception):
    """A test asked for this. It is nothing that safe_import knows of, so it travels like any surprise."""


@dataclass(slots=True)
class Failpoints:
    """Counts the places it reaches and acts at the ``at``-th of them (0: it only counts)."""

    at: int
    prefix: str = ""
    error: BaseException | None = None
    watcher: Callable[[str], object] | None = None
    reached: list[str] = field(default_factory=list)

    def reach(self, name: str) -> None:
        if not name.startswith(self.prefix):
            return
        self.reached.append(name)
        if self.watcher:
            self.watcher(name)
        if len(self.reached) != self.at:
            return
        if self.error is None:
            os.kill(os.getpid(), signal.SIGKILL)
        else:
            raise self.error


def _from_environment() -> Failpoints | None:
    action, _, place = os.environ.get(VARIABLE, "").partition("@")
    if not action:
        return None
    at, _, prefix = place.partition(":")
    return Failpoints(int(at), prefix, None if action == "kill" else FailpointReached(place))


_active: Failpoints | None = _from_environment()


def failpoint(name: str) -> None:
    """Mark a place at which a write may fail."""
    if _active is not None:
        _active.reach(name)


@contextmanager
def failing(at: int, error: BaseException | None = None, prefix: str = "") -> Iterator[Failpoints]:
    """Raise ``error`` at the ``at``-th place reached inside the block; yields the counter."""
    with _switched_on(Failpoints(at, prefix, error or FailpointReached(f"{prefix}{at}"))) as points:
        yield points


@contextmanager
def watching(watcher: Callable[[str], object]) -> Iterator[Failpoints]:
    """Call ``watcher`` with the name of every place reached inside the block."""
    with _switched_on(Failpoints(0, watcher=watcher)) as points:
        yield points


@contextmanager
def _switched_on(points: Failpoints) -> Iterator[Failpoints]:
    global _active  # noqa: PLW0603 - one process has one set of failpoints
    before, _active = _active, points
    try:
        yield points
    finally:
        _active = before
