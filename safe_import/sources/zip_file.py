"""The parts of a zip file, such as xlsx and ods are: what they promise is judged before anything is unpacked."""

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
_END_LENGTH, _LOCATOR_LENGTH, _ENTRY_LENGTH = 22, 20, 46
_ENCRYPTED = 1


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
        directory, limit, at, count = _directory(binary), conf().MAX_ZIP_ENTRIES, 0, 0
        while directory[at : at + 4] == _ENTRY:
            count += 1
            if count > limit:
                raise self.error(f"more than {limit:,} parts in the file (SAFE_IMPORT MAX_ZIP_ENTRIES)")
            at += _ENTRY_LENGTH + sum(struct.unpack_from("<HHH", directory, at + 28))

    def _judge(self, entries: list[zipfile.ZipInfo]) -> None:
        limits = conf()
        if any(entry.flag_bits & _ENCRYPTED for entry in entries):
            raise self.error("the file is protected by a password; save it without one")
        unpacked, packed = sum(entry.file_size for entry in entries), sum(entry.compress_size for entry in entries)
        if unpacked > limits.MAX_UNPACKED_SIZE:
            limit = limits.MAX_UNPACKED_SIZE
            raise self.error(f"unpacks to more than {limit:,} bytes (SAFE_IMPORT MAX_UNPACKED_SIZE)")
        if unpacked > max(packed * limits.MAX_ZIP_RATIO, _HARMLESS):
            raise self.error(f"unpacks to more than {limits.MAX_ZIP_RATIO} times its size (SAFE_IMPORT MAX_ZIP_RATIO)")


def _plain(name: str) -> str:
    """The name of a part as the standards write it; some programs write backslashes, or another case."""
    return name.replace("\\", "/").removeprefix("/").lower()


def _directory(binary: BinaryIO) -> bytes:
    """The central directory of a zip file, no more of it than so many entries can take as are allowed."""
    end = binary.seek(0, os.SEEK_END)
    start = max(0, end - _LONGEST_COMMENT - _END_LENGTH - _LOCATOR_LENGTH)
    binary.seek(start)
    tail = binary.read()
    at = tail.rfind(_END)
    if at < 0:
        raise zipfile.BadZipFile
    size, end_of_directory = struct.unpack_from("<L", tail, at + 12)[0], start + at
    locator = tail[max(0, at - _LOCATOR_LENGTH) : at]
    if locator.startswith(b"PK\x06\x07"):
        end_of_directory = struct.unpack_from("<Q", locator, 8)[0]
        binary.seek(end_of_directory)
        if binary.read(4) != _END_64:
            raise zipfile.BadZipFile
        size = struct.unpack("<36xQ", binary.read(44))[0]
    if size > end_of_directory:
        raise zipfile.BadZipFile
    binary.seek(end_of_directory - size)
    return binary.read(min(size, (conf().MAX_ZIP_ENTRIES + 1) * (_ENTRY_LENGTH + 1024)))
