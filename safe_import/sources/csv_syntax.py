"""The syntax of delimited text: from characters to rows of cells.

# Note [Own csv parser]

Python's csv module takes ``"a"b`` for ``ab``, lets one forgotten quote swallow the rest of the file, tells the line on
which a row ends instead of where it starts, and limits cells by a setting of the whole process. All four matter here,
and what is in order (nearly all lines are) needs no more than ``str.split``, which is faster; see Note [Shielded].

A row whose quotes are wrong is reported on its own line. Reading resumes on the line below it, not behind whatever the
open quote has swallowed.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, TextIO

from safe_import.records import Problem
from safe_import.sources.base import BrokenRow
from safe_import.sources.csv_columns import rectangle_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from safe_import.sources.base import Block, Cells, Rectangle

DELIMITERS = ",;\t|"
_BLOCK = 2**15  # characters that are read at a time
CELLS_A_ROW = 16  # a row may be as long as that many of the longest cells, which bounds the memory
_SOME = 100  # rows that are kept at a time, where they are looked at one by one
_TOO_LONG = "a line that is too long"  # stands for a line that is too long to be kept; recognised by identity
_QUOTED = re.compile('"[^"]*"?')


@dataclass(frozen=True, slots=True)
class Limits:
    """``MAX_CELL_LENGTH`` and ``MAX_COLUMNS``."""

    cell_length: int
    columns: int

    @property
    def row_length(self) -> int:
        return self.cell_length * CELLS_A_ROW


class _Lines:
    """The physical lines of a text, numbered from 1. Lines can be put back."""

    def __init__(self, text: TextIO, longest: int) -> None:
        self._text, self._longest = text, longest
        self._again: list[tuple[io.StringIO, int, bool]] = []
        self.number = 0

    def next(self) -> str:
        """Return the next line with its end; nothing at the end of the text, ``_TOO_LONG`` for what can't be kept."""
        line = self._put_back_before() or self._text.readline(self._longest)
        self.number += bool(line)
        if len(line) < self._longest or line.endswith(("\n", "\r")):
            return line
        while (rest := self._text.readline(self._longest)) and not rest.endswith(("\n", "\r")):
            pass
        return _TOO_LONG

    def block(self) -> str:
        """Return some of the lines below, the last one perhaps cut short where it is too long; nothing at the end."""
        block = self._text.read(_BLOCK)
        while block and not block.endswith("\n"):
            rest = self._text.readline(self._longest)
            block += rest
            if not rest or len(rest) == self._longest:
                break
        return block

    def put_back(self, lines: io.StringIO, number: int, *, and_too_long: bool = False) -> None:
        """Give the lines below line ``number`` once more, and after them one that could not be kept."""
        self._again.append((lines, lines.seek(0, io.SEEK_END), and_too_long))
        lines.seek(0)
        self.number = number

    @property
    def holds_back(self) -> bool:
        """Whether lines that were put back are still to come."""
        return any(and_too_long or lines.tell() < end for lines, end, and_too_long in self._again)

    def _put_back_before(self) -> str:
        while self._again:
            lines, _, and_too_long = self._again[-1]
            if line := lines.readline():
                return line
            self._again.pop()
            if and_too_long:
                return _TOO_LONG
        return ""


class Rows:
    """The rows of a text, the header being the first of them.

    Args:
        text: opened with ``newline=""``.
        delimiter: one character.
        limits: what a row may hold at most.
    """

    def __init__(self, text: TextIO, delimiter: str, limits: Limits) -> None:
        self._lines = _Lines(text, limits.row_length)
        self._limits = limits
        self._delimiter = delimiter

    def __iter__(self) -> Iterator[tuple[int, Cells | BrokenRow]]:
        """Yield the rows with the line on which each starts; lines without text are no rows."""
        for block in self.blocks():
            yield from block

    def blocks(self) -> Iterator[Block]:
        """Yield the same many at a time."""
        if self._limits.cell_length < _BLOCK:
            yield from _some_at_a_time(self._one_by_one())
        while block := self._lines.block():
            if rectangle := self._at_once(block):
                yield rectangle
            else:
                yield from _some_at_a_time(self._one_by_one(block))

    def _at_once(self, block: str) -> Rectangle | None:
        """All rows of some lines; None where one of them needs a look of its own."""
        if len(block) > self._limits.cell_length:
            return None
        text = block if block.endswith("\n") else block + "\n"
        rows = rectangle_of(text, self._delimiter, self._lines.number + 1)
        if rows is None or len(rows.columns) > self._limits.columns:
            return None
        self._lines.number += text.count("\n")
        return rows

    def _one_by_one(self, block: str = "") -> Iterator[tuple[int, Cells | BrokenRow]]:
        """The rows that begin in a block of lines; those of the whole text unless one is given."""
        if block:
            self._lines.put_back(io.StringIO(block, newline=""), self._lines.number)
        while line := self._lines.next():
            if not line.isspace():
                start = self._lines.number
                yield start, self._row(start, line)
            if block and not self._lines.holds_back:
                return

    def _row(self, start: int, line: str) -> list[str] | BrokenRow:
        if line is _TOO_LONG:
            message = f"the row is longer than {CELLS_A_ROW} times SAFE_IMPORT MAX_CELL_LENGTH"
            return BrokenRow(Problem(start, None, "row_too_long", message))
        if '"' in line:
            return self._quoted(start, line)
        text = _without_end(line)
        return self._within_limits(start, text, text.split(self._delimiter))

    def _quoted(self, start: int, line: str) -> list[str] | BrokenRow:
        """The cells of a row that has quotes, and may go on over several lines."""
        below, open_quote = io.StringIO(newline=""), line.count('"') % 2
        while open_quote:
            more = self._lines.next()
            kept = more if more is not _TOO_LONG else ""
            below.write(kept)
            if not kept or len(line) + below.tell() > self._limits.row_length:
                self._lines.put_back(below, start, and_too_long=more is _TOO_LONG)
                return self._broken(start, line, 0)
            open_quote ^= more.count('"') % 2
        text = _without_end(line + below.getvalue())
        cells = _cells(text, self._delimiter)
        if isinstance(cells, list):
            return self._within_limits(start, text, cells)
        several_lines = below.tell() > 0
        self._lines.put_back(below, start)
        return self._broken(start, line, 0 if several_lines else cells)

    @staticmethod
    def _broken(start: int, line: str, cell: int) -> BrokenRow:
        code, message = "unbalanced_quote", "a quote is opened here and not closed where a cell ends; close it"
        if cell:
            code = "misplaced_quote"
            message = f"cell {cell} has text beside its quotes; double the quotes inside, and put the cell in quotes"
        return BrokenRow(Problem(start, None, code, message), (_without_end(line),))

    def _within_limits(self, start: int, text: str, cells: list[str]) -> list[str] | BrokenRow:
        if len(cells) > self._limits.columns:
            message = f"more than {self._limits.columns:,} cells (SAFE_IMPORT MAX_COLUMNS)"
            return BrokenRow(Problem(start, None, "too_many_cells", message))
        if len(text) > self._limits.cell_length and max(map(len, cells)) > self._limits.cell_length:
            message = f"a cell is longer than {self._limits.cell_length:,} characters (SAFE_IMPORT MAX_CELL_LENGTH)"
            return BrokenRow(Problem(start, None, "cell_too_long", message))
        if "\0" in text:
            return BrokenRow(Problem(start, None, "nul_byte", "the row holds a NUL byte; remove it"), cells)
        return cells


def _some_at_a_time(rows: Iterator[tuple[int, Cells | BrokenRow]]) -> Iterator[Block]:
    while some := list(islice(rows, _SOME)):
        yield some


def sniffed(header: str) -> str | None:
    """Return the mark that stands most often outside the quotes of a header; None when two stand as often.

    A header with none of them is a single column.
    """
    bare = _QUOTED.sub("", header)
    ranked = sorted(((bare.count(mark), mark) for mark in DELIMITERS), reverse=True)
    if ranked[0][0] == 0:
        return DELIMITERS[0]
    return ranked[0][1] if ranked[0][0] > ranked[1][0] else None


def _without_end(text: str) -> str:
    return text[:-2] if text.endswith("\r\n") else text[:-1] if text.endswith(("\n", "\r")) else text


def _cells(text: str, delimiter: str) -> list[str] | int:
    """The cells of a row with quotes, or the number of the first cell that has text beside its quotes."""
    text = delimiter + text
    cell, well_formed = _patterns(delimiter)
    end = well_formed.match(text).end()  # type: ignore[union-attr]  # matches the empty text, too
    if end < len(text):
        return len(cell.findall(text, 0, end)) + (text[end] == delimiter)
    return [quoted.replace('""', '"') or bare for quoted, bare in cell.findall(text)]


@lru_cache(maxsize=16)
def _patterns(delimiter: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    mark = re.escape(delimiter)
    quoted, bare = r'[^"]*+(?:""[^"]*+)*+', rf'[^"{mark}]*+'
    cell = rf'{mark}(?:"({quoted})"|({bare}))'
    well_formed = rf'(?:{mark}(?:"{quoted}"|{bare}(?!")))*+'
    return re.compile(cell), re.compile(well_formed)
