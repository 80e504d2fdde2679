"""Identifiers of runs and backups: ULIDs that only ever rise, even when the clock runs backwards."""

from __future__ import annotations

import re
import secrets
import threading
import time

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_BITS = 80
_LENGTH = 26
_SHAPE = re.compile(rf"[0-7][{_ALPHABET}]{{{_LENGTH - 1}}}")

_lock = threading.Lock()
_last = 0


def new_id(*, after: str | None = None) -> str:
    """Return an id above every id that this process made and above ``after``.

    Args:
        after: the newest id that others may have made: the newest run, the newest backup.

    Returns:
        26 characters of Crockford's base 32. When the clock stands at or before the last id, it is that id plus one.
    """
    global _last  # noqa: PLW0603 - what makes the ids of one process rise
    with _lock:
        floor = max(_last, _decode(after) if after else 0)
        now = time.time_ns() // 1_000_000
        fresh = now << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
        _last = fresh if now > floor >> _RANDOM_BITS else floor + 1
        return _encode(_last)


def is_id(text: str) -> bool:
    """Whether ``text`` has the shape of an id."""
    return _SHAPE.fullmatch(text) is not None


def milliseconds(identifier: str) -> int:
    """Return what the clock said, more or less, when the id was made: milliseconds since 1970."""
    return _decode(identifier) >> _RANDOM_BITS


def _encode(number: int) -> str:
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(_LENGTH)))


def _decode(identifier: str) -> int:
    if not is_id(identifier):
        raise ValueError("not an id: 26 characters of Crockford's base 32 are expected")
    number = 0
    for character in identifier:
        number = number << 5 | _ALPHABET.index(character)
    return number
