"""JSON read without losing anything: no doubled key, no number that changes, no text that a database can't store."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEEPEST = 100
TOO_DEEP = "the JSON is nested too deeply"
LONGEST_NUMBER = 100  # digits
_TOO_LONG = f"the JSON has a number of more than {LONGEST_NUMBER} digits"


def loads(text: str) -> Any:
    """Return the value of a JSON text.

    Raises:
        ValueError: it is not JSON, or reading it would lose something. The message never quotes the text.
    """
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=integer,
            parse_float=_exact_float,
            parse_constant=_no_constant,
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: character {error.pos + 1} is not expected there") from None
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    return checked(value)


def checked(value: Any) -> Any:
    """Return the value when a database can store it, its decimals as floats.

    Raises:
        ValueError: a text in it has a NUL character or half a surrogate pair, a decimal would be rounded, it is nested
            too deeply, or null as a whole.
    """
    if value is None:
        raise ValueError("null is not a value here; leave the cell blank")
    if too_deep(value):
        raise ValueError(TOO_DEEP)
    decimals = False
    for part in parts(value):
        if isinstance(part, str) and not _storable(part):
            raise ValueError("the JSON has a NUL character or half a surrogate pair in a text")
        decimals = decimals or isinstance(part, Decimal)
    return _with_floats(value) if decimals else value


def too_deep(value: Any) -> bool:
    """Whether lists and objects lie within each other so often that whoever walks through them may stumble."""
    level = [value]
    for _ in range(_DEEPEST):
        level = [inner for each in level if isinstance(each, dict | list) for inner in _directly_in(each)]
        if not level:
            return False
    return True


def decimal(digits: str) -> Decimal:
    """Return a number with all of its digits.

    Raises:
        ValueError: written out it has more than ``LONGEST_NUMBER`` of them.
    """
    try:
        number = Decimal(digits)
    except ArithmeticError:  # an exponent beyond what Decimal knows
        raise ValueError(_TOO_LONG) from None
    if len(digits) > LONGEST_NUMBER or abs(number.adjusted()) > LONGEST_NUMBER:
        raise ValueError(_TOO_LONG)
    return number


def integer(digits: str) -> int:
    """Return a whole number.

    Raises:
        ValueError: it has more than ``LONGEST_NUMBER`` digits.
    """
    if len(digits) > LONGEST_NUMBER:
        raise ValueError(_TOO_LONG)
    return int(digits)


def parts(value: Any) -> Iterator[Any]:
    """Yield the value and everything in it, keys of objects as well."""
    pending = [value]
    while pending:
        part = pending.pop()
        yield part
        if isinstance(part, dict):
            pending += [*part.keys(), *part.values()]
        elif isinstance(part, list):
            pending += part


def _directly_in(value: dict[Any, Any] | list[Any]) -> Any:
    return value.values() if isinstance(value, dict) else value


def _with_floats(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_floats(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_with_floats(part) for part in value]
    return _exact_float(str(value)) if isinstance(value, Decimal) else value


def _storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("the JSON has a key twice in one object")
    return found


def _exact_float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number) or not _same(digits, number):
        raise ValueError("the JSON has a number that would be rounded")
    return number


def _same(digits: str, number: float) -> bool:
    try:
        return Decimal(digits) == Decimal(repr(number))
    except ArithmeticError:  # an exponent beyond what Decimal knows
        return False


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
