"""The sheets of a book, as sources: which of them is meant, where its header stands, what lies beside it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Protocol

from safe_import.conf import conf
from safe_import.errors import SourceError, UsageError
from safe_import.records import Problem
from safe_import.sources.base import BadCell, BrokenRow, ByteFile, Cells, FileSource
from safe_import.spelling import did_you_mean, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SheetRow = tuple[int, "Mapping[int, Any]"]


class Book(Protocol):
    """The sheets of a file, whatever its format."""

    def sheets(self) -> Mapping[str, bool]:
        """Return the names of the sheets, and whether each is shown."""

    def rows(self, sheet: str) -> Iterator[SheetRow]:
        """Yield the rows of a sheet that hold something: line and {column: value}, both from 1, in ascending order."""

    def close(self) -> None:
        """Remove what was spooled."""


class SheetSource(FileSource):
    """One sheet. The first row that holds something is the header; rows and columns before it may be blank.

    Args:
        file: the bytes; closed with this source.
        book: what reads them; closed with this source.
        sheet: its name; needed when several sheets hold something.

    Raises:
        SourceError: the sheet has no header that could be read, or it is not clear which sheet is meant.
        UsageError: there is no sheet of that name.
    """

    rejects_suffix = ".xlsx"  # which keeps dates and numbers what they are

    def __init__(self, file: ByteFile, book: Book, sheet: str | None) -> None:
        super().__init__(file)
        self._book = book
        try:
            self._sheet = self._only_filled() if sheet is None else self._named(sheet)
            self.header_line, cells = self._first_row()
            self._first, self._last = min(cells), max(cells)
            self._require_possible_header()
            self._header = [self._header_cell(at, cells.get(at)) for at in range(self._first, self._last + 1)]
        except BaseException:
            book.close()
            raise

    def header(self) -> Sequence[str]:
        """Return the cells of the header, as the file spells them."""
        return self._header

    def lines(self) -> Iterator[tuple[int, Cells | BrokenRow]]:
        """Yield every row below the header with its line."""
        columns, limit = range(self._first, self._last + 1), conf().MAX_COLUMNS
        too_many = f"more than {limit:,} cells (SAFE_IMPORT MAX_COLUMNS)"
        for line, cells in self._book.rows(self._sheet):
            if line <= self.header_line:
                continue
            if len(cells) > limit:
                yield line, BrokenRow(Problem(line, None, "too_many_cells", too_many))
                continue
            row = [cells.get(at) for at in columns]
            if len(row) - row.count(None) == len(cells):
                yield line, row
            else:
                yield line, self._with_cells_outside(line, row, cells)

    def close(self) -> None:
        """Remove what was spooled."""
        self._book.close()
        super().close()

    def _with_cells_outside(self, line: int, row: list[Any], cells: Mapping[int, Any]) -> Cells | BrokenRow:
        outside = [at for at in cells if not self._first <= at <= self._last and not _is_blank(cells[at])]
        if not outside:
            return row
        message = f"column {column_name(outside[0])} has a value, but no header; name the column or clear the cell"
        return BrokenRow(Problem(line, None, "outside_header", message), [*row, cells[outside[0]]])

    def _require_possible_header(self) -> None:
        limit = conf().MAX_COLUMNS
        if self._last - self._first >= limit:
            raise SourceError(f"{self.label}: more than {limit:,} columns (SAFE_IMPORT MAX_COLUMNS)")

    def _named(self, sheet: str) -> str:
        names = self._book.sheets()
        if sheet not in names:
            hint = did_you_mean(sheet, names) or f"it has {listed(names)}"
            raise UsageError(f"{self.label}: no sheet is called {sheet!r}; {hint}")
        return sheet

    def _only_filled(self) -> str:
        filled = [name for name, shown in self._book.sheets().items() if shown and self._holds_something(name)]
        if not filled:
            raise SourceError(f"{self.label}: the file is empty")
        if len(filled) > 1:
            raise SourceError(f"{self.label}: several sheets hold something ({listed(filled)}); name one (--sheet)")
        return filled[0]

    def _holds_something(self, sheet: str) -> bool:
        return any(not _is_blank(value) for _, cells in self._book.rows(sheet) for value in cells.values())

    def _first_row(self) -> SheetRow:
        for line, cells in self._book.rows(self._sheet):
            if filled := {at: value for at, value in cells.items() if not _is_blank(value)}:
                return line, filled
        raise SourceError(f"{self.label}: sheet {self._sheet!r} is empty")

    def _header_cell(self, at: int, value: Any) -> str:
        if isinstance(value, BadCell):
            place = f"{self.label}, line {self.header_line}, column {column_name(at)}"
            raise SourceError(f"{place}: the header can't be read: {value.message}")
        if isinstance(value, (dt.date, dt.time)):
            return value.isoformat()
        return "" if value is None else str(value)


def column_name(number: int) -> str:
    """Return the letters by which spreadsheets call a column."""
    letters = ""
    while number:
        number, letter = divmod(number - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters


def _is_blank(value: Any) -> bool:
    return isinstance(value, str) and not value.strip()
