"""Excel's format before 2007. It is read as a whole, so its size is limited."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Any

import xlrd

from safe_import.conf import conf
from safe_import.errors import SourceError
from safe_import.sources.compound_file import CompoundFile
from safe_import.sources.sheet_values import FAILED, moment, settled, too_long
from safe_import.sources.whole_file import read_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from safe_import.sources.base import ByteFile
    from safe_import.sources.sheets import SheetRow

_STREAMS = ("Workbook", "Book")  # the name before 1997
_COLUMNS = 256
# Records that are cells: row and column are the first two numbers of each.
_CELLS = {0x0006, 0x0206, 0x0406, 0x0201, 0x0203, 0x0204, 0x0205, 0x027E, 0x00FD, 0x00D6, 0x00BD, 0x00BE}
_SEVERAL_CELLS = {0x00BD, 0x00BE}  # of these the last number is the last column
_OF_SHEETS_OF_1987 = {0x0001, 0x0002, 0x0003, 0x0004, 0x0005}


class XlsBook:
    """The sheets of an xls file.

    Args:
        file: its bytes.

    Raises:
        SourceError: it is damaged, protected by a password, or larger than ``MAX_WHOLE_FILE_SIZE``.
    """

    def __init__(self, file: ByteFile) -> None:
        content = read_whole(file)
        self._limit = conf().MAX_CELL_LENGTH
        try:
            records = _workbook(content)
            _require_possible_columns(records)
            # ragged_rows: one cell in the farthest corner must not make a cell of every place before it.
            self._book = xlrd.open_workbook(file_contents=records, logfile=io.StringIO(), ragged_rows=True)
            self._sheets = {sheet.name: sheet for sheet in self._book.sheets()}
        except Exception as error:  # xlrd raises whatever it stumbles over
            reason = "the file is damaged, or protected by a password; save it as xlsx without one"
            raise SourceError(f"{file.label}: {reason}") from error

    def sheets(self) -> Mapping[str, bool]:
        """Return the names of the sheets, and whether each is shown."""
        return {name: sheet.visibility == 0 for name, sheet in self._sheets.items()}

    def rows(self, sheet: str) -> Iterator[SheetRow]:
        """Yield the rows of a sheet that hold something."""
        found = self._sheets[sheet]
        for line in range(found.nrows):
            values, types = found.row_values(line), found.row_types(line)
            pairs = enumerate(zip(values, types, strict=True), 1)
            cells = {at: self._value(value, kind) for at, (value, kind) in pairs if value != ""}
            if cells:
                yield line + 1, cells

    def close(self) -> None:
        """Nothing is spooled."""

    def _value(self, value: Any, kind: int) -> Any:
        if kind == xlrd.XL_CELL_ERROR:
            return FAILED
        if kind == xlrd.XL_CELL_BOOLEAN:
            return bool(value)
        if kind == xlrd.XL_CELL_DATE:
            return moment(value, since_1904=self._book.datemode == 1)
        if kind == xlrd.XL_CELL_NUMBER:
            return settled(value)
        return too_long(self._limit) if len(value) > self._limit else value


def _workbook(content: bytes) -> bytes:
    """The records of the workbook."""
    streams = CompoundFile(content)
    return streams.stream(next(name for name in _STREAMS if name in streams.names))


def _require_possible_columns(records: bytes) -> None:
    """Refuses a cell in a column that no sheet has: xlrd would make all the cells before it, in every row."""
    at = 0
    while at + 4 <= len(records):
        code, length = struct.unpack_from("<HH", records, at)
        if code in _OF_SHEETS_OF_1987:
            raise ValueError("a sheet without a workbook")
        if code in _CELLS and length >= 4:
            last = at + 4 + (length - 2 if code in _SEVERAL_CELLS else 2)
            if max(struct.unpack_from("<H", records, at + 6) + struct.unpack_from("<H", records, last)) >= _COLUMNS:
                raise ValueError("no sheet has such a column")
        at += 4 + length
