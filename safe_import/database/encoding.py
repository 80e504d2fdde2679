"""From a Python value to what the database stores, for one field; nothing is rounded, cut or guessed on the way."""

from __future__ import annotations

import datetime
import json
import math
import re
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from decimal import Context, Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

Encoder = Callable[[Any], Any]
_NONE = type(None)
_LONG = 100  # digits, all of which, or zeros, a float has no more than it can hold
_SHORT = 30  # digits before or behind the point that most numbers have at most


class Misfit(ValueError):
    """A value that the column can't hold unchanged. ``code`` and the message go into the Problem of its row."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def encoder(field: models.Field[Any, Any], connection: BaseDatabaseWrapper) -> Encoder:
    """The function that prepares values of ``field`` for the database; it is never called with None.

    Django's stock fields have a fast one, because ``get_db_prep_save`` for every cell costs seconds per 100,000 rows;
    any other field, and a value of another type than the stock field's own, goes through the field's own preparation.

    Returns:
        A function that raises Misfit for what the column would round, cut or refuse.
    """
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    general = _general(field, connection)
    fast = _STOCK.get(type(field))
    if fast is None:
        return general
    own_type, encode = fast(field, connection)

    def encode_checked(value: Any) -> Any:
        if type(value) is own_type or own_type is object:
            return encode(value)
        python = _to_python(field, value)  # another type than the field's own: the field makes it into one
        return encode(python) if type(python) is own_type else general(python)

    return encode_checked


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
        types = set(map(type, values)) - {_NONE}
        encode_all = self._all_at_once.get(types.pop()) if len(types) == 1 else None
        if encode_all is not None:
            with suppress(Misfit):  # then it is told apart below, one by one
                return encode_all(values, self._field, self._connection), []
        encoded: list[Any] = [None] * len(values)
        misfits: list[tuple[int, Misfit]] = []
        for position, value in enumerate(values):
            if value is not None:
                try:
                    encoded[position] = self._encode(value)
                except Misfit as misfit:
                    misfits.append((position, misfit))
        return encoded, misfits


# For the commonest fields: a whole column of values of their own type at once, or Misfit.


def _all_texts(values: Sequence[Any], field: models.Field[Any, Any], _: BaseDatabaseWrapper) -> Sequence[Any]:
    limit = field.max_length if isinstance(field, models.CharField) else None
    too_long = limit is not None and max(map(len, filter(None, values)), default=0) > limit
    if too_long or "\0" in "".join(filter(None, values)):
        raise Misfit("too_long", "some of them do not fit")
    return values


def _all_integers(
    values: Sequence[Any], field: models.Field[Any, Any], connection: BaseDatabaseWrapper
) -> Sequence[Any]:
    low, high = _range(field, connection)
    numbers = [value for value in values if value is not None]
    if numbers and not (low <= min(numbers) and max(numbers) <= high):
        raise Misfit("out_of_range", "some of them do not fit")
    return values


def _all_floats(values: Sequence[Any], _: models.Field[Any, Any], __: BaseDatabaseWrapper) -> Sequence[Any]:
    if not all(map(math.isfinite, (value for value in values if value is not None))):
        raise Misfit("not_finite", "some of them are not finite")
    return values


def _all_decimals_as_floats(
    values: Sequence[Any], field: models.Field[Any, Any], connection: BaseDatabaseWrapper
) -> Sequence[Any]:
    return _all_floats([None if value is None else float(value) for value in values], field, connection)


def _all_decimals_as_their_texts(
    values: Sequence[Any], _: models.Field[Any, Any], __: BaseDatabaseWrapper
) -> Sequence[Any]:
    """For a column that makes the same float of a text as Python does, and of a hundred digits one that is finite."""
    texts = [None if value is None else str(value) for value in values]
    if max(map(len, filter(None, texts))) > _LONG or not _plain_numbers("\n".join(filter(None, texts))):
        raise Misfit("not_finite", "some of them may not be finite")
    return texts


def _plain_numbers(lines: str) -> bool:
    """Whether texts of decimals, one a line, have neither an exponent nor a word such as NaN."""
    return not lines.encode().translate(None, b"-.0123456789\n")


def _all_decimals(
    values: Sequence[Any], field: models.Field[Any, Any], connection: BaseDatabaseWrapper
) -> Sequence[Any]:
    """Most numbers are stored as they are written, but for zeros at the end."""
    texts = [None if value is None else str(value) for value in values]
    lines = "\n".join(filter(None, texts))
    if not _fitting_numbers(*_digits(field, connection))(lines):
        raise Misfit("not_plain", "some of them may not fit")
    if "0\n" not in f"{lines}\n":
        return texts
    return [_without_zeros(text) if text is not None and text[-1] == "0" else text for text in texts]


def _without_zeros(number: str) -> str:
    """A number as ``format(..., "f")`` writes it: without zeros that say nothing."""
    return number.rstrip("0").rstrip(".") if "." in number else number


def _all_booleans(values: Sequence[Any], _: models.Field[Any, Any], __: BaseDatabaseWrapper) -> Sequence[Any]:
    return values


def _all_dates(values: Sequence[Any], _: models.Field[Any, Any], connection: BaseDatabaseWrapper) -> Sequence[Any]:
    return list(map(connection.ops.adapt_datefield_value, values))


def _to_python(field: models.Field[Any, Any], value: Any) -> Any:
    if isinstance(value, (bytes, bytearray, memoryview)) and not isinstance(field, models.BinaryField):
        raise Misfit("not_text", "holds bytes, which could mean any text; decode them first")
    try:
        python = field.to_python(value)
    except (ValidationError, TypeError, ValueError, ArithmeticError):
        raise Misfit("not_valid", f"not a valid {field.get_internal_type()}") from None
    if _loses(value, python):
        raise Misfit("would_be_cut", f"a {field.get_internal_type()} can't hold all of it; cut or round it on purpose")
    return python


def _loses(value: Any, python: Any) -> bool:
    """Whether Django's conversion drops something without a word: the fraction of a number, the time of a date."""
    if type(python) is int and isinstance(value, (float, Decimal)):
        return bool(python != value)
    if type(python) is datetime.date and isinstance(value, datetime.datetime):
        local = timezone.localtime(value) if timezone.is_aware(value) else value
        return local.time() != datetime.time()
    return False


def _general(field: models.Field[Any, Any], connection: BaseDatabaseWrapper) -> Encoder:
    def encode(value: Any) -> Any:
        return field.get_db_prep_save(_to_python(field, value), connection)

    return encode


def _text(field: models.Field[Any, Any], connection: BaseDatabaseWrapper) -> tuple[type, Encoder]:
    limit = field.max_length if isinstance(field, models.CharField) else None

    def encode(value: str) -> str:
        if limit is not None and len(value) > limit:
            raise Misfit("too_long", f"at most {limit} characters fit into this field")
        if "\0" in value:
            raise Misfit("nul_character", "holds a NUL character, which no database text can hold")
        return value

    return str, encode


def _integer(field: models.Field[Any, Any], connection: BaseDatabaseWrapper) -> tuple[type, Encoder]:
    low, high = _range(field, connection)

    def encode(value: int) -> int:
        if not low <= value <= high:
            raise Misfit("out_of_range", f"must be between {low} and {high}")
        return value

    return int, encode


def _range(field: models.Field[Any, Any], connection: BaseDatabaseWrapper) -> tuple[int, int]:
    """The integers that the column takes; 64 bits where the database tells no limits."""
    limits: tuple[int | None, int | None] = connection.ops.integer_field_range(field.get_internal_type())
    return -(2**63) if limits[0] is None else limits[0], 2**63 - 1 if limits[1] is None else limits[1]


def _digits(
    field: models.Field[Any, Any], connection: BaseDatabaseWrapper
) -> tuple[int | None, int | None, int | None]:
    """How many digits a DecimalField has, how many of them behind the point, and how many are safe in all.

    SQLite keeps decimals as REAL, which has 15 safe digits (https://sqlite.org/datatype3.html).
    """
    return field.max_digits, field.decimal_places, 15 if connection.vendor == "sqlite" else None  # type: ignore[attr-defined]


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


def _decimal(field: models.Field[Any, Any], connection: BaseDatabaseWrapper) -> tuple[type, Encoder]:
    digits, places, safe = _digits(field, connection)

    def encode(value: Decimal) -> Any:
        if not value.is_finite():
            raise Misfit("not_finite", "must be a finite number")
        # In a context that is wide enough: the usual one would round beyond 28 digits.
        plain = Context(prec=max(28, len(value.as_tuple().digits))).normalize(value) if value else Decimal(0)
        _, figures, exponent = plain.as_tuple()
        exponent = int(exponent)  # it is one: the number is finite
        if places is not None and -exponent > places:
            raise Misfit("too_many_places", f"at most {places} decimal places fit into this field")
        if digits is not None and len(figures) + exponent > digits - (places or 0):
            raise Misfit(
                "out_of_range", f"at most {digits - (places or 0)} digits before the point fit into this field"
            )
        if safe is not None and len(figures) + max(exponent, 0) > safe:
            raise Misfit("too_many_digits", f"SQLite keeps {safe} digits of a number at most")
        return format(plain, "f")

    return Decimal, encode


def _float(field: models.Field[Any, Any], connection: BaseDatabaseWrapper) -> tuple[type, Encoder]:
    def encode(value: float) -> float:
        if not math.isfinite(value):
            raise Misfit("not_finite", "must be a finite number")
        return value

    return float, encode


def _boolean(field: models.Field[Any, Any], connection: BaseDatabaseWrapper) -> tuple[type, Encoder]:
    return bool, lambda value: value


def _date(field: models.Field[Any, Any], connection: BaseDatabaseWrapper) -> tuple[type, Encoder]:
    return datetime.date, connection.ops.adapt_datefield_value


def _datetime(field: models.Field[Any, Any], connection: BaseDatabaseWrapper) -> tuple[type, Encoder]:
    def encode(value: datetime.datetime) -> Any:
        if settings.USE_TZ and timezone.is_naive(value):
            value = _aware(value)
        return connection.ops.adapt_datetimefield_value(value)

    return datetime.datetime, encode


def _aware(value: datetime.datetime) -> datetime.datetime:
    """A local time in the current time zone; one that a change of the clocks skips or doubles is refused."""
    early, late = (timezone.make_aware(value.replace(fold=fold)) for fold in (0, 1))
    if early.utcoffset() != late.utcoffset():
        raise Misfit("ambiguous_time", "the clocks change at this local time, so it names none or two; give an offset")
    return early


def _json(field: models.Field[Any, Any], connection: BaseDatabaseWrapper) -> tuple[type, Encoder]:
    encoder_class = field.encoder  # type: ignore[attr-defined]  # a JSONField
    return object, lambda value: json.dumps(value, cls=encoder_class)


def _uuid(field: models.Field[Any, Any], connection: BaseDatabaseWrapper) -> tuple[type, Encoder]:
    native = connection.features.has_native_uuid_field
    return uuid.UUID, lambda value: str(value) if native else value.hex


def _binary(field: models.Field[Any, Any], connection: BaseDatabaseWrapper) -> tuple[type, Encoder]:
    """Plain bytes: what ``get_db_prep_save`` makes of them is for parameters of the driver alone."""

    def encode(value: Any) -> bytes:
        return bytes(value if isinstance(value, (bytes, bytearray, memoryview)) else _to_python(field, value))

    return object, encode


_TEXT_FIELDS = (
    models.CharField, models.EmailField, models.SlugField, models.URLField, models.TextField,
)  # fmt: skip
_INTEGER_FIELDS = (
    models.IntegerField, models.BigIntegerField, models.SmallIntegerField, models.PositiveIntegerField,
    models.PositiveBigIntegerField, models.PositiveSmallIntegerField, models.AutoField, models.BigAutoField,
    models.SmallAutoField,
)  # fmt: skip
_STOCK: dict[type[models.Field[Any, Any]], Callable[[Any, BaseDatabaseWrapper], tuple[type, Encoder]]] = {
    **dict.fromkeys(_TEXT_FIELDS, _text),
    **dict.fromkeys(_INTEGER_FIELDS, _integer),
    models.DecimalField: _decimal,
    models.FloatField: _float,
    models.BooleanField: _boolean,
    models.DateField: _date,
    models.DateTimeField: _datetime,
    models.JSONField: _json,
    models.UUIDField: _uuid,
    models.BinaryField: _binary,
}

_EncodeAll = Callable[[Sequence[Any], Any, Any], Sequence[Any]]
_ALL_AT_ONCE: dict[tuple[type[models.Field[Any, Any]], str], dict[type, _EncodeAll]] = {
    **{(field, ""): {str: _all_texts} for field in _TEXT_FIELDS},
    **{(field, ""): {int: _all_integers} for field in _INTEGER_FIELDS},
    (models.DecimalField, ""): {Decimal: _all_decimals},
    (models.FloatField, ""): {float: _all_floats, Decimal: _all_decimals_as_floats},
    (models.FloatField, "double precision"): {float: _all_floats, Decimal: _all_decimals_as_their_texts},
    (models.BooleanField, ""): {bool: _all_booleans},
    (models.DateField, ""): {datetime.date: _all_dates},
}
