"""Values as texts that a spreadsheet shows and never runs, and from which they come back exactly.

A spreadsheet runs cells that begin with ``=``, ``+``, ``-``, ``@`` and some others, so these get an apostrophe in front
(and those that have one before such a sign another, so that taking one away again is exact). A spreadsheet that splits
at another delimiter than the one that the file has begins cells in the midst of ours, so the same is done there.

What no text can stand for (nested values, cells without a value) is written behind the mark ``safe_import:``.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from decimal import Decimal
from typing import Any

from safe_import.clock_types import written
from safe_import.sources.base import BadCell
from safe_import.strict_json import too_deep

_MOST_DIGITS = 1000
_JSON, _BAD = "safe_import:json:", "safe_import:bad:"
_SIGNS = "=+\\-@\t\uff1d\uff0b\uff0d\uff20"  # the wide forms: some spreadsheets narrow them
# Behind a delimiter quotes and blanks may stand before the sign: they are lost where the cell is torn apart.
_RISKY = f"(?:\\A(?='*(?:[{_SIGNS}\r\n]|safe_import:))|(?<=[,;\t|\r\n])(?=[\"' ]*[{_SIGNS}]))"
_TO_ESCAPE = re.compile(_RISKY)
_ESCAPED = re.compile(_RISKY.replace("(?=", "'(?="))


def escaped(text: str) -> str:
    """Return a text that no spreadsheet runs, wherever it splits it."""
    return _TO_ESCAPE.sub("'", text)


def unescaped(text: str) -> str:
    """Return the text that was escaped."""
    return _ESCAPED.sub("", text)


def as_text(value: Any) -> str:
    """Return a text for a cell of any source, escaped where it has to be."""
    if isinstance(value, str):
        return escaped(value)
    if value is None:
        return ""
    if isinstance(value, BadCell):
        return f"{_BAD}{value.code}"
    if isinstance(value, dict | list):
        return f"{_BAD}not_json" if too_deep(value) else _JSON + escaped(_json(value))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, dt.timedelta):
        return escaped(written(value))
    if isinstance(value, float | Decimal):
        return _digits(Decimal(str(value)))
    return str(value)


def as_value(text: str) -> Any:
    """Return what ``as_text`` was given, as far as it has to be told from its text."""
    if text.startswith(_BAD):
        message = "the cell has no value that could be read; enter one, or clear the cell"
        return BadCell(text.removeprefix(_BAD), message)
    if text.startswith(_JSON):
        try:
            return json.loads(unescaped(text.removeprefix(_JSON)), parse_float=Decimal)
        except (ValueError, RecursionError):
            return BadCell("not_json", "not JSON behind the mark; correct it")
    return unescaped(text)


def _digits(number: Decimal) -> str:
    """A number without an exponent, which is no number here; unless that would be longer than any cell."""
    return format(number, "f") if not number.is_finite() or abs(number.adjusted()) < _MOST_DIGITS else str(number)


def _json(value: Any) -> str:
    """A value as JSON, with every digit of its decimals."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_json(name)}:{_json(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_json, value)) + "]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False, default=str)
