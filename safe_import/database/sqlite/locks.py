"""One run a database at a time: an advisory lock on a file beside it, which the kernel frees when the process ends."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from safe_import.errors import LockHeld

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def file_lock(database: str, holder: str) -> Iterator[None]:
    """Holds the lock of ``database``, the path of its file; a database in memory is nobody else's and needs none."""
    if not database:
        yield
        return
    path = Path(f"{database}.import-lock")
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            who = os.pread(handle, 500, 0).decode(errors="replace") or "a run that has just begun"
            raise LockHeld(f"Another run works on {database}: {who}. Try again when it has finished.") from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, holder.encode(), 0)
        yield
    finally:
        os.close(handle)
