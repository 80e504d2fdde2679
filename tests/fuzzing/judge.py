"""Reads a file as a run would, and finds fault with whatever comes out that must not."""

from __future__ import annotations

import contextlib
import resource
import signal
from typing import TYPE_CHECKING, Any

from safe_import.errors import SafeImportError
from safe_import.records import Problem
from safe_import.sources import open_source
from safe_import.sources.base import BadCell, BrokenRow
from safe_import.sources.rejects import RejectsFile
from safe_import.sources.typescript import objects_in, open_typescript
from safe_import.stages.read import read
from safe_import.stages.validate import validate
from tests.fuzzing.samples import CANARY
from tests.input_samples import PersonRow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from safe_import.sources import Source

MOST_MEMORY = 200  # MiB that one file of a megabyte may add
LONGEST = 60  # seconds that it may take
_REJECTED = 50


class Fault(AssertionError):
    """A file was dealt with as none may be."""


def judge(path: Path) -> None:
    """Reads a file from its header to its rejects.

    Raises:
        Fault: it took too much memory or time, its rows are out of order, or a message holds the value of a cell.
        Exception: whatever else is not ours.
    """
    before = _peak()
    with _in_time():
        try:
            with opened(path) as source:
                _read_all(source, path)
        except SafeImportError:
            pass  # refused, in our own words
    if (grown := _peak() - before) > MOST_MEMORY:
        raise Fault(f"{grown} MiB of memory")


def opened(path: Path) -> Source:
    """Opens a file as the command for it would."""
    if path.suffix == ".ts":
        return open_typescript(path, lambda text, label: objects_in(text, ["rows"], label)["rows"])
    return open_source(path)


def _read_all(source: Source, path: Path) -> None:
    last, rejected = source.header_line - 1, list[int]()
    for line, cells in source.lines():
        if line <= last:
            raise Fault("rows are out of order")
        last = line
        broken = [cells.problem] if isinstance(cells, BrokenRow) else []
        _require_discreet([*broken, *(cell for cell in _cells(cells) if isinstance(cell, BadCell))])
        rejected += [line] if len(rejected) < _REJECTED else []
    reading = read(source, (PersonRow,))
    for result in validate(reading.rows(), (PersonRow,), reading.columns):
        _require_discreet(result.problems)
    with RejectsFile(path.with_name(f"{path.name}.rejects.csv"), source, "") as file:
        file.fill((line, [Problem(line, None, "invalid", "for a test")]) for line in rejected)


def _cells(cells: Any) -> Any:
    return cells.cells if isinstance(cells, BrokenRow) else cells


def _require_discreet(problems: Any) -> None:
    if any(CANARY in problem.message for problem in problems):
        raise Fault("a message holds the value of a cell")


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


@contextlib.contextmanager
def _in_time() -> Iterator[None]:
    def ring(*_: object) -> None:
        raise Fault(f"more than {LONGEST} seconds")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(LONGEST)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
