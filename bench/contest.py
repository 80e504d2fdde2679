"""Measures the contestants in one process, in turns, each from the same state of the database."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from bench.arena import Arena
from bench.names import CASES, CREATE, HALF

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.db.models import Model

    from bench.arena import State

Stages = dict[str, float]
Upserts = Mapping[str, Callable[[Path], Stages | None]]


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


@dataclass(frozen=True)
class Entrant:
    """Who takes part in one case: what is run, and on what."""

    arena: Arena
    state: State
    run: Callable[[], Stages | None]
    measurement: Measurement

    def take_turn(self) -> None:
        """Run once, from the same state of the database as ever."""
        self.arena.reset(self.state)
        gc.collect()
        began = time.perf_counter()
        stages = self.run()
        self.measurement.runs.append(time.perf_counter() - began)
        self.measurement.stages.append(stages or {})


def take_turns(turns: Sequence[Entrant], repeats: int) -> None:
    """Let everybody run in their turn, or turns, as often as that."""
    for _ in range(repeats):
        for entrant in turns:
            entrant.take_turn()


class Contest:
    """Measurements at one number of rows.

    Args:
        rows: in each of the files.
        models: those that are measured.
        repeats: of all turns; the median run of each contestant counts.
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
        """Measure the contestants of one case."""
        take_turns([self._entrant(case, state, who, run) for who, run in contestants.items()], self.repeats)

    def upserts(self, contestants: Upserts, *others: tuple[Contest, Upserts]) -> None:
        """Measure the three cases of an import; behind each contestant those of other contests, with other files."""
        for case in CASES:
            beside = [each for contest, runs in others for each in contest.upserting(case, runs)]
            turns = [turn for each in self.upserting(case, contestants) for turn in (each, *beside)]
            take_turns(turns, self.repeats)

    def upserting(self, case: str, contestants: Upserts) -> Iterator[Entrant]:
        """Enter who takes part in one of the three cases."""
        state: State = "empty" if case == CREATE else "full"
        path = self.arena.half if case == HALF else self.arena.base
        for who, run in contestants.items():
            yield self._entrant(case, state, who, partial(run, path))

    def _entrant(self, case: str, state: State, who: str, run: Callable[[], Stages | None]) -> Entrant:
        measurement = Measurement(case, who, self.arena.rows)
        self.measurements.append(measurement)
        return Entrant(self.arena, state, run, measurement)
