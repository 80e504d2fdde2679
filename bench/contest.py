"""Measures the contestants in one process, in turns, each from the same state of the database."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

from bench.arena import Arena
from bench.names import CREATE, HALF, NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from django.db.models import Model

    from bench.arena import State

Stages = dict[str, float]
_LONG = 10  # seconds of a run that needs no other: what disturbs it is a small part of it


@dataclass
class Measurement:
    """One contestant in one case: the seconds of every run, and of the stages in each."""

    case: str
    who: str
    rows: int
    runs: list[float] = field(default_factory=list)
    stages: list[Stages] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The median, and the stages of the run that is nearest to it."""
        seconds = median(self.runs)
        nearest = min(range(len(self.runs)), key=lambda run: abs(self.runs[run] - seconds))
        return {
            "case": self.case, "who": self.who, "rows": self.rows,
            "seconds": seconds, "runs": self.runs, "stages": self.stages[nearest],
        }  # fmt: skip


class Contest:
    """Measurements at one number of rows.

    Args:
        rows: in each of the files.
        models: those that are measured.
        repeats: runs of each contestant at most, the median of which counts.
    """

    def __init__(self, rows: int, *models: type[Model], repeats: int) -> None:
        self.arena, self.repeats = Arena(rows, *models), repeats
        self.measurements: list[Measurement] = []

    def found(self) -> list[dict[str, Any]]:
        """Everything that was measured."""
        return [each.as_dict() for each in self.measurements]

    def close(self) -> None:
        """Remove the databases."""
        self.arena.close()

    def measure(self, case: str, state: State, contestants: Mapping[str, Callable[[], Stages | None]]) -> None:
        """Measure the contestants of one case, in turns; one that takes long runs once."""
        found = {who: Measurement(case, who, self.arena.rows) for who in contestants}
        for _ in range(self.repeats):
            for who, run in contestants.items():
                if max(found[who].runs, default=0) > _LONG:
                    continue
                self.arena.reset(state)
                gc.collect()
                began = time.perf_counter()
                stages = run()
                found[who].runs.append(time.perf_counter() - began)
                found[who].stages.append(stages or {})
        self.measurements += found.values()

    def upserts(self, contestants: Mapping[str, Callable[[Path], Stages | None]]) -> None:
        """Measure the three cases of an import."""
        base, half = self.arena.base, self.arena.half
        cases: tuple[tuple[str, State, Path], ...] = (
            (CREATE, "empty", base), (HALF, "full", half), (NOTHING, "full", base),
        )  # fmt: skip
        for case, state, path in cases:
            self.measure(case, state, {who: _on(run, path) for who, run in contestants.items()})


def _on(run: Callable[[Path], Stages | None], path: Path) -> Callable[[], Stages | None]:
    return lambda: run(path)
