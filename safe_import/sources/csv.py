"""Delimited text: csv, tsv and their like."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import takewhile
from typing import TYPE_CHECKING

from safe_import.conf import conf
from safe_import.errors import SourceError, UsageError
from safe_import.sources.base import Block, BrokenRow, ByteFile, Cells, FileSource
from safe_import.sources.csv_syntax import DELIMITERS, Limits, Rows, sniffed
from safe_import.sources.text_file import TextFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class CsvSource(FileSource):
    """A file of delimited text, read in constant memory.

    Args:
        file: the bytes; closed with this source.
        encoding: UTF-8 unless given. A byte order mark in the file wins over it.
        delimiter: one character, or ``tab``; found in the header unless given.

    Raises:
        SourceError: the file can't be decoded, or has no header that could be read.
        UsageError: there is no such encoding, or the delimiter is not one character.
    """

    def __init__(self, file: ByteFile, *, encoding: str | None = None, delimiter: str | None = None) -> None:
        super().__init__(file)
        self._text = TextFile(file, encoding)
        self.delimiter = self._sniffed() if delimiter is None else _one_mark(delimiter)
        self.header_line, self._header = self._read_header()

    def header(self) -> Sequence[str]:
        """Return the cells of the header, as the file spells them."""
        return self._header

    def lines(self) -> Iterator[tuple[int, Cells | BrokenRow]]:
        """Yield every row below the header with the line on which it starts."""
        for block in self.blocks():
            yield from block

    def blocks(self) -> Iterator[Block]:
        """Yield the same many at a time."""
        with self._reading() as rows:
            for block in rows.blocks():
                above = sum(1 for _ in takewhile(lambda row: row[0] <= self.header_line, block))
                yield block[above:]

    @contextmanager
    def _reading(self) -> Iterator[Rows]:
        limits = Limits(conf().MAX_CELL_LENGTH, conf().MAX_COLUMNS)
        with self._text.reading() as text:
            yield Rows(text, self.delimiter, limits)

    def _read_header(self) -> tuple[int, Sequence[str]]:
        with self._reading() as rows:
            for line, cells in rows:
                if isinstance(cells, BrokenRow):
                    raise SourceError(f"{self.label}, line {line}: the header can't be read: {cells.problem.message}")
                if any(cell.strip() for cell in cells):
                    return line, cells
        raise SourceError(f"{self.label}: the file is empty")

    def _sniffed(self) -> str:
        """The delimiter of the header."""
        limits = Limits(conf().MAX_CELL_LENGTH, conf().MAX_COLUMNS)
        with self._text.reading() as text:
            while (line := text.readline(limits.row_length)).isspace():
                pass
        found = sniffed(line)
        if found is None:
            raise SourceError(f"{self.label}: the delimiter is not clear from the header; name it (--delimiter)")
        return found


def _one_mark(delimiter: str) -> str:
    mark = "\t" if delimiter.lower() in {"tab", "\\t"} else delimiter
    if len(mark) != 1 or mark in '"\r\n\0':
        usual = ", ".join(repr(each) for each in DELIMITERS)
        raise UsageError(f"A delimiter is one character ({usual} or another, or the word tab), and no quote.")
    return mark
