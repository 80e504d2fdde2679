"""The audit log: who imported what, when, and what it did, as JSON lines without the value of any cell.

# Note [When lines are written]
Lines of single records are written before the commit, so that a full disk is found while everything can still be rolled
back. They are proposals: what counts is the last line of the run, ``ended`` (committed, or a dry run) or ``failed``.
"""

from __future__ import annotations

import json
import logging
import os
import traceback
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import orjson

from safe_import.errors import AuditError, SafeImportError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from safe_import.events import Event

_ENOUGH = 1 << 16  # bytes of lines that are gathered before they are written
_GATHERED = ("record", "rejected", "warned")
_UNLOGGED = ("progress", "stage")
_LISTED_BEFORE = ("errors", "warnings", "checks")  # parts of a report that have lines of their own


class AuditLogger:
    """An observer of runs that writes JSON lines to a file, or to a logger.

    Every run writes to the logger ``safe_import`` by itself; give one of these to ``run_import(observers=...)`` to have
    a file as well, or another logger.

    Args:
        path: a file; it is made private to its owner (0600), or appended to.
        logger: instead of ``safe_import``. Not used with a path, unless given.

    Raises:
        AuditError: the file can't be opened.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None, logger: logging.Logger | None = None) -> None:
        self._logger = logger or (None if path else logging.getLogger("safe_import"))
        self._name = "" if path is None else os.fspath(path)
        self._pending = bytearray()
        self._file = None if path is None else self._opened(Path(path))

    @property
    def wants_records(self) -> bool:
        """Whether lines of single records would reach anybody."""
        return self._file is not None or (self._logger is not None and _is_heard(self._logger))

    def __call__(self, event: Event) -> None:
        # The failure at hand matters more than that its line can't be written.
        with suppress(AuditError) if event.name == "failed" else nullcontext():
            for name, data in _lines_of(event):
                self.write(name, event.run, **data)
            if event.name not in _GATHERED:
                self._flush()

    def write(self, event: str, run: str | None = None, /, **data: Any) -> None:
        """Add a line.

        Args:
            event: what happened.
            run: the id of the run.
            **data: whatever JSON can hold; never the value of a cell.

        Raises:
            AuditError: the file can't be written.
        """
        level = logging.ERROR if event == "failed" else logging.INFO
        heard = self._logger is not None and self._logger.isEnabledFor(level)
        if not heard and self._file is None:
            return
        line = _as_json(
            {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, "run": run, **data}
        )
        if self._logger is not None and heard:
            self._logger.log(level, "%s", line.decode())
        if self._file is not None:
            self._pending += line + b"\n"
            if len(self._pending) > _ENOUGH:
                self._flush()

    def close(self) -> None:
        """Write what is left, and close the file.

        Raises:
            AuditError: the file can't be written.
        """
        try:
            self._flush()
        finally:
            if self._file is not None:
                file, self._file = self._file, None
                with suppress(OSError):  # every line is written: nothing is left that could fail
                    os.close(file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _opened(self, path: Path) -> int:
        try:
            file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            if _ends_within_a_line(path):
                self._pending += b"\n"
        except OSError as error:
            raise self._error(error) from error
        return file

    def _flush(self) -> None:
        """Whole lines at once, so that two runs that share a file do not mix within a line."""
        while self._pending and self._file is not None:
            try:
                del self._pending[: os.write(self._file, self._pending)]
            except OSError as error:
                os.close(self._file)
                self._file = None  # it failed once: the failure is no reason to try again
                raise self._error(error) from error

    def _error(self, error: OSError) -> AuditError:
        return AuditError(f"{self._name}: the log can't be written: {error.strerror}")


def _ends_within_a_line(path: Path) -> bool:
    """Whether a writer was killed, or met a full disk, in the middle of a line."""
    if not path.is_file() or not path.stat().st_size:
        return False
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def _is_heard(logger: logging.Logger) -> bool:
    """Whether a handler that does something gets what the logger says at INFO."""
    if not logger.isEnabledFor(logging.INFO):
        return False
    at: logging.Logger | None = logger
    while at is not None:
        if any(not isinstance(handler, logging.NullHandler) for handler in at.handlers):
            return True
        at = at.parent if at.propagate else None
    return False


def _as_json(data: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(data, default=str)
    except TypeError:  # half a character, in the name of a file or a column
        return json.dumps(data, default=str).encode()


# -- from an event to lines


def _lines_of(event: Event) -> Iterator[tuple[str, dict[str, Any]]]:
    data = dict(event.data)
    if event.name in _UNLOGGED:
        return
    if event.name in ("rejected", "warned"):
        problem = data["problem"]
        yield event.name, {name: getattr(problem, name) for name in ("line", "column", "code", "message")}
    elif event.name == "check":
        yield event.name, data["check"].as_dict()
    elif event.name in ("ended", "failed"):
        report = data.pop("report")
        yield from _stages(report)
        failure = _failure(data["error"]) if event.name == "failed" else {}
        yield event.name, {name: part for name, part in report.items() if name not in _LISTED_BEFORE} | failure
    else:
        yield event.name, data


def _stages(report: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    rows = report["rows"]["read"]
    for stage, seconds in report["seconds"].items():
        speed = round(rows / seconds) if seconds else None
        yield "stage", {"stage": stage, "seconds": seconds, "rows_per_second": speed}


def _failure(error: BaseException) -> dict[str, Any]:
    """An exception and its causes: types and frames. Their texts may hold values; only our own are known not to."""
    chain: list[dict[str, Any]] = []
    at: BaseException | None = error
    while at is not None and len(chain) < 10:
        frames = [f"{each.filename}:{each.lineno} {each.name}" for each in traceback.extract_tb(at.__traceback__)]
        message = str(at) if isinstance(at, SafeImportError) else None
        chain.append({"type": type(at).__qualname__, "message": message, "frames": frames})
        at = at.__cause__ or at.__context__
    return {"trace": chain}
