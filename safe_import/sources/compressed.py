"""Text files that are packed by gzip or zstandard, unpacked on the way, in constant memory."""

from __future__ import annotations

import contextlib
import gzip
import io
import zlib
from pathlib import PurePath
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

import zstandard

from safe_import.conf import conf
from safe_import.errors import SourceError
from safe_import.sources.zst_frames import ends_in_the_middle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from safe_import.sources.base import ByteFile

_LARGEST_WINDOW = 1 << 27  # bytes that zstandard may refer back to; the most that its own tool unpacks unasked
_HARMLESS = 1 << 20  # a few repeated rows pack very well


class Unpacker(Protocol):
    """What unpacks a stream."""

    def read(self, size: int, /) -> bytes: ...


def _gunzip(packed: BinaryIO) -> Unpacker:
    return gzip.GzipFile(fileobj=packed)


def _unzstd(packed: BinaryIO) -> Unpacker:
    cut_off = ends_in_the_middle(packed)  # the library takes that for the end
    packed.seek(0)
    if cut_off:
        raise EOFError
    decompressor = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW)
    return cast("Unpacker", decompressor.stream_reader(packed, read_across_frames=True))


_BY_MARK: tuple[tuple[bytes, str, Callable[[BinaryIO], Unpacker]], ...] = (
    (b"\x1f\x8b", "gzip", _gunzip),
    (b"\x28\xb5\x2f\xfd", "zstandard", _unzstd),
)


class CompressedFile:
    """The bytes that a packed file holds.

    Args:
        file: the packed bytes; closed with this file.
        kind: what packed them, for messages.
        unpacking: from the packed stream to one that unpacks it.
    """

    def __init__(self, file: ByteFile, kind: str, unpacking: Callable[[BinaryIO], Unpacker]) -> None:
        self._file, self._kind, self._unpacking = file, kind, unpacking
        self.label = file.label

    @contextlib.contextmanager
    def reading(self) -> Iterator[BinaryIO]:
        """Open the file for one pass.

        Raises:
            SourceError: it is damaged, or unpacks to more than ``MAX_UNPACKED_SIZE`` or ``MAX_ZIP_RATIO`` allow.
        """
        with self._file.reading() as packed:
            yield cast("BinaryIO", io.BufferedReader(_Unpacked(self, packed)))

    def opened(self, packed: BinaryIO) -> Unpacker:
        """Return what unpacks the stream."""
        with self._failing_clearly():
            return self._unpacking(packed)

    def read(self, unpacker: Unpacker, size: int) -> bytes:
        """Return the next bytes."""
        with self._failing_clearly():
            return unpacker.read(size)

    def judge(self, packed: int, unpacked: int) -> None:
        """Refuse what unpacks to too much.

        Args:
            packed: bytes that were read so far.
            unpacked: what they came to.
        """
        limits = conf()
        if unpacked > limits.MAX_UNPACKED_SIZE:
            raise self._error(
                f"unpacks to more than {limits.MAX_UNPACKED_SIZE:,} bytes (SAFE_IMPORT MAX_UNPACKED_SIZE)"
            )
        if unpacked > max(packed * limits.MAX_ZIP_RATIO, _HARMLESS):
            raise self._error(f"unpacks to more than {limits.MAX_ZIP_RATIO} times its size (SAFE_IMPORT MAX_ZIP_RATIO)")

    def head(self, length: int) -> bytes:
        """Return the first bytes."""
        with self.reading() as file:
            return file.read(length)

    def sha256(self) -> str:
        """Return the SHA-256 of the packed bytes, in hex."""
        return self._file.sha256()

    def close(self) -> None:
        """Remove what was spooled."""
        self._file.close()

    @contextlib.contextmanager
    def _failing_clearly(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError) as error:
            raise self._error(f"the {self._kind} file is damaged, or cut off; transfer it again") from error

    def _error(self, reason: str) -> SourceError:
        return SourceError(f"{self.label}: {reason}")


class _Unpacked(io.RawIOBase):
    """The unpacked stream, which counts what it gives."""

    def __init__(self, file: CompressedFile, packed: BinaryIO) -> None:
        self._file, self._packed, self._given = file, packed, 0
        self._unpacker = file.opened(packed)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed has a type of its own for this
        data = self._file.read(self._unpacker, len(buffer))
        buffer[: len(data)] = data
        self._given += len(data)
        self._file.judge(self._packed.tell(), self._given)
        return len(data)


def unpacked(file: ByteFile) -> ByteFile:
    """Return the file that is packed in this one; the file itself when nothing is."""
    head = file.head(4)
    for mark, kind, unpacking in _BY_MARK:
        if head.startswith(mark):
            return CompressedFile(file, kind, unpacking)
    return file


def name_inside(label: str) -> str:
    """Return the name of a file without the suffix that says how it is packed."""
    path = PurePath(label)
    return path.stem if path.suffix.lower() in (".gz", ".zst") else label
