"""Tables for people: csv, xlsx and html, written row by row in constant memory."""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import html
import io
import re
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from safe_import.errors import SourceError
from safe_import.sources.escaping import as_text

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROWS, _CHARACTERS = 1_048_576, 32_767  # as many as a spreadsheet holds
_EXACT = 2**53  # a spreadsheet holds whole numbers below it
_SINCE = dt.date(1900, 3, 1)  # dates before it mean different days to different programs
_NOT_IN_XML = re.compile("_(?=x[0-9A-Fa-f]{4}_)|[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")


class TableWriter(Protocol):
    """Writes the rows of a table, the header being the first of them."""

    def write(self, cells: Sequence[Any]) -> None:
        """Add a row."""

    def finish(self) -> None:
        """Write what is held."""

    def abandon(self) -> None:
        """Forget what is held."""


class CsvWriter:
    """Delimited text. With a byte order mark, without which spreadsheets garble what is not ASCII."""

    def __init__(self, stream: BinaryIO, delimiter: str) -> None:
        self._text = io.TextIOWrapper(stream, "utf-8-sig", errors="backslashreplace", newline="", write_through=True)
        self._writer = csv.writer(self._text, delimiter=delimiter)

    def write(self, cells: Sequence[Any]) -> None:
        self._writer.writerow(map(as_text, cells))

    def finish(self) -> None:
        self._text.detach()

    def abandon(self) -> None:
        with contextlib.suppress(OSError):  # a full disk fails here again
            self._text.detach()


class XlsxWriter:
    """A sheet. What its numbers and dates can't hold exactly stands there as text."""

    def __init__(self, stream: BinaryIO, mark: str) -> None:
        self._stream, self._rows = stream, 0
        self._book = Workbook(write_only=True)
        self._book.properties.creator = mark
        self._sheet = self._book.create_sheet("Sheet1")

    def write(self, cells: Sequence[Any]) -> None:
        self._rows += 1
        if self._rows > _ROWS:
            raise SourceError(f"more rows than the {_ROWS:,} that a sheet holds; name a file that ends in .csv")
        self._sheet.append([self._cell(value) for value in cells])

    def finish(self) -> None:
        self._book.save(self._stream)

    def abandon(self) -> None:
        with contextlib.suppress(OSError):
            self._sheet.close()
            self._sheet._writer.cleanup()  # its own temporary file, which would stay until the process ends

    def _cell(self, value: Any) -> Any:
        if value is None or isinstance(value, bool) or _is_exact_number(value) or _is_exact_date(value):
            return value
        text = as_text(value)
        if len(text) > _CHARACTERS:
            raise CellTooLong
        cell = WriteOnlyCell(self._sheet)
        # Not through the property: it takes texts for formulas and errors, and cuts the long ones.
        cell._value, cell.data_type = _NOT_IN_XML.sub(_as_escape, text), "s"  # type: ignore[attr-defined]
        return cell


class HtmlWriter:
    """A page with one table."""

    def __init__(self, stream: BinaryIO, mark: str) -> None:
        self._stream, self._tag = stream, "th"
        style = "body{font:14px sans-serif}table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:2px 6px;"
        self._put(f'<!doctype html><title>{mark}</title><meta charset="utf-8">')
        self._put(f"<style>{style}text-align:left;vertical-align:top;white-space:pre-wrap}}</style><table>\n")

    def write(self, cells: Sequence[Any]) -> None:
        columns = (f"<{self._tag}>{html.escape(_shown(value))}" for value in cells)
        self._put(f"<tr>{''.join(columns)}\n")
        self._tag = "td"

    def finish(self) -> None:
        self._put("</table>\n")

    def abandon(self) -> None:
        """Nothing is held."""

    def _put(self, text: str) -> None:
        self._stream.write(text.encode(errors="backslashreplace"))


class CellTooLong(Exception):
    """A text is longer than a cell of a sheet may be."""


def begins_as_ours(start: bytes, mark: str) -> bool:
    """Whether a csv or html file that begins like this was written here, with this mark."""
    beginnings = (f"\ufeff{mark}", f"<!doctype html><title>{mark}<")
    return any(start.startswith(beginning.encode()) for beginning in beginnings)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else as_text(value)


def _is_exact_number(value: Any) -> bool:
    if not isinstance(value, int | float) or (value == int(value) and abs(value) >= _EXACT):
        return False
    return isinstance(value, int) or float(f"{value:.15g}") == value


def _is_exact_date(value: Any) -> bool:
    if isinstance(value, dt.datetime):
        return value.tzinfo is None and value.microsecond == 0 and value.date() >= _SINCE
    return isinstance(value, dt.date) and value >= _SINCE


def _as_escape(found: re.Match[str]) -> str:
    return f"_x{ord(found[0]):04X}_"
