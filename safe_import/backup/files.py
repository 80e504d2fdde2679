"""The file system as a backup needs it: private, never through a link, synced before we go on, locked by the kernel."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

from safe_import.errors import BackupError
from safe_import.failpoints import failpoint

try:
    import fcntl
except ImportError:  # Windows, which require_supported_system refuses with its reason
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PIECE = 1 << 20


def require_supported_system() -> None:
    """Refuse a system on which "written" can't be made to mean "on the disk, and private"."""
    if fcntl is None:
        raise BackupError(
            "Windows is not supported for backups and production runs: it can't fsync a directory, and its permissions"
            " are not those that keep a backup private. Run this on Linux, macOS or BSD"
        )


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
    descriptor = _open_lock(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def locked_if_free(path: Path) -> Iterator[bool]:
    """Hold the lock of a file when nobody else does; yields whether it is held."""
    descriptor = _open_lock(path)
    try:
        yield _try_lock(descriptor)
    finally:
        os.close(descriptor)


def require_private_directory(path: Path, what: str) -> None:
    """Refuse a directory that is a link, somebody else's, or that others can write to; says how to repair it."""
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        raise BackupError(f"{what} {path} is a symbolic link: name the directory itself ({path.resolve()})")
    if not stat.S_ISDIR(status.st_mode):
        raise BackupError(f"{what} {path} is not a directory: rm {path} && mkdir -m 700 {path}")
    if status.st_uid != os.geteuid():
        raise BackupError(f"{what} {path} belongs to another user: chown {os.geteuid()} {path}")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise BackupError(f"{what} {path} can be written by others: chmod 700 {path}")
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise BackupError(f"{what} {path} can't be read and written: chmod 700 {path}")


def _open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
