"""One run a database at a time: an advisory lock on a file beside it, which the kernel frees when the process ends."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from safe_import.errors import LockHeld
from safe_import.file_locks import lock_file, try_lock

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def file_lock(database: str, holder: str) -> Iterator[None]:
    """Holds the lock of ``database``, the path of its file; a database in memory is nobody else's and needs none."""
    if not database:
        yield
        return
    path = Path(f"{database}.import-lock")
    with lock_file(path) as descriptor:
        if not try_lock(descriptor):
            who = os.pread(descriptor, 500, 0).decode(errors="replace") or "a run that has just begun"
            raise LockHeld(f"Another run works on {database}: {who}. Try again when it has finished.")
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, holder.encode(), 0)
        yield
