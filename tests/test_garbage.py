"""The garbage collector is off while a file is read, and never longer."""

from __future__ import annotations

import gc
import weakref

import pytest

from safe_import.garbage import collected_after_each, collector_paused


class _Node:
    """Refers to itself, so that only the collector removes it."""

    def __init__(self) -> None:
        self.me = self


def test_the_collector_is_on_again_whatever_happens() -> None:
    """Also when reading fails."""
    with pytest.raises(ZeroDivisionError), collector_paused():
        _fail_unless_paused()
    assert gc.isenabled()


def _fail_unless_paused() -> None:
    assert not gc.isenabled()
    raise ZeroDivisionError


def test_who_switched_the_collector_off_finds_it_off() -> None:
    """It is a setting of the whole process."""
    gc.disable()
    try:
        with collector_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_blocks_leave_behind_in_circles_is_collected_after_every_few() -> None:
    """So memory stays bounded, however many blocks there are."""
    with collector_paused():
        left: list[weakref.ref[_Node]] = []
        for _ in collected_after_each(range(100)):
            assert sum(reference() is not None for reference in left) < 10
            left.append(weakref.ref(_Node()))
