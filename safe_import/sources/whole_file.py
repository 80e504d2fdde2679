"""Formats that can't be read piece by piece are read as a whole, and so only up to a size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safe_import.conf import conf
from safe_import.errors import SourceError

if TYPE_CHECKING:
    from safe_import.sources.base import ByteFile

_CHUNK = 1 << 16


def require_small(file: ByteFile) -> None:
    """Refuse a file that is too large to be read as a whole.

    Raises:
        SourceError: it has more than ``MAX_WHOLE_FILE_SIZE`` bytes, unpacked.
    """
    limit, size = conf().MAX_WHOLE_FILE_SIZE, 0
    with file.reading() as binary:
        while size <= limit and (chunk := binary.read(_CHUNK)):
            size += len(chunk)
    if size > limit:
        reason = f"larger than {limit:,} bytes, and its format is read as a whole (SAFE_IMPORT MAX_WHOLE_FILE_SIZE)"
        raise SourceError(f"{file.label}: {reason}; save it as csv, xlsx or jsonl")


def read_whole(file: ByteFile) -> bytes:
    """Return all bytes of a small file, see ``require_small``."""
    require_small(file)
    with file.reading() as binary:
        return binary.read()
