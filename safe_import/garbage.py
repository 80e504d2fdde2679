"""Garbage collection while a file is read.

# Note [Garbage]
Reading makes thousands of lists and tuples, and Python's collector looks through all that are alive whenever some
hundred more are made, which takes a third of the time of reading. Nearly all of them go by themselves, block by block.
So the collector is off meanwhile, and looks once after each block for what went in circles: memory stays bounded.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")
_YOUNG = 1  # generations: all but the oldest, where what outlives blocks ends up


@contextmanager
def collector_paused() -> Iterator[None]:
    """Switches the collector off, and on again where it was on."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def collected_after_each(blocks: Iterable[T]) -> Iterator[T]:
    """The blocks; between them what they left behind is collected."""
    for block in blocks:
        yield block
        del block
        gc.collect(_YOUNG)
