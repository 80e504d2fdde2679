"""What ``encoding`` does, for a whole column at once: a fraction of the time for the commonest fields."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson
from django.db import models
from django.db.backends.base.operations import BaseDatabaseOperations

from safe_import.database.encoding import (
    INTEGER_FIELDS,
    TEXT_FIELDS,
    Misfit,
    decimal_digits,
    encoder,
    integer_range,
)
from safe_import.database.gaps import NONE, filled, spread

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

_LONG = 100  # digits and marks of a number that is surely neither too great nor too small for a float
_SHORT = 30  # digits before or behind the point that most numbers have at most


class ColumnEncoder:
    """Encodes the values of one field for a whole batch.

    Args:
        field: the field; a link stands for the field that it refers to.
        connection: of the database.
        base_type: of the column in which the values are staged.
    """

    def __init__(self, field: models.Field[Any, Any], connection: BaseDatabaseWrapper, base_type: str = "") -> None:
        while isinstance(field, models.ForeignKey):
            field = field.target_field
        self._encode = encoder(field, connection)
        self._all_at_once = _ALL_AT_ONCE.get((type(field), base_type)) or _ALL_AT_ONCE.get((type(field), ""), {})
        self._field, self._connection = field, connection

    def __call__(self, values: Sequence[Any]) -> tuple[Sequence[Any], list[tuple[int, Misfit]]]:
        """The encoded values, None for None; and the positions of those that do not fit, which become None as well."""
        types = set(map(type, values))
        given = filled(values, types)
        types.discard(NONE)
        encode_all = self._all_at_once.get(types.pop()) if len(types) == 1 else None
        if encode_all is not None:
            with suppress(ValueError):  # a Misfit, or a number that is none: then it is told apart below, one by one
                encoded = encode_all(given, self._field, self._connection)
                return values if encoded is given else spread(encoded, values), []
        return self._one_by_one(values)

    def _one_by_one(self, values: Sequence[Any]) -> tuple[Sequence[Any], list[tuple[int, Misfit]]]:
        encoded: list[Any] = [None] * len(values)
        misfits: list[tuple[int, Misfit]] = []
        for position, value in enumerate(values):
            if value is not None:
                try:
                    encoded[position] = self._encode(value)
                except Misfit as misfit:
                    misfits.append((position, misfit))
        return encoded, misfits


# For the commonest fields: a whole column of values of their own type at once, at least one and none of them None; or
# Misfit. What needs no encoding is returned as the sequence it came in.


def _all_texts(texts: Sequence[Any], field: models.Field[Any, Any], _: BaseDatabaseWrapper) -> Sequence[Any]:
    limit = field.max_length if isinstance(field, models.CharField) else None
    if (limit is not None and max(map(len, texts)) > limit) or "\0" in "".join(texts):
        raise Misfit("too_long", "some of them do not fit")
    return texts


def _all_integers(
    numbers: Sequence[Any], field: models.Field[Any, Any], connection: BaseDatabaseWrapper
) -> Sequence[Any]:
    low, high = integer_range(field, connection)
    if not (low <= min(numbers) and max(numbers) <= high):
        raise Misfit("out_of_range", "some of them do not fit")
    return numbers


def _all_floats(numbers: Sequence[Any], _: models.Field[Any, Any], __: BaseDatabaseWrapper) -> Sequence[Any]:
    if not all(map(math.isfinite, numbers)):
        raise Misfit("not_finite", "some of them are not finite")
    return numbers


def _all_decimals_as_floats(
    numbers: Sequence[Any], field: models.Field[Any, Any], connection: BaseDatabaseWrapper
) -> Sequence[Any]:
    """What reads JSON makes the same floats as ``float`` in less time, but integers where there is no point."""
    texts = list(map(str, numbers))
    listed = ",".join(texts)
    if listed.count(".") < len(texts) or not _plain_numbers(listed):
        return _all_floats(list(map(float, numbers)), field, connection)
    return _all_floats(orjson.loads(f"[{listed}]"), field, connection)


def _all_decimals_as_their_texts(
    numbers: Sequence[Any], _: models.Field[Any, Any], __: BaseDatabaseWrapper
) -> Sequence[Any]:
    """For a column that makes the same float of a text as Python does, and of a hundred digits one that is finite."""
    texts = list(map(str, numbers))
    if max(map(len, texts)) > _LONG or not _plain_numbers("\n".join(texts)):
        raise Misfit("not_finite", "some of them may not be finite")
    return texts


def _plain_numbers(texts: str) -> bool:
    """Whether texts of decimals, one a line or with commas between, have neither an exponent nor a word such as NaN."""
    return not texts.encode().translate(None, b"-.0123456789\n,")


def _all_decimals(
    numbers: Sequence[Any], field: models.Field[Any, Any], connection: BaseDatabaseWrapper
) -> Sequence[Any]:
    """Most numbers are stored as they are written, but for zeros at the end."""
    texts = list(map(str, numbers))
    lines = "\n".join(texts)
    if not _fitting_numbers(*decimal_digits(field, connection))(lines):
        raise Misfit("out_of_range", "some of them may not fit")
    if "0\n" not in f"{lines}\n":
        return texts
    return [_without_zeros(text) if text[-1] == "0" else text for text in texts]


def _without_zeros(number: str) -> str:
    """A number as ``format(..., "f")`` writes it: without zeros that say nothing."""
    return number.rstrip("0").rstrip(".") if "." in number else number


def _all_booleans(truths: Sequence[Any], _: models.Field[Any, Any], __: BaseDatabaseWrapper) -> Sequence[Any]:
    return truths


def _all_dates(days: Sequence[Any], _: models.Field[Any, Any], connection: BaseDatabaseWrapper) -> Sequence[Any]:
    if type(connection.ops).adapt_datefield_value is BaseDatabaseOperations.adapt_datefield_value:
        return orjson.dumps(days).decode()[2:-2].split('","')  # what it does to each that is not None
    return list(map(connection.ops.adapt_datefield_value, days))


@lru_cache(maxsize=256)
def _fitting_numbers(digits: int | None, places: int | None, safe: int | None) -> Callable[[str], Any]:
    """Whether lines are numbers that fit, written without an exponent, and none of them is -0."""
    behind = min(_SHORT if places is None else places, _SHORT)
    before = min(_SHORT if digits is None else digits - (places or 0), _SHORT)
    if before < 1 or (safe is not None and before + behind > safe):
        return re.compile(r"(?!)").fullmatch
    fraction = rf"(?:\.[0-9]{{1,{behind}}}+)?+" if behind else ""
    number = rf"-?+[1-9][0-9]{{0,{before - 1}}}+{fraction}|0{fraction}"
    if behind:
        number += rf"|-0\.(?!0++(?![0-9]))[0-9]{{1,{behind}}}+"
    return re.compile(rf"(?:{number})(?:\n(?:{number}))*+").fullmatch


_EncodeAll = Callable[[Sequence[Any], Any, Any], Sequence[Any]]
_ALL_AT_ONCE: dict[tuple[type[models.Field[Any, Any]], str], dict[type, _EncodeAll]] = {
    **{(field, ""): {str: _all_texts} for field in TEXT_FIELDS},
    **{(field, ""): {int: _all_integers} for field in INTEGER_FIELDS},
    (models.DecimalField, ""): {Decimal: _all_decimals},
    (models.FloatField, ""): {float: _all_floats, Decimal: _all_decimals_as_floats},
    (models.FloatField, "double precision"): {float: _all_floats, Decimal: _all_decimals_as_their_texts},
    (models.BooleanField, ""): {bool: _all_booleans},
    (models.DateField, ""): {datetime.date: _all_dates},
}
