"""Locks on files, which the kernel frees when the process ends; and what a system needs to have them."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from safe_import.errors import Refused

try:
    import fcntl
except ImportError:  # Windows, which require_supported_system refuses with its reason
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def require_supported_system() -> None:
    """Refuse a system on which "written" can't be made to mean "on the disk, and private".

    Raises:
        Refused: this is Windows.
    """
    if fcntl is None:
        raise Refused(
            "Windows is not supported for backups and production runs: it can't fsync a directory, and its permissions"
            " are not those that keep a backup private. Run this on Linux, macOS or BSD."
        )


@contextmanager
def lock_file(path: Path) -> Iterator[int]:
    """Open the private file of a lock, made when it is missing and never through a link; closing it frees the lock.

    Yields:
        its descriptor, for ``wait_for_lock`` and ``try_lock``.
    """
    require_supported_system()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def wait_for_lock(descriptor: int) -> None:
    """Take the lock as soon as nobody else has it."""
    fcntl.flock(descriptor, fcntl.LOCK_EX)


def try_lock(descriptor: int) -> bool:
    """Take the lock when nobody else has it; says whether it is taken."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
