"""From a Python value to what the database stores, for one field; nothing is rounded, cut or guessed on the way."""

from __future__ import annotations

import datetime
import json
import math
import uuid
from collections.abc import Callable
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

Encoder = Callable[[Any], Any]


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


def holds_to_limits(field: models.Field[Any, Any]) -> bool:
    """Whether what is encoded for the field is within the field's own limits, as Django declares its column."""
    return type(field) in _STOCK


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
    low, high = integer_range(field, connection)

    def encode(value: int) -> int:
        if not low <= value <= high:
            raise Misfit("out_of_range", f"must be between {low} and {high}")
        return value

    return int, encode


def integer_range(field: models.Field[Any, Any], connection: BaseDatabaseWrapper) -> tuple[int, int]:
    """The integers that the column takes; 64 bits where the database tells no limits."""
    limits: tuple[int | None, int | None] = connection.ops.integer_field_range(field.get_internal_type())
    return -(2**63) if limits[0] is None else limits[0], 2**63 - 1 if limits[1] is None else limits[1]


def decimal_digits(
    field: models.Field[Any, Any], connection: BaseDatabaseWrapper
) -> tuple[int | None, int | None, int | None]:
    """How many digits a DecimalField has, how many of them behind the point, and how many are safe in all.

    SQLite keeps decimals as REAL, which has 15 safe digits (https://sqlite.org/datatype3.html).
    """
    return field.max_digits, field.decimal_places, 15 if connection.vendor == "sqlite" else None  # type: ignore[attr-defined]


def _decimal(field: models.Field[Any, Any], connection: BaseDatabaseWrapper) -> tuple[type, Encoder]:
    digits, places, safe = decimal_digits(field, connection)

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


TEXT_FIELDS = (
    models.CharField, models.EmailField, models.SlugField, models.URLField, models.TextField,
)  # fmt: skip
INTEGER_FIELDS = (
    models.IntegerField, models.BigIntegerField, models.SmallIntegerField, models.PositiveIntegerField,
    models.PositiveBigIntegerField, models.PositiveSmallIntegerField, models.AutoField, models.BigAutoField,
    models.SmallAutoField,
)  # fmt: skip
_STOCK: dict[type[models.Field[Any, Any]], Callable[[Any, BaseDatabaseWrapper], tuple[type, Encoder]]] = {
    **dict.fromkeys(TEXT_FIELDS, _text),
    **dict.fromkeys(INTEGER_FIELDS, _integer),
    models.DecimalField: _decimal,
    models.FloatField: _float,
    models.BooleanField: _boolean,
    models.DateField: _date,
    models.DateTimeField: _datetime,
    models.JSONField: _json,
    models.UUIDField: _uuid,
    models.BinaryField: _binary,
}
