"""The file of rejected rows: their original cells, the line and the reasons. Corrected, it is imported as it is.

The two columns of our own come first, so that a row keeps its original cells behind them however few or many they
are: what was rejected as too short or too long is so again when nobody corrected it.

A spreadsheet runs cells that begin with ``=``, ``+``, ``-``, ``@`` and some others, so these get an apostrophe in front
(and those that have one before such a sign another, so that taking one away again is exact).
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import itertools
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from safe_import.errors import SourceError
from safe_import.records import Problem
from safe_import.sources.base import BrokenRow, Cells

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from safe_import.sources.base import Source

REJECTS_COLUMNS = ("safe_import_line", "safe_import_reason")
_RISKY = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")  # the wide forms: some spreadsheets narrow them
_ESCAPED = re.compile(f"'{_RISKY.pattern}")


class RejectsFile:
    """A rejects file under way. It appears under its name, complete, when the block ends without an exception.

    An earlier rejects file of that name is kept under another (``rejects.1.csv``); any other file is never touched.

    Args:
        path: where to write; the file is readable and writable by its owner alone.
        source: whose rows are rejected.

    Raises:
        SourceError: something else is there already, or the file can't be written.
    """

    def __init__(self, path: str | os.PathLike[str], source: Source) -> None:
        self.path = Path(path)
        self.rows = 0
        self._source = source
        if doubled := [name for name in REJECTS_COLUMNS if name in source.header()]:
            raise SourceError(f"{source.label}: the column {doubled[0]!r} is reserved for rejects files; rename it")
        self._refuse_foreign()

    def __enter__(self) -> Self:
        with self._failing_clearly():
            self._part = tempfile.NamedTemporaryFile(  # private: 0600
                "w",
                encoding="utf-8-sig",  # with a byte order mark, without which spreadsheets garble what is not ASCII
                errors="backslashreplace",
                newline="",
                dir=self.path.parent,
                prefix=f".{self.path.name}.",
                delete=False,
            )
            # The same delimiter, so that the corrected file is imported with the same options.
            self._writer = csv.writer(self._part, delimiter=getattr(self._source, "delimiter", ","))
            self._writer.writerow([*REJECTS_COLUMNS, *map(_escaped, self._source.header())])
        return self

    def write(self, line: int, cells: Cells, problems: Iterable[Problem]) -> None:
        """Add a row with the line on which it stood and what is wrong with it."""
        reasons = "; ".join(f"{each.column}: {each.message}" if each.column else each.message for each in problems)
        with self._failing_clearly():
            self._writer.writerow([line, _escaped(reasons), *map(_escaped, cells)])
        self.rows += 1

    def fill(self, rejected: Iterable[tuple[int, Sequence[Problem]]]) -> None:
        """Add the rejected rows, reading the source once more.

        Args:
            rejected: their lines, in ascending order, and what is wrong with each.

        Raises:
            SourceError: the source has no row on one of the lines.
        """
        lines = iter(self._source.lines())
        for line, problems in rejected:
            for number, cells in lines:
                if number == line:
                    self.write(line, cells.cells if isinstance(cells, BrokenRow) else cells, problems)
                    break
            else:
                raise SourceError(f"{self._source.label}: no row starts on line {line}")

    def __exit__(self, exception: object, *_: object) -> None:
        try:
            if exception is None and self.rows:
                self._publish()
        finally:
            with contextlib.suppress(OSError):  # a full disk fails here again
                self._part.close()
            Path(self._part.name).unlink(missing_ok=True)

    def _publish(self) -> None:
        with self._failing_clearly():
            self._part.flush()
            os.fsync(self._part.fileno())
            self._refuse_foreign()
            if os.path.lexists(self.path):
                self.path.rename(_free_name(self.path))
            # Taking the name first makes sure that what somebody else put there meanwhile is not overwritten.
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            Path(self._part.name).replace(self.path)

    def _refuse_foreign(self) -> None:
        if os.path.lexists(self.path) and not _is_ours(self.path):
            raise SourceError(f"{self.path.name}: exists already and is no rejects file; name another, or remove it")

    @contextlib.contextmanager
    def _failing_clearly(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SourceError(f"{self.path.name}: the rejects file can't be written: {error.strerror}") from error


class RejectsSource:
    """A rejects file read again: without our own columns, its cells as they were before they were escaped."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._ours = [at for at, name in enumerate(source.header()) if name in REJECTS_COLUMNS]
        self.label = source.label
        self.header_line = source.header_line
        self.delimiter = getattr(source, "delimiter", ",")

    def header(self) -> Sequence[str]:
        """Return the header of the file that was rejected in part."""
        return self._original(self._source.header())

    def lines(self) -> Iterator[tuple[int, Cells | BrokenRow]]:
        """Yield the rows with their lines in the rejects file."""
        for line, cells in self._source.lines():
            yield line, cells if isinstance(cells, BrokenRow) else self._restored(line, cells)

    def sha256(self) -> str:
        """Return the SHA-256 of the rejects file's bytes, in hex."""
        return self._source.sha256()

    def close(self) -> None:
        """Remove what was spooled."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _restored(self, line: int, cells: Sequence[Any]) -> Cells | BrokenRow:
        original = self._original(cells)
        if any(cells) and not any(original):
            message = "the row was too long to be kept here; take it from the original file, or remove this line"
            return BrokenRow(Problem(line, None, "row_not_kept", message))
        return original

    def _original(self, cells: Sequence[Any]) -> list[Any]:
        return [_unescaped(cell) for at, cell in enumerate(cells) if at not in self._ours]


def is_rejects(header: Sequence[str]) -> bool:
    """Whether a header is that of a rejects file: it has both columns of our own."""
    return set(REJECTS_COLUMNS) <= set(header)


def _escaped(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and _RISKY.match(cell) else cell


def _unescaped(cell: Any) -> Any:
    return cell[1:] if isinstance(cell, str) and _ESCAPED.match(cell) else cell


def _is_ours(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    start = codecs.BOM_UTF8 + REJECTS_COLUMNS[0].encode()
    with path.open("rb") as file:
        return file.read(len(start)) == start


def _free_name(path: Path) -> Path:
    names = (path.with_name(f"{path.stem}.{number}{path.suffix}") for number in itertools.count(1))
    return next(name for name in names if not os.path.lexists(name))
