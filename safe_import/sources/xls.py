"""Excel's format before 2007. It is read as a whole, so its size is limited."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import xlrd

from safe_import.conf import conf
from safe_import.errors import SourceError
from safe_import.sources.sheet_values import FAILED, moment, settled, too_long
from safe_import.sources.whole_file import read_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from safe_import.sources.base import ByteFile
    from safe_import.sources.sheets import SheetRow


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
            # ragged_rows: one cell in the farthest corner must not make a cell of every place before it.
            self._book = xlrd.open_workbook(file_contents=content, logfile=io.StringIO(), ragged_rows=True)
            self._sheets = {sheet.name: sheet for sheet in self._book.sheets()}
        except Exception as error:
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
