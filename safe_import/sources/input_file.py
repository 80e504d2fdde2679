"""A file of bytes that can be read again and again, and is the same every time."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from safe_import.conf import conf
from safe_import.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

STANDARD_INPUT = "-"
_CHUNK = 1 << 20


class InputFile:
    """The bytes of a source. Standard input and pipes are spooled to a private temporary file first.

    Args:
        path: of the file, or ``-`` for standard input.

    Raises:
        SourceError: it does not exist, is no file, can't be opened, is empty, or is larger than ``MAX_FILE_SIZE``.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._named = "standard input" if os.fspath(path) == STANDARD_INPUT else os.fspath(path)
        self.label = Path(self._named).name
        self._path = Path(path)
        self._spooled = False
        if os.fspath(path) == STANDARD_INPUT:
            self._spool(sys.stdin.buffer)
        elif not self._is_regular():
            with self._opened() as pipe:
                self._spool(pipe)
        with self._opened() as file:
            self._state = _state(file)
            self._judge_size(self._state[1])

    @contextlib.contextmanager
    def reading(self) -> Iterator[BinaryIO]:
        """Open the file for one pass.

        Raises:
            SourceError: it can't be read, or somebody changed it since it was opened first.
        """
        with self._opened() as file:
            self._refuse_change(file)
            try:
                yield file
            except OSError as error:
                raise self._error(f"can't be read: {error.strerror}") from error
            self._refuse_change(file)

    def head(self, length: int) -> bytes:
        """Return the first bytes."""
        with self.reading() as file:
            return file.read(length)

    def sha256(self) -> str:
        """Return the SHA-256 of the bytes, in hex."""
        digest = hashlib.sha256()
        with self.reading() as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
        return digest.hexdigest()

    def close(self) -> None:
        """Remove what was spooled."""
        if self._spooled:
            self._path.unlink(missing_ok=True)

    def _error(self, reason: str) -> SourceError:
        return SourceError(f"{self._named}: {reason}")

    def _is_regular(self) -> bool:
        try:
            mode = self._path.stat().st_mode
        except OSError as error:
            raise self._unopenable(error) from error
        if stat.S_ISDIR(mode):
            raise self._error("this is a directory; name a file")
        return stat.S_ISREG(mode)

    def _opened(self) -> BinaryIO:
        try:
            return self._path.open("rb")
        except OSError as error:
            raise self._unopenable(error) from error

    def _unopenable(self, error: OSError) -> SourceError:
        if isinstance(error, FileNotFoundError):
            return self._error("there is no such file")
        if isinstance(error, PermissionError):
            return self._error("no permission to read the file")
        return self._error(f"can't be opened: {error.strerror}")

    def _spool(self, stream: BinaryIO) -> None:
        limit, size = conf().MAX_FILE_SIZE, 0
        with tempfile.NamedTemporaryFile(prefix="safe_import-", delete=False) as spool:  # private: 0600
            self._path, self._spooled = Path(spool.name), True
            try:
                while size <= limit and (chunk := stream.read(_CHUNK)):
                    size += len(chunk)
                    spool.write(chunk)
                spool.flush()
                self._judge_size(size)
            except BaseException:
                self.close()
                raise

    def _judge_size(self, size: int) -> None:
        limit = conf().MAX_FILE_SIZE
        if size > limit:
            raise self._error(f"larger than {limit:,} bytes (SAFE_IMPORT MAX_FILE_SIZE); split it, or raise the limit")
        if size == 0:
            raise self._error("the file is empty")

    def _refuse_change(self, file: BinaryIO) -> None:
        if _state(file) != self._state:
            raise self._error("the file was changed while it was being read; run the command again")


def _state(file: BinaryIO) -> tuple[int, int, int]:
    found = os.fstat(file.fileno())
    return found.st_ino, found.st_size, found.st_mtime_ns
