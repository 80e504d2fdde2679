"""Chunks: the rows of a table, compressed into files, and back."""

from __future__ import annotations

import hashlib
from typing import IO, TYPE_CHECKING, cast

import zstandard

from safe_import.backup.files import read_pieces, write_file
from safe_import.backup.format import Chunk, file_name
from safe_import.errors import BackupError
from safe_import.failpoints import failpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from safe_import.backup.encryption import Identity, Recipients

_BLOCK = 1 << 20  # lines are compressed together, in about this many bytes
CHUNK_BYTES = 16 << 20  # of plain lines: what bounds the memory that writing takes
_LEVEL = 1  # more takes twice as long, for lines that are hardly shorter


class ChunkWriter:
    """Writes the lines of one table. ``write`` is called once a row, so it does next to nothing."""

    def __init__(self, directory: Path, table: str, recipients: Recipients | None) -> None:
        self._directory = directory
        self._table = table
        self._recipients = recipients
        self._chunks: list[Chunk] = []
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._begin_chunk()

    def write(self, lines: bytes) -> None:
        """Take one or more whole lines."""
        self._waiting.append(lines)
        self._waiting_bytes += len(lines)
        if self._waiting_bytes >= _BLOCK:
            self._compress()

    def finish(self) -> list[Chunk]:
        """Return the chunks, all of them on the disk."""
        self._compress()
        if self._rows:
            self._end_chunk()
        return self._chunks

    def _begin_chunk(self) -> None:
        self._compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compressobj()
        self._plain = hashlib.sha256()
        self._rows = self._plain_bytes = 0
        self._stored: list[bytes] = []

    def _compress(self) -> None:
        data = b"".join(self._waiting)
        self._waiting.clear()
        self._waiting_bytes = 0
        self._rows += data.count(b"\n")
        self._plain_bytes += len(data)
        self._plain.update(data)
        self._stored.append(self._compressor.compress(data))
        if self._plain_bytes >= CHUNK_BYTES:
            self._end_chunk()

    def _end_chunk(self) -> None:
        stored = b"".join([*self._stored, self._compressor.flush()])
        if self._recipients:
            stored = self._recipients.seal(stored)
        name = file_name(self._table, len(self._chunks) + 1, encrypted=self._recipients is not None)
        write_file(self._directory / name, stored)
        failpoint("backup.chunk_written")
        self._chunks.append(
            Chunk(
                file=name,
                rows=self._rows,
                plain_bytes=self._plain_bytes,
                plain_sha256=self._plain.hexdigest(),
                stored_bytes=len(stored),
                stored_sha256=hashlib.sha256(stored).hexdigest(),
            )
        )
        self._begin_chunk()


def check_stored(directory: Path, chunk: Chunk) -> None:
    """Compare the bytes of the file with the manifest: all that can be done without a key."""
    for _ in _checked(directory, chunk):
        pass


def verified_blocks(directory: Path, chunk: Chunk, identity: Identity | None) -> Iterator[bytes]:
    """Yield the plain bytes of a chunk in blocks of whole lines; what was yielded counts only when no error follows.

    Args:
        directory: of the backup.
        chunk: what the manifest says of it.
        identity: the key, for an encrypted chunk.

    Raises:
        BackupError: the file is not what the manifest says. It names the chunk and the reason.
    """
    path = directory / chunk.file
    plain, rows, size = hashlib.sha256(), 0, 0
    pieces = _checked(directory, chunk)
    if identity:
        pieces = iter([identity.open(b"".join(pieces))])  # a chunk is small enough, and age opens no half of a file
    for block in _whole_lines(_decompressed(pieces, path)):
        plain.update(block)
        rows += block.count(b"\n")
        size += len(block)
        if size > chunk.plain_bytes:
            raise damaged(path, "it holds more than the manifest says")
        yield block
    if (size, rows) != (chunk.plain_bytes, chunk.rows):
        raise damaged(path, f"it holds {rows} rows, the manifest says {chunk.rows}")
    if plain.hexdigest() != chunk.plain_sha256:
        raise damaged(path, "the hash of its lines is not the manifest's")


def damaged(path: Path, reason: str) -> BackupError:
    """Return the error that names a chunk and says why it can't be trusted."""
    return BackupError(f"{path}: {reason}; use another backup")


def _checked(directory: Path, chunk: Chunk) -> Iterator[bytes]:
    path = directory / chunk.file
    stored, size = hashlib.sha256(), 0
    for piece in read_pieces(path):
        stored.update(piece)
        size += len(piece)
        yield piece
    if size != chunk.stored_bytes:
        raise damaged(path, f"it is {size} bytes long, the manifest says {chunk.stored_bytes}")
    if stored.hexdigest() != chunk.stored_sha256:
        raise damaged(path, "its hash is not the manifest's")


class _Pieces:
    """What zstandard reads from; it takes as much as it is given."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)

    def read(self, size: int = -1) -> bytes:
        return next(self._pieces, b"")


def _decompressed(pieces: Iterator[bytes], path: Path) -> Iterator[bytes]:
    """Yield blocks of one size, however well the rows were compressed."""
    reader = zstandard.ZstdDecompressor().stream_reader(cast("IO[bytes]", _Pieces(pieces)))
    try:
        yield from iter(lambda: reader.read(_BLOCK), b"")
    except zstandard.ZstdError:
        raise damaged(path, "it can't be decompressed") from None
    for _ in pieces:  # to the end, where the hash of the file is compared
        raise damaged(path, "something follows its end")


def _whole_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for block in blocks:
        lines, feed, rest_of_block = block.rpartition(b"\n")
        if feed:
            yield rest + lines + feed
            rest = rest_of_block
        else:
            rest += rest_of_block
    if rest:
        yield rest
