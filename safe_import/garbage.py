"""Garbage collection while a file is read.

# Note [Garbage]
Reading makes thousands of lists and tuples, and Python's collector looks through all that are alive whenever some
hundred more are made, which takes a third of the time of reading. Nearly all of them go by themselves, block by block.
So the collector is off meanwhile, and looks after every few blocks for what went in circles: memory stays bounded. To
look after each of them would take a twentieth of the time.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")
_FEW = 8  # blocks, whose circles may be held at a time
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
    """The blocks; after each few of them what they left behind is collected."""
    for count, block in enumerate(blocks, 1):
        yield block
        if count % _FEW == 0:
            gc.collect(_YOUNG)
