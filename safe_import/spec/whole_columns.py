"""Validates a whole column of a stock type at once.

# Note [Whole columns]
A validator of ``safe_import.types`` is a function in Python, called once a cell, and that takes longer than all the
rest that happens to the cell. Most columns hold nothing but the plainest texts of their type, and for those a few
operations on the column as a whole prove the same. Each function here takes a part of what its type takes, and makes
the same values of it; of any other column it says that it does not know, and pydantic looks at it cell by cell.

A type that a row model has altered in any way (a constraint, a config) has another core schema, and is not found here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Context, Decimal, InvalidOperation, localcontext
from functools import lru_cache
from typing import Annotated, Any

from pydantic import ConfigDict, FailFast, TypeAdapter
from pydantic.fields import FieldInfo

from safe_import.spec.row import Row
from safe_import.types import BOOLEANS, Boolean, Date, Integer, Number, NumberWithComma, Text

Column = TypeAdapter[list[Any]]
AtOnce = Callable[[Sequence[str], str], Sequence[Any] | None]

_EXACT_BOOLEANS = {
    text: truth for word, truth in BOOLEANS.items() for text in (word, word.capitalize(), word.upper())
}  # fmt: skip
_MOST_DIGITS = 100  # of a number, its sign and its point; half of what the shape of ``Number`` takes
_SAFE_DIGITS = 18  # of an integer, its sign included, which 64 bits hold whatever they are


def column_adapter(field: FieldInfo, config: ConfigDict) -> Column:
    """Return what validates a list of the cells of one field, with the config of the row model."""
    cell = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
    built = ConfigDict(**{**config, "defer_build": False})  # as its schema is looked at
    return TypeAdapter(Annotated[list[cell], FailFast()], config=built)  # type: ignore[arg-type,valid-type]  # made at run time


def at_once(adapter: Column, config: ConfigDict) -> AtOnce | None:
    """Return what validates a column at once; None where its type is no stock type, or the config not that of Row.

    Its arguments are the cells, some texts that are stripped, and the same joined by line feeds. It returns None for
    cells that it does not know.
    """
    if config != Row.model_config:
        return None
    return next((function for schema, function in _stock() if schema == adapter.core_schema), None)


@lru_cache(maxsize=1)
def _stock() -> list[tuple[Any, AtOnce]]:
    """The core schemas of the stock types, each as a field that needs it has it, and as one that does not."""
    return [
        (column_adapter(FieldInfo.from_annotation(cell), Row.model_config).core_schema, function)
        for type_, function in _FUNCTIONS
        for cell in (type_, type_ | None)
    ]


def _texts(cells: Sequence[str], text: str) -> Sequence[str] | None:
    return cells if "\0" not in text and _encodable(text) else None


def _encodable(text: str) -> bool:
    """Whether a text holds no half of a surrogate pair, which pydantic takes for no text."""
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


def _booleans(cells: Sequence[str], _: str) -> Sequence[bool] | None:
    try:
        return list(map(_EXACT_BOOLEANS.__getitem__, cells))
    except KeyError:
        return None


def _integers(cells: Sequence[str], text: str) -> Sequence[int] | None:
    if not _made_of(b"+-0123456789", text) or max(map(len, cells)) > _SAFE_DIGITS:
        return None
    try:
        return list(map(int, cells))
    except ValueError:
        return None


def _numbers(cells: Sequence[str], text: str) -> Sequence[Decimal] | None:
    """Of these marks Decimal takes what ``Number`` takes, and a point at the end."""
    if not _made_of(b"+-.0123456789", text) or max(map(len, cells)) > _MOST_DIGITS or ".\n" in f"{text}\n":
        return None
    try:
        with localcontext(Context(traps=[InvalidOperation])):
            return list(map(Decimal, cells))
    except InvalidOperation:
        return None


def _numbers_with_comma(cells: Sequence[str], text: str) -> Sequence[Decimal] | None:
    return None if "." in text else _numbers([cell.replace(",", ".") for cell in cells], text.replace(",", "."))


def _dates(cells: Sequence[str], text: str) -> Sequence[dt.date] | None:
    """Ten characters with a hyphen before the last two are a day of a month, which ISO also writes in other ways."""
    if set(map(len, cells)) != {10} or text[7::11] != "-" * len(cells):
        return None
    try:
        return list(map(dt.date.fromisoformat, cells))
    except ValueError:
        return None


def _made_of(marks: bytes, text: str) -> bool:
    """Whether cells hold nothing but these marks."""
    return text.isascii() and not text.encode().translate(None, marks + b"\n")


_FUNCTIONS: tuple[tuple[Any, AtOnce], ...] = (
    (Text, _texts),
    (Boolean, _booleans),
    (Integer, _integers),
    (Number, _numbers),
    (NumberWithComma, _numbers_with_comma),
    (Date, _dates),
)
