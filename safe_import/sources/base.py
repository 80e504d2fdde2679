"""What every source of rows offers to the stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from safe_import.records import Problem

Cells = Sequence[Any]


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row that can't be told apart into cells. ``cells`` holds what a rejects file can show of it."""

    problem: Problem
    cells: Cells = ()


@dataclass(frozen=True, slots=True)
class BadCell:
    """Stands in the place of a cell that has no value to go on with, such as a formula that failed.

    Args:
        code: stable, for programs.
        message: reason and remedy.
    """

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Some rows of one width, column by column.

    Args:
        numbers: the line on which each row starts.
        columns: the cells, one a row in each.
    """

    numbers: Sequence[int]
    columns: Sequence[Sequence[Any]]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, part: slice) -> Rectangle:
        return Rectangle(self.numbers[part], [column[part] for column in self.columns])

    def __iter__(self) -> Iterator[tuple[int, Cells]]:
        """The same row by row."""
        return zip(self.numbers, map(list, zip(*self.columns, strict=True)), strict=True)


class ByteFile(Protocol):
    """The bytes of a source, which can be read again and again."""

    @property
    def label(self) -> str:
        """The name of the file, for messages."""

    def reading(self) -> AbstractContextManager[BinaryIO]:
        """Open the file for one pass."""

    def head(self, length: int) -> bytes:
        """Return the first bytes."""

    def sha256(self) -> str:
        """Return the SHA-256 of the file's bytes, in hex."""

    def close(self) -> None:
        """Remove what was spooled."""


Block = Rectangle | list[tuple[int, Cells | BrokenRow]]


class Source(Protocol):
    """A header and lines of cells, in constant memory. Every call of ``lines`` starts anew.

    A source owns what it has opened; use it as a context manager. Whatever is wrong with the file as a whole is a
    ``SourceError``, raised when the source is opened or while its lines are read.

    A project that knows another format names it in ``SAFE_IMPORT["FORMATS"]``, or hands an object of this shape to
    ``run_import``. One whose rows a line does not lead to also has a method ``place(line)``, which says in words where
    the row is; its messages end with that. One that has many rows at hand at a time may have a method ``blocks()`` as
    well: what ``lines`` yields, many in a list or, better, a ``Rectangle``. A class that overrides ``lines`` alone is
    asked for its lines.
    """

    @property
    def label(self) -> str:
        """The name of the file, for messages."""

    @property
    def header_line(self) -> int:
        """The line of the header."""

    def header(self) -> Sequence[str]:
        """Return the cells of the header, as the file spells them."""

    def lines(self) -> Iterator[tuple[int, Cells | BrokenRow]]:
        """Yield every row below the header with its line, in ascending order. Lines without any text are no rows."""

    def sha256(self) -> str:
        """Return the SHA-256 of the file's bytes, in hex."""

    def close(self) -> None:
        """Remove what was spooled."""

    def __enter__(self) -> Source: ...

    def __exit__(self, *exception: object) -> None: ...


class FileSource:
    """What the sources have in common that read a file."""

    def __init__(self, file: ByteFile) -> None:
        self._file = file
        self.label = file.label

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
