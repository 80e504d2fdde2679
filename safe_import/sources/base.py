"""What every source of rows offers to the stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from safe_import.records import Problem

Cells = Sequence[Any]


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row that can't be told apart into cells. ``cells`` holds what a rejects file can show of it."""

    problem: Problem
    cells: Cells = ()


class Source(Protocol):
    """A header and lines of cells, in constant memory. Every call of ``lines`` starts anew.

    A source owns what it has opened; use it as a context manager. Whatever is wrong with the file as a whole is a
    ``SourceError``, raised when the source is opened or while its lines are read.
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
        """Yield every row below the header with the line on which it starts. Lines without any text are no rows."""

    def sha256(self) -> str:
        """Return the SHA-256 of the file's bytes, in hex."""

    def close(self) -> None:
        """Remove what was spooled."""

    def __enter__(self) -> Source: ...

    def __exit__(self, *exception: object) -> None: ...
