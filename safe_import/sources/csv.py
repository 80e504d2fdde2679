"""Delimited text: csv, tsv and their like."""

from __future__ import annotations

import codecs
import contextlib
import io
from typing import TYPE_CHECKING, BinaryIO, Self

from safe_import.conf import conf
from safe_import.errors import SourceError, UsageError
from safe_import.sources.base import BrokenRow, Cells
from safe_import.sources.csv_syntax import DELIMITERS, Limits, Rows, sniffed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from safe_import.sources.input_file import InputFile

# The longer marks first: that of UTF-32 (little endian) begins like that of UTF-16.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHUNK = 1 << 16


class CsvSource:
    """A file of delimited text, read in constant memory.

    Args:
        file: the bytes; closed with this source.
        encoding: UTF-8 unless given. A byte order mark in the file wins over it.
        delimiter: one character, or ``tab``; found in the header unless given.

    Raises:
        SourceError: the file can't be decoded, or has no header that could be read.
        UsageError: there is no such encoding, or the delimiter is not one character.
    """

    def __init__(self, file: InputFile, *, encoding: str | None = None, delimiter: str | None = None) -> None:
        self._file = file
        self.label = file.label
        self._encoding = _encoding(file.head(4), encoding)
        self.delimiter = self._sniffed() if delimiter is None else _one_mark(delimiter)
        self.header_line, self._header = self._read_header()

    def header(self) -> Sequence[str]:
        """Return the cells of the header, as the file spells them."""
        return self._header

    def lines(self) -> Iterator[tuple[int, Cells | BrokenRow]]:
        """Yield every row below the header with the line on which it starts."""
        rows = self._rows()
        next(rows, None)
        return rows

    def sha256(self) -> str:
        """Return the SHA-256 of the file's bytes, in hex."""
        return self._file.sha256()

    def close(self) -> None:
        """Remove what was spooled."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _rows(self) -> Iterator[tuple[int, list[str] | BrokenRow]]:
        limits = Limits(conf().MAX_CELL_LENGTH, conf().MAX_COLUMNS)
        with self._file.reading() as binary:
            text = _decoded(binary, self._encoding)  # held here: it closes the file when it is gone
            try:
                yield from Rows(text, self.delimiter, limits)
            except UnicodeError as error:
                raise self._undecodable() from error

    def _read_header(self) -> tuple[int, list[str]]:
        for line, cells in self._rows():
            if isinstance(cells, BrokenRow):
                raise SourceError(f"{self.label}, line {line}: the header can't be read: {cells.problem.message}")
            return line, cells
        raise SourceError(f"{self.label}: the file is empty")

    def _sniffed(self) -> str:
        """The delimiter of the header."""
        limits = Limits(conf().MAX_CELL_LENGTH, conf().MAX_COLUMNS)
        with self._file.reading() as binary:
            text = _decoded(binary, self._encoding)
            try:
                while (line := text.readline(limits.row_length)).isspace():
                    pass
            except UnicodeError as error:
                raise self._undecodable() from error
        found = sniffed(line)
        if found is None:
            raise SourceError(f"{self.label}: the delimiter is not clear from the header; name it (--delimiter)")
        return found

    def _undecodable(self) -> SourceError:
        """The error for bytes that are no text; finds out where they are."""
        with self._file.reading() as binary:
            line, offset = _first_undecodable(binary, self._encoding)
        name = self._encoding.removesuffix("-sig").upper()
        return SourceError(
            f"{self.label}, line {line}, byte {offset}: not {name}; name the encoding of the file (--encoding)"
        )


def _encoding(head: bytes, named: str | None) -> str:
    """The encoding of a file that begins with these bytes."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return encoding
    with contextlib.suppress(UnicodeError):
        try:
            b"a".decode(named or "utf-8")  # refuses codecs that do not make text, too
        except LookupError:
            raise UsageError(f"There is no text encoding called {named!r}.") from None
    return codecs.lookup(named or "utf-8").name


def _one_mark(delimiter: str) -> str:
    mark = "\t" if delimiter.lower() in {"tab", "\\t"} else delimiter
    if len(mark) != 1 or mark in '"\r\n\0':
        usual = ", ".join(repr(each) for each in DELIMITERS)
        raise UsageError(f"A delimiter is one character ({usual} or another, or the word tab), and no quote.")
    return mark


def _decoded(binary: BinaryIO, encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(binary, encoding, errors="strict", newline="")


def _first_undecodable(binary: BinaryIO, encoding: str) -> tuple[int, int]:
    """The line (from 1) and the offset in bytes (from 0) of the first bytes that are no text."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line, consumed = 1, 0
    while True:
        chunk = binary.read(_CHUNK)
        pending = len(decoder.getstate()[0])
        try:
            line += decoder.decode(chunk, final=not chunk).count("\n")
        except UnicodeDecodeError as error:
            before = error.object[: error.start].decode(error.encoding, "ignore")
            return line + before.count("\n"), consumed - pending + error.start
        except UnicodeError:  # of a codec that does not say where
            return line, consumed
        if not chunk:
            return line, consumed
        consumed += len(chunk)
