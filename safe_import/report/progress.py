"""A progress bar on standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from safe_import.events import Event

_WORTH_SHOWING = 1_000
_DOING = {
    "stage": "reading",
    "plan": "planning",
    "backup": "backing up",
    "apply": "writing",
    "verify": "verifying",
    "search": "finding the rows that the database refuses",
}


class ProgressBar:
    """An observer that shows how far a run is, from the 1,001st row on. For a terminal; see ``isatty`` before.

    Args:
        color: whether to use colors.
    """

    wants_records = False

    def __init__(self, *, color: bool) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(pulse_style="bar.pulse"),
            TextColumn("{task.completed:,} rows"),
            TimeElapsedColumn(),
            console=Console(stderr=True, no_color=not color),
            transient=True,  # the report says it all
        )
        self._task = self._progress.add_task(_DOING["stage"], total=None)
        self._shown = False

    def __call__(self, event: Event) -> None:
        if event.name == "progress":
            self._read(event.data["rows"])
        elif event.name == "stage":
            stage = event.data["stage"]
            self._progress.update(self._task, description=_DOING.get(stage, stage))
        elif event.name in ("ended", "failed"):
            self._stop()

    def _read(self, rows: int) -> None:
        self._progress.update(self._task, completed=rows)
        if rows > _WORTH_SHOWING and not self._shown:
            self._shown = True
            self._progress.start()

    def _stop(self) -> None:
        if self._shown:
            self._progress.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop()
