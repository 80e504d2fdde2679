"""Old Office files, which are file systems of their own. Only what xls needs of them: one stream, by its name.

xlrd could find the stream itself, but follows a chain of sectors that leads back to itself for ever. The form is that
of [MS-CFB].
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_FREE = 0xFFFFFFFC  # this number and those above it name no sector
_MINI_SECTOR = 64
_ENTRY = 128
_STREAM, _ROOT = 2, 5


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of the directory."""

    name: str
    kind: int
    start: int
    size: int


class CompoundFile:
    """The streams of an old Office file.

    Args:
        content: all of its bytes.

    Raises:
        ValueError: it contradicts itself.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        shift, first_of_directory, cutoff = struct.unpack_from("<30xH16xL4xL", content)
        if shift not in (9, 12):
            raise ValueError("no such sector size")
        self._size, self._cutoff = 1 << shift, cutoff
        self._next = self._numbers(self._sectors_of_table())
        directory = self._joined(first_of_directory)
        self._entries = [_entry(directory[at : at + _ENTRY]) for at in range(0, len(directory) - _ENTRY + 1, _ENTRY)]
        self._next_mini = self._numbers(self._chain(struct.unpack_from("<60xL", content)[0], self._next))

    @property
    def names(self) -> list[str]:
        """The names of the streams."""
        return [entry.name for entry in self._entries if entry.kind == _STREAM]

    def stream(self, name: str) -> bytes:
        """Return the content of a stream.

        Raises:
            ValueError: there is no such stream, or the file contradicts itself.
        """
        found = next((each for each in self._entries if each.kind == _STREAM and each.name == name), None)
        if found is None:
            raise ValueError("no such stream")
        if found.size >= self._cutoff:
            return self._joined(found.start)[: found.size]
        root = next(entry for entry in self._entries if entry.kind == _ROOT)
        mini = self._joined(root.start)
        places = (_MINI_SECTOR * sector for sector in self._chain(found.start, self._next_mini))
        return b"".join(mini[at : at + _MINI_SECTOR] for at in places)[: found.size]

    def _sectors_of_table(self) -> Iterator[int]:
        """The sectors that tell of every sector which one follows it."""
        yield from (sector for sector in struct.unpack_from("<109L", self._content, 76) if sector < _FREE)
        following, seen = struct.unpack_from("<68xL", self._content)[0], 0
        while following < _FREE:
            numbers = self._numbers([following])
            yield from (sector for sector in numbers[:-1] if sector < _FREE)
            following, seen = numbers[-1], seen + 1
            if seen > len(self._content) // self._size:
                raise ValueError("a chain without end")

    def _numbers(self, sectors: Iterator[int] | list[int]) -> Sequence[int]:
        joined = b"".join(map(self._sector, sectors))
        return struct.unpack(f"<{len(joined) // 4}L", joined)

    def _sector(self, number: int) -> bytes:
        start = (number + 1) * self._size
        sector = self._content[start : start + self._size]
        if not sector:
            raise ValueError("a sector beyond the end")
        return sector.ljust(self._size, b"\0")  # some programs cut off the last one

    def _joined(self, start: int) -> bytes:
        return b"".join(map(self._sector, self._chain(start, self._next)))

    @staticmethod
    def _chain(start: int, following: Sequence[int]) -> Iterator[int]:
        sector, seen = start, 0
        while sector < _FREE:
            seen += 1
            if sector >= len(following) or seen > len(following):
                raise ValueError("a chain without end, or one that leads beyond it")
            yield sector
            sector = following[sector]


def _entry(written: bytes) -> _Entry:
    length, kind, start, size = struct.unpack("<64xHB49xLL4x", written)
    name = written[: max(0, length - 2)].decode("utf-16-le", "replace")
    return _Entry(name, kind, start, size)
