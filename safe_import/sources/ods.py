"""LibreOffice's format.

# Note [Stored values of ods]

Cells are read from the attributes that hold what is stored. tablib gives what is shown instead (3.14 for 3.14159), the
first paragraph of several, and one cell of several equal ones that the file writes once.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

from safe_import.conf import conf
from safe_import.sources.sheet_values import (
    FAILED,
    NO_SUCH_DATE,
    NOT_CALCULATED,
    iso_moment,
    number,
    time_of_day,
    too_long,
)
from safe_import.sources.xml_stream import XmlHandler, chunks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from safe_import.sources.base import BadCell
    from safe_import.sources.sheets import SheetRow
    from safe_import.sources.zip_file import ZipParts

_CONTENT = "content.xml"
_ROWS, _COLUMNS = 1_048_576, 16_384
_DURATION = re.compile(r"PT(\d{1,9})H(\d{1,9})M(\d{1,9})(?:[.,](\d{1,9}))?S").fullmatch
_NUMBERS = ("float", "percentage", "currency")
_Run = tuple[int, int, Any]  # the first column, the one after the last, what each of them holds


class OdsBook:
    """The sheets of an ods file, in constant memory.

    Args:
        parts: the file, unpacked.

    Raises:
        SourceError: it is damaged.
    """

    def __init__(self, parts: ZipParts) -> None:
        self._parts = parts
        handler = _Content(wanted=None)
        for _ in chunks(parts, _CONTENT, handler):
            parts.limit(_CONTENT, len(handler.tables), "sheets")
            parts.limit(_CONTENT, len(handler.hidden), "styles")
        self._shown = {name: style not in handler.hidden for name, style in handler.tables.items()}

    def sheets(self) -> Mapping[str, bool]:
        """Return the names of the sheets, and whether each is shown."""
        return self._shown

    def rows(self, sheet: str) -> Iterator[SheetRow]:
        """Yield the rows of a sheet that hold something."""
        handler = _Content(wanted=sheet)
        for _ in chunks(self._parts, _CONTENT, handler):
            for line, times, runs in handler.rows:
                cells = {at: value for first, after, value in runs for at in range(first, after)}
                for repeated in range(times):
                    yield line + repeated, cells
            handler.rows.clear()

    def close(self) -> None:
        """Nothing is spooled."""


class _Content(XmlHandler):
    """Gathers the names of the tables, and the rows of the wanted one: line, how often it stands there, runs of cells.

    A few bytes may stand for all the cells of a row, so these are made when the row's turn comes.
    """

    def __init__(self, wanted: str | None) -> None:
        self.tables: dict[str, str] = {}
        self.hidden: set[str] = set()
        self.rows: list[tuple[int, int, list[_Run]]] = []
        self._wanted, self._reading = wanted, False
        self._style = ""
        self._line, self._column = 0, 0
        self._runs: list[_Run] = []
        self._cell: dict[str, str] = {}
        self._text = _Paragraphs()
        self._repeated_row = 1

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "style":
            self._style = attributes.get("style:name", "")
        elif name == "table-properties" and attributes.get("table:display") == "false":
            self.hidden.add(self._style)
        elif name == "table":
            self._begin_table(attributes)
        elif self._reading and name == "table-row":
            self._repeated_row, self._column = _repeated(attributes, "rows", _ROWS), 0
        elif self._reading and name in ("table-cell", "covered-table-cell"):
            self._cell = attributes
            self._text.begin()
        elif self._reading:
            self._text.start(name, attributes)

    def text(self, text: str) -> None:
        if self._reading:
            self._text.add(text)

    def end(self, name: str) -> None:
        if name == "table":
            self._reading = False
        elif self._reading and name == "table-row":
            self._end_row()
        elif self._reading and name in ("table-cell", "covered-table-cell"):
            self._end_cell()
        elif self._reading:
            self._text.end(name)

    def _begin_table(self, attributes: dict[str, str]) -> None:
        name = attributes.get("table:name", "")
        if self._reading or name in self.tables:
            raise ValueError("a table within a table, or two of one name")
        self.tables[name] = attributes.get("table:style-name", "")
        self._reading, self._line = name == self._wanted, 0

    def _end_row(self) -> None:
        if self._runs:
            self.rows.append((self._line + 1, self._repeated_row, self._runs))
            self._runs = []
        self._line += self._repeated_row
        if self._line > 2 * _ROWS:
            raise ValueError("too many rows")

    def _end_cell(self) -> None:
        times = _repeated(self._cell, "columns", _COLUMNS)
        value = _value(self._cell, self._text)
        if value != "":
            if self._column + times > _COLUMNS:
                raise ValueError("too many columns")
            self._runs.append((self._column + 1, self._column + times + 1, value))
        self._column += times


class _Paragraphs:
    """The text of a cell: its paragraphs, without the comments."""

    def __init__(self) -> None:
        self._limit = conf().MAX_CELL_LENGTH
        self.begin()

    def begin(self) -> None:
        self._pieces: list[str] = []
        self._length, self._paragraphs, self._depth, self._comments = 0, 0, 0, 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "annotation":
            self._comments += 1
        elif name == "p":
            self._depth += 1
            self._paragraphs += not self._comments
            if self._paragraphs > 1:
                self.add("\n")
        elif name == "s":
            self.add(" " * min(int(attributes.get("text:c", "1")), self._limit + 1))
        elif name in ("tab", "line-break"):
            self.add("\t" if name == "tab" else "\n")

    def add(self, text: str) -> None:
        if self._depth and not self._comments:
            self._length += len(text)
            if self._length <= self._limit:
                self._pieces.append(text)

    def end(self, name: str) -> None:
        if name == "annotation":
            self._comments -= 1
        elif name == "p":
            self._depth -= 1

    @property
    def shown(self) -> bool:
        """Whether there is a paragraph, be it empty."""
        return self._paragraphs > 0

    def whole(self) -> str | BadCell:
        return too_long(self._limit) if self._length > self._limit else "".join(self._pieces)

    def limited(self, text: str) -> str | BadCell:
        return too_long(self._limit) if len(text) > self._limit else text


def _repeated(attributes: Mapping[str, str], what: str, most: int) -> int:
    times = int(attributes.get(f"table:number-{what}-repeated", "1"))
    if not 1 <= times <= most:
        raise ValueError("repeated too often")
    return times


def _value(cell: Mapping[str, str], text: _Paragraphs) -> Any:
    """What a cell holds; the empty text when it is nothing."""
    kind = cell.get("office:value-type")
    if cell.get("calcext:value-type") == "error":
        return FAILED
    if kind is None or kind == "void":
        return NOT_CALCULATED if "table:formula" in cell and not text.shown else text.whole()
    if kind in _NUMBERS:
        return number(cell.get("office:value", ""))
    if kind == "date":
        return iso_moment(cell.get("office:date-value", ""))
    if kind == "time":
        return _duration(cell.get("office:time-value", ""))
    if kind == "boolean":
        return cell.get("office:boolean-value") == "true"
    return text.limited(cell.get("office:string-value", "")) or text.whole()


def _duration(text: str) -> dt.time | dt.timedelta | BadCell:
    """A time of day, or a length of time when it is a day or more."""
    if (found := _DURATION(text)) is None:
        return NO_SUCH_DATE
    hours, minutes, seconds = (int(part) for part in found.groups()[:3])
    microseconds = int((found[4] or "").ljust(6, "0")[:6])
    length = dt.timedelta(hours=hours, minutes=minutes, seconds=seconds, microseconds=microseconds)
    return time_of_day(length) if length < dt.timedelta(days=1) else length
