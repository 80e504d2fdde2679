"""How long each stage of a run takes, also where stages take turns block by block."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")


class Stopwatch:
    """Adds up the seconds of each stage in ``seconds``. A stage inside another has its time to itself."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self.seconds = seconds
        self._inner = 0.0  # seconds that stages inside the present one have taken

    @contextmanager
    def running(self, stage: str) -> Iterator[None]:
        """Counts the time of the block for ``stage``."""
        began, outer, self._inner = time.perf_counter(), self._inner, 0.0
        try:
            yield
        finally:
            whole = time.perf_counter() - began
            self.seconds[stage] = self.seconds.get(stage, 0.0) + whole - self._inner
            self._inner = outer + whole

    def timed(self, stage: str, blocks: Iterable[T]) -> Iterator[T]:
        """The blocks of rows, with the time that it takes to make them counted for ``stage``."""
        iterator = iter(blocks)
        while True:
            with self.running(stage):
                block = next(iterator, None)
            if block is None:
                return
            yield block
