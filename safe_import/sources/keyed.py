"""Rows that name their values, as JSON and YAML have them. Their header is every name that some row has."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Any

from safe_import import strict_json
from safe_import.conf import conf
from safe_import.errors import SourceError
from safe_import.records import Problem
from safe_import.sources.base import BrokenRow, ByteFile, Cells, FileSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Document = dict[str, Any]


class KeyedSource(FileSource, abc.ABC):
    """A file of rows {name: value}. A name that a row does not have counts as blank there.

    Subclasses call ``_read_header`` once they can read.
    """

    header_line = 0  # there is none; messages leave it out

    def __init__(self, file: ByteFile) -> None:
        super().__init__(file)
        self._header: list[str] = []

    def header(self) -> Sequence[str]:
        """Return the names of all rows, in the order in which they are met."""
        return self._header

    def lines(self) -> Iterator[tuple[int, Cells | BrokenRow]]:
        """Yield every row with its line, or its number where the format has no lines."""
        limit = conf().MAX_CELL_LENGTH
        for line, row in self._documents():
            if isinstance(row, BrokenRow):
                yield line, row
            elif any(_holds_longer(value, limit) for value in row.values()):
                message = f"a value is longer than {limit:,} characters (SAFE_IMPORT MAX_CELL_LENGTH)"
                yield line, BrokenRow(Problem(line, None, "cell_too_long", message))
            else:
                yield line, [row.get(name) for name in self._header]

    @abc.abstractmethod
    def _documents(self) -> Iterator[tuple[int, Document | BrokenRow]]:
        """Yield every row of the file with its line."""

    def _read_header(self) -> None:
        limit, names = conf().MAX_COLUMNS, dict[str, None]()
        empty = True
        for _, row in self._documents():
            empty = False
            if not isinstance(row, BrokenRow):
                names |= _names(row)
            if len(names) > limit:
                raise SourceError(f"{self.label}: more than {limit:,} columns (SAFE_IMPORT MAX_COLUMNS)")
        if empty:
            raise SourceError(f"{self.label}: the file holds no rows")
        self._header = list(names)


def _holds_longer(value: Any, limit: int) -> bool:
    """Whether a value is a text beyond the limit, or has one in it."""
    if isinstance(value, dict | list):
        return any(isinstance(part, str) and len(part) > limit for part in strict_json.parts(value))
    return isinstance(value, str) and len(value) > limit


def _names(row: Mapping[str, Any]) -> dict[str, None]:
    return dict.fromkeys(row)
