"""Ids only ever rise."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from safe_import.ids import is_id, milliseconds, new_id

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Set what the clock says, in seconds since 1970; no id was made before."""
    monkeypatch.setattr("safe_import.ids._last", 0)  # and at the end it is again what it was
    return lambda seconds: monkeypatch.setattr(time, "time_ns", lambda: seconds * 1_000_000_000)


def test_ids_of_the_same_millisecond_rise(clock: Callable[[int], None]) -> None:
    """Text order is the order in which they were made."""
    clock(5_000_000_000)
    made = [new_id() for _ in range(1000)]
    assert made == sorted(set(made))
    assert all(is_id(each) for each in made)


def test_ids_rise_while_the_clock_runs_backwards(clock: Callable[[int], None]) -> None:
    """The next one is the last one plus one, until the clock has caught up."""
    clock(6_000_000_000)
    first = new_id()
    clock(1_000_000_000)
    second, third = new_id(), new_id()
    assert first < second < third
    assert milliseconds(first) == milliseconds(third) == 6_000_000_000_000
    clock(6_000_000_001)
    assert milliseconds(new_id()) == 6_000_000_001_000


def test_ids_rise_above_those_of_other_processes(clock: Callable[[int], None]) -> None:
    """What another process with a clock ahead made is the floor."""
    clock(1_000_000_000)
    assert new_id(after="7ZZZZZZZZZ0000000000000000") == "7ZZZZZZZZZ0000000000000001"
    assert new_id() == "7ZZZZZZZZZ0000000000000002"


def test_two_processes_never_make_the_same_id() -> None:
    """The 80 bits of chance tell them apart."""
    code = "from safe_import.ids import new_id; print(new_id())"
    made = {subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout for _ in range(3)}
    assert len(made) == 3


@pytest.mark.parametrize(
    "text", ["", "../../etc/passwd", "01jd7q2v0g8k6f4xm2q3t5r9wz", "8" * 26, "0" * 25, "0" * 26 + "\n"]
)
def test_what_is_no_id_is_refused(text: str) -> None:
    """Nothing else ever becomes part of a path."""
    assert not is_id(text)
    with pytest.raises(ValueError, match="not an id"):
        new_id(after=text or "x")
