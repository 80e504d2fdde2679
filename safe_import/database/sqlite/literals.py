"""The values of SQLite as SQL literals, which show the storage class, and back."""

from __future__ import annotations

import math
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import orjson

from safe_import.database.gaps import NONE, filled, spread
from safe_import.errors import BackupError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Value = int | float | str | bytes

_INFINITE = "9e999"  # larger than any REAL: SQLite reads it as infinity


def _of_real(value: float) -> str:
    if math.isinf(value):
        return _INFINITE if value > 0 else f"-{_INFINITE}"
    return repr(value)


def _of_text(value: str) -> str:
    return "'" + _doubled(value) + "'"


def _doubled(value: str) -> str:
    return value.replace("'", "''")


def _of_blob(value: bytes) -> str:
    return f"X'{value.hex()}'"


_LITERAL: dict[type, Callable[..., str]] = {int: str, float: _of_real, str: _of_text, bytes: _of_blob}


def literals(values: Sequence[Value | None]) -> Sequence[str | None]:
    """Return the literals of some values, None for NULL; it is quick where all that are there are numbers, or texts."""
    types = set(map(type, values))
    return spread(_literals(filled(values, types), types - {NONE}), values)


def _literals(values: Sequence[Any], types: set[type]) -> Sequence[str]:
    if types == {str}:
        texts = list(map(_doubled, values)) if "'" in "".join(values) else values
        return [f"'{text}'" for text in texts]
    if types and types <= {int, float}:
        with suppress(TypeError):  # integers beyond 64 bits, which SQLite has none of
            numbers = orjson.dumps(values)[1:-1].decode()  # several times as quick as repr
            if not _WRITTEN_OTHERWISE(numbers):
                return numbers.split(",")
    return [_LITERAL[type(value)](value) for value in values]


# Infinity is null in JSON; an exponent is written in several ways, and some small numbers are written without.
_WRITTEN_OTHERWISE = re.compile(r"[en]|0\.0000").search


def value_of(literal: str) -> Value:
    """Return the value of a literal that a backup holds.

    Raises:
        BackupError: it is none. The text is not repeated in the message.
    """
    if literal[:1] == "'" and literal[-1:] == "'":
        return literal[1:-1].replace("''", "'")
    try:
        if literal[:2] == "X'":
            return bytes.fromhex(literal[2:-1])
        return float(literal) if "." in literal or "e" in literal else int(literal)
    except ValueError:
        raise BackupError("a value of the backup is not a literal of SQLite") from None
