"""The values of SQLite as SQL literals, which show the storage class, and back."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

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
    """Return the literals of some values, None for NULL; it is quick where all are numbers, or texts."""
    types = set(map(type, values))
    if types == {str}:
        texts: Sequence[Any] = values
        if "'" in "".join(texts):
            texts = list(map(_doubled, texts))
        return ["'" + text + "'" for text in texts]
    if types <= {int, float} and all(map(math.isfinite, values)):  # type: ignore[arg-type]  # all of them are numbers
        return list(map(repr, values))
    return [None if value is None else _LITERAL[type(value)](value) for value in values]


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
