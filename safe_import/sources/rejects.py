"""The file of rejected rows: their original cells, the line and the reasons. Corrected, it is imported as it is.

The columns of our own come first, so that a row keeps its original cells behind them however few or many they are: what
was rejected as too short or too long is so again when nobody corrected it. See ``escaping`` for what is in the cells.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Self

from safe_import.errors import SourceError
from safe_import.records import Problem
from safe_import.sources.base import BrokenRow, Cells
from safe_import.sources.compressed import name_inside
from safe_import.sources.escaping import as_value
from safe_import.sources.table_file import TableFile
from safe_import.sources.table_formats import CellTooLong

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Sequence

    from safe_import.sources.base import Source

_LINE, _REASON, _RUN = REJECTS_COLUMNS = ("safe_import_line", "safe_import_reason", "safe_import_run")
_RUN_ID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}").fullmatch


class RejectsFile:
    """A rejects file under way. It appears under its name, complete, when the block ends without an exception.

    An earlier rejects file of that name is kept under another (``rejects.1.csv``); any other file is never touched.

    Args:
        path: where to write, xlsx or csv by its suffix; the file is readable and writable by its owner alone.
        source: whose rows are rejected.
        run: the id of the run that rejects them.

    Raises:
        SourceError: something else is there already, or the file can't be written.
    """

    def __init__(self, path: str | os.PathLike[str], source: Source, run: str = "") -> None:
        self.rows = 0
        self._source, self._run = source, run
        header = source.header()
        if doubled := [name for name in REJECTS_COLUMNS if name in header]:
            raise SourceError(f"{source.label}: the column {doubled[0]!r} is reserved for rejects files; rename it")
        # The same delimiter, so that the corrected file is imported with the same options.
        delimiter = getattr(source, "delimiter", ",")
        self._file = TableFile(path, "rejects file", [*REJECTS_COLUMNS, *header], delimiter)
        if self._file.path.suffix.lower() in (".html", ".htm"):
            raise SourceError(f"{self._file.path.name}: a rejects file is imported again; name a .csv or .xlsx file")

    def __enter__(self) -> Self:
        self._file.__enter__()
        return self

    def write(self, line: int, cells: Cells, problems: Iterable[Problem]) -> None:
        """Add a row with the line on which it stood and what is wrong with it."""
        reasons = "; ".join(f"{each.column}: {each.message}" if each.column else each.message for each in problems)
        ours = [line, reasons, self._run]
        try:
            self._file.write([*ours, *cells])
        except CellTooLong:
            self._file.write(ours)  # read again, this is an error that says so
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

    def __exit__(self, *exception: object) -> None:
        self._file.keep = self.rows > 0
        self._file.__exit__(*exception)


class RejectsSource:
    """A rejects file read again: without our own columns, its cells as they were before they were escaped.

    Attributes:
        parent_run: the id of the run that rejected the rows; empty when the file does not tell.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        header = source.header()
        self._ours = [at for at, name in enumerate(header) if name in REJECTS_COLUMNS]
        self.label = source.label
        self.header_line = source.header_line
        self.delimiter = getattr(source, "delimiter", ",")
        self.rejects_suffix = _suffix(source)
        self.parent_run = self._found_run(header.index(_RUN)) if _RUN in header else ""

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

    def _found_run(self, column: int) -> str:
        for _, cells in self._source.lines():
            if not isinstance(cells, BrokenRow) and len(cells) > column and _RUN_ID(str(cells[column])):
                return str(cells[column])
        return ""

    def _restored(self, line: int, cells: Sequence[Any]) -> Cells | BrokenRow:
        original = self._original(cells)
        if any(cells) and not any(original):
            message = "the row was too long to be kept here; take it from the original file, or remove this line"
            return BrokenRow(Problem(line, None, "row_not_kept", message))
        return original

    def _original(self, cells: Sequence[Any]) -> list[Any]:
        rest = [cell for at, cell in enumerate(cells) if at not in self._ours]
        return [as_value(cell) if isinstance(cell, str) else cell for cell in rest]


def is_rejects(header: Sequence[str]) -> bool:
    """Whether a header is that of a rejects file: it has the columns of our own that every one has."""
    return {_LINE, _REASON} <= set(header)


def default_name(source: Source) -> str:
    """Return the name of a rejects file for a source, where the user gives none."""
    return f"{PurePath(name_inside(source.label)).stem}.rejects{_suffix(source)}"


def _suffix(source: Source) -> str:
    return getattr(source, "rejects_suffix", ".csv")


def parent_run(source: Source) -> str:
    """Return the id of the run that rejected the rows of a source; empty for any other source."""
    return getattr(source, "parent_run", "")
