"""Whether a zstandard file is whole. What unpacks it takes a file that is cut off for one that ends there.

The form of a frame is that of RFC 8878, section 3.1.
"""

from __future__ import annotations

import os
from typing import BinaryIO

_FRAME, _SKIPPABLE = 0xFD2FB528, range(0x184D2A50, 0x184D2A60)
_DICTIONARY_ID_LENGTHS, _CONTENT_SIZE_LENGTHS = (0, 1, 2, 4), (0, 2, 4, 8)
_RLE = 1  # a block of one byte that is repeated


def ends_in_the_middle(file: BinaryIO) -> bool:
    """Whether the file, read from here on, ends within a frame. What is no frame is left to who unpacks it."""
    end = file.seek(0, os.SEEK_END)
    file.seek(0)
    while file.tell() < end:
        if end - file.tell() < 4:
            return True
        magic = _number(file, 4)
        if magic in _SKIPPABLE:
            file.seek(_number(file, 4), os.SEEK_CUR)
        elif magic == _FRAME:
            _pass_frame(file, end)
        else:
            return False
        if file.tell() > end:
            return True
    return False


def _pass_frame(file: BinaryIO, end: int) -> None:
    """Seeks behind a frame, or beyond the end of the file where the frame is not whole."""
    descriptor = _number(file, 1)
    single_segment, checksum = descriptor >> 5 & 1, descriptor >> 2 & 1
    header = 1 - single_segment  # the size of the window
    header += _DICTIONARY_ID_LENGTHS[descriptor & 3]
    header += _CONTENT_SIZE_LENGTHS[descriptor >> 6] or single_segment
    file.seek(header, os.SEEK_CUR)
    last = 0
    while not last:
        if file.tell() + 3 > end:
            file.seek(end + 1)
            return
        block = _number(file, 3)
        last, kind, size = block & 1, block >> 1 & 3, block >> 3
        file.seek(1 if kind == _RLE else size, os.SEEK_CUR)
    file.seek(4 * checksum, os.SEEK_CUR)


def _number(file: BinaryIO, length: int) -> int:
    return int.from_bytes(file.read(length), "little")
