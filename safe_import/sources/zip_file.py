"""The parts of a zip file, such as xlsx and ods are: what they promise is judged before anything is unpacked.

# Note [One end record]

The entries are counted before Python's zipfile makes an object of each. Both must read the same directory, so a file is
refused that leaves a choice: whose end record holds the start of another one, or has numbers of other disks, or whose
zip64 record is not directly before its locator. zipfile looks there, other programs where the locator points.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, BinaryIO

from safe_import.conf import conf
from safe_import.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from safe_import.sources.base import ByteFile

_HARMLESS = 1 << 20  # bytes: an empty sheet packs very well
_LONGEST_COMMENT = 1 << 16
_END, _END_64, _ENTRY = b"PK\x05\x06", b"PK\x06\x06", b"PK\x01\x02"
_LOCATOR = b"PK\x06\x07"
_END_LENGTH, _END_64_LENGTH, _LOCATOR_LENGTH, _ENTRY_LENGTH = 22, 56, 20, 46
_LONGEST_ENTRY = _ENTRY_LENGTH + 1024  # on average
_ENCRYPTED = 1
_MOST_KEPT = {"sheets": 1_000, "styles": 70_000, "relations": 10_000}  # Excel has at most 65,490 styles
_PACKED_BY_THE_PIECE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others are unpacked without a bound


class ZipParts:
    """A zip file that may be unpacked.

    Args:
        file: the bytes.

    Raises:
        SourceError: it is damaged or protected, or beyond ``MAX_ZIP_ENTRIES``, ``MAX_ZIP_RATIO`` or
            ``MAX_UNPACKED_SIZE``.
    """

    def __init__(self, file: ByteFile) -> None:
        self._file, self.label = file, file.label
        with self._opened() as archive:
            entries = archive.infolist()
        self._judge(entries)
        self._names = {_plain(entry.filename): entry.filename for entry in entries}
        if len(self._names) != len(entries):
            raise self.error("two parts of the file have the same name; save it anew")

    def __contains__(self, name: str) -> bool:
        return _plain(name) in self._names

    @contextlib.contextmanager
    def reading(self, name: str) -> Iterator[BinaryIO]:
        """Unpack a part.

        Raises:
            SourceError: there is no such part, or it is damaged.
        """
        if name not in self:
            raise self.error(f"its part {name} is missing; save it anew")
        with self._opened() as archive, archive.open(self._names[_plain(name)]) as part:
            yield part  # type: ignore[misc]  # reads like any other binary file

    def limit(self, name: str, count: int, what: str) -> None:
        """Check how many sheets, styles or relations of a part are kept.

        Raises:
            SourceError: more than any spreadsheet program writes.
        """
        if count > _MOST_KEPT[what]:
            raise self.error(f"its part {name} has more than {_MOST_KEPT[what]:,} {what}; save it anew")

    def error(self, reason: str) -> SourceError:
        """Return the error for this file."""
        return SourceError(f"{self.label}: {reason}")

    @contextlib.contextmanager
    def _opened(self) -> Iterator[zipfile.ZipFile]:
        with self._file.reading() as binary:
            try:
                self._count_entries(binary)
                with zipfile.ZipFile(binary) as archive:
                    yield archive
            except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, ValueError) as error:
                raise self.error("the file is damaged, or not packed as usual; save it anew") from error

    def _count_entries(self, binary: BinaryIO) -> None:
        """Refuses too many entries before they become objects. What the file says of their number may be wrong."""
        start, size = _directory(binary)
        binary.seek(start)
        directory, at, count = binary.read(min(size, (conf().MAX_ZIP_ENTRIES + 1) * _LONGEST_ENTRY)), 0, 0
        while directory[at : at + 4] == _ENTRY:
            count += 1
            self._limit_entries(count)
            at += _ENTRY_LENGTH + sum(struct.unpack_from("<HHH", directory, at + 28))
        if at != size:
            raise zipfile.BadZipFile

    def _limit_entries(self, count: int) -> None:
        if count > (limit := conf().MAX_ZIP_ENTRIES):
            raise self.error(f"more than {limit:,} parts in the file (SAFE_IMPORT MAX_ZIP_ENTRIES)")

    def _judge(self, entries: list[zipfile.ZipInfo]) -> None:
        limits = conf()
        self._limit_entries(len(entries))
        if any(entry.flag_bits & _ENCRYPTED for entry in entries):
            raise self.error("the file is protected by a password; save it without one")
        if any(entry.compress_type not in _PACKED_BY_THE_PIECE for entry in entries):
            raise self.error("packed in a way that spreadsheets are not; save it anew")
        unpacked, packed = sum(entry.file_size for entry in entries), sum(entry.compress_size for entry in entries)
        if unpacked > limits.MAX_UNPACKED_SIZE:
            limit = limits.MAX_UNPACKED_SIZE
            raise self.error(f"unpacks to more than {limit:,} bytes (SAFE_IMPORT MAX_UNPACKED_SIZE)")
        if unpacked > max(packed * limits.MAX_ZIP_RATIO, _HARMLESS):
            raise self.error(f"unpacks to more than {limits.MAX_ZIP_RATIO} times its size (SAFE_IMPORT MAX_ZIP_RATIO)")


def _plain(name: str) -> str:
    """The name of a part as the standards write it; some programs write backslashes, or another case."""
    return name.replace("\\", "/").removeprefix("/").lower()


def _directory(binary: BinaryIO) -> tuple[int, int]:
    """Where the central directory of a zip file starts, and its bytes. See Note [One end record]."""
    end = binary.seek(0, os.SEEK_END)
    start = max(0, end - _LONGEST_COMMENT - _END_LENGTH - _LOCATOR_LENGTH - _END_64_LENGTH)
    binary.seek(start)
    tail = binary.read()
    at = tail.rfind(_END)
    if at < 0 or _END in tail[max(0, at - _END_LENGTH + 1) : at + len(_END) - 1]:
        raise zipfile.BadZipFile
    disks, size = struct.unpack_from("<L4xL", tail, at + 4)
    locator_at = at - _LOCATOR_LENGTH
    if tail[max(0, locator_at) : at].startswith(_LOCATOR):
        at = locator_at - _END_64_LENGTH
        if at < 0 or struct.unpack_from("<Q", tail, locator_at + 8)[0] != start + at:
            raise zipfile.BadZipFile
        signature, disks, size = struct.unpack_from("<4s12xQ16xQ", tail, at)
        if signature != _END_64:
            raise zipfile.BadZipFile
    if disks or size > start + at:
        raise zipfile.BadZipFile
    return start + at - size, size
