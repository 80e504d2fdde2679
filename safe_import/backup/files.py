"""The file system as a backup needs it: private, never through a link, synced before we go on, locked by the kernel."""

from __future__ import annotations

import os
import shlex
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

from safe_import.errors import BackupError
from safe_import.failpoints import failpoint
from safe_import.file_locks import lock_file, try_lock, wait_for_lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PIECE = 1 << 20


def write_file(path: Path, data: bytes) -> None:
    """Write a new private file and fsync it. Never writes into a file that is there, nor through a link."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # O_EXCL follows no link
    with os.fdopen(descriptor, "wb") as file:
        failpoint("backup.file_created")
        file.write(data)
        file.flush()
        failpoint("backup.file_written")
        os.fsync(descriptor)


def read_pieces(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file that is no link, piece by piece."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        while piece := file.read(_PIECE):
            yield piece


def sync_directory(path: Path) -> None:
    """Put the names in a directory on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file, waiting for it. The kernel frees it when the process dies."""
    with lock_file(path) as descriptor:
        wait_for_lock(descriptor)
        yield


@contextmanager
def locked_if_free(path: Path) -> Iterator[bool]:
    """Hold the lock of a file when nobody else does; yields whether it is held."""
    with lock_file(path) as descriptor:
        yield try_lock(descriptor)


def require_private_directory(path: Path, what: str) -> None:
    """Refuse a directory that is a link, somebody else's, or that others can write to; says how to repair it."""
    status, quoted = path.lstat(), shlex.quote(str(path))
    if stat.S_ISLNK(status.st_mode):
        real = path.resolve()
        raise BackupError(
            f"{what} {path} is a symbolic link: name the directory itself ({real}), or put it there:"
            f" rm {quoted} && mv {shlex.quote(str(real))} {quoted}"
        )
    if not stat.S_ISDIR(status.st_mode):
        raise BackupError(f"{what} {path} is not a directory: rm {quoted} && mkdir -m 700 {quoted}")
    if status.st_uid != os.geteuid():
        raise BackupError(f"{what} {path} belongs to another user: chown {os.geteuid()} {quoted}")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise BackupError(f"{what} {path} can be written by others: chmod 700 {quoted}")
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise BackupError(f"{what} {path} can't be read and written: chmod 700 {quoted}")
