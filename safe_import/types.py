"""Value types for rows. What would lose information, or had to be guessed, is an error.

Plain pydantic takes ``1_000``, ``1.0``, Arabic digits or ``nan`` for numbers, ``20240131`` for a day in 1970 and
``Bob <b@x.org>`` for an address. Here a shape (a regular expression) stands before every number, date and address.

The parsers are ``BeforeValidator``, never ``PlainValidator``: behind the latter pydantic silently ignores
``Field(max_digits=..., decimal_places=...)``.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

from django.conf import settings
from django.utils import timezone
from pydantic import BeforeValidator, Field, StringConstraints

from safe_import import strict_json
from safe_import.clock_types import Duration, Time
from safe_import.errors import SpecError
from safe_import.invalid import Invalid
from safe_import.spelling import did_you_mean, fold, listed

if TYPE_CHECKING:
    import enum
    from collections.abc import Callable, Iterable

__all__ = [
    "EMAIL_PATTERN", "TEXT_PATTERN", "Boolean", "Choice", "Date", "DateTime", "Duration", "Email", "Integer", "Invalid",
    "Json", "Many", "Number", "NumberWithComma", "Text", "Time", "Uuid", "date_in", "many", "one_of",
]  # fmt: skip

_INTEGER_SHAPE = re.compile(r"[+-]?[0-9]{1,40}").fullmatch
_INTEGER_LIMIT = 2**63
_LARGEST_EXPONENT = 1_000
_NUMBER_SHAPE = re.compile(r"[+-]?(?:[0-9]{1,100}(?:\.[0-9]{1,100})?|\.[0-9]{1,100})").fullmatch
_COMMA_SHAPE = re.compile(r"[+-]?(?:[0-9]{1,100}(?:,[0-9]{1,100})?|,[0-9]{1,100})").fullmatch
_DATE_SHAPE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ]00:00:00)?").fullmatch  # some programs add the midnight
_DATETIME_SHAPE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?"
).fullmatch
_UUID_SHAPE = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}").fullmatch
BOOLEANS = {
    spelling: truth
    for truth, spellings in ((True, "true yes y 1 t"), (False, "false no n 0 f"))
    for spelling in spellings.split()
}

# PostgreSQL can't store a NUL character in a text.
TEXT_PATTERN = r"^[^\x00]*$"
_ATOM = r"[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}-]*[\p{L}\p{M}\p{N}])?"
_TOP_LABEL = r"\p{L}(?:[\p{L}\p{M}\p{N}-]*[\p{L}\p{M}\p{N}])"
EMAIL_PATTERN = rf"^{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+{_TOP_LABEL}$"


def _integer(value: object) -> int:
    if isinstance(value, str):
        if not _INTEGER_SHAPE(value := value.strip()):
            raise Invalid("not_an_integer", "a whole number is expected, digits only")
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Invalid("not_an_integer", "a whole number is expected")
    if not -_INTEGER_LIMIT <= value < _INTEGER_LIMIT:
        raise Invalid("out_of_range", "the number does not fit into 64 bits")
    return value


def _number(value: object) -> Decimal:
    if isinstance(value, str):
        if not _NUMBER_SHAPE(value := value.strip()):
            raise Invalid("not_a_number", "a number such as -12.5 is expected, no exponent or thousands separator")
        return Decimal(value)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        if (
            number.is_finite() and abs(number.adjusted()) <= _LARGEST_EXPONENT
        ):  # written out, 1e999999999 fills the memory
            return number
    raise Invalid("not_a_number", "a number is expected")


def _number_with_comma(value: object) -> Decimal:
    if isinstance(value, str):
        if not _COMMA_SHAPE(value := value.strip()):
            raise Invalid("not_a_number", "a number such as -12,5 is expected, no exponent or thousands separator")
        value = value.replace(",", ".")
    return _number(value)


def _boolean(value: object) -> bool:
    spelling = value.strip().casefold() if isinstance(value, str) else str(value).casefold()
    truth = BOOLEANS.get(spelling)
    if truth is None:
        raise Invalid("not_a_boolean", "true or false (yes/no, y/n, 1/0, t/f) is expected")
    return truth


def _date(value: object) -> dt.date:
    return _whole_day(value, "2024-01-31", _iso_day)


def _whole_day(value: object, example: str, parse: Callable[[str], dt.date]) -> dt.date:
    if isinstance(value, str):
        return parse(value.strip())
    if isinstance(value, dt.datetime):
        if value.time() != dt.time.min or value.tzinfo is not None:
            raise Invalid("not_a_date", "a day without a time is expected")
        return value.date()
    if isinstance(value, dt.date):
        return value
    raise Invalid("not_a_date", f"a date such as {example} is expected")


def _iso_day(text: str) -> dt.date:
    if not _DATE_SHAPE(text):
        raise Invalid("not_a_date", "a date such as 2024-01-31 is expected")
    try:
        return dt.date.fromisoformat(text[:10])
    except ValueError:
        raise Invalid("no_such_date", "the calendar has no such day") from None


def date_in(*formats: str) -> BeforeValidator:
    """Accept dates in formats of ``strptime`` instead of ISO; a cell that means two days, by two of them, is an error.

    Example: ``Annotated[date, date_in("%d.%m.%Y")]``.
    """
    example = " or ".join(dt.date(2024, 1, 31).strftime(layout) for layout in formats)

    def parse(text: str) -> dt.date:
        days = {day for layout in formats if (day := _day_in(layout, text))}
        if len(days) > 1:
            raise Invalid("ambiguous_date", f"two days fit, by the accepted formats ({example})")
        if not days:
            raise Invalid("not_a_date", f"a date such as {example} is expected")
        return days.pop()

    return BeforeValidator(lambda value: _whole_day(value, example, parse))


def _day_in(layout: str, text: str) -> dt.date | None:
    if len(text) > 64 or any(mark.isdigit() and not mark.isascii() for mark in text):
        return None
    try:
        return dt.datetime.strptime(text, layout).date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return None


def _datetime(value: object) -> dt.datetime:
    if isinstance(value, str):
        if not _DATETIME_SHAPE(value := value.strip()):
            raise Invalid("not_a_datetime", "a date and time such as 2024-01-31T17:30:00 or ...+01:00 is expected")
        try:
            value = dt.datetime.fromisoformat(value)
        except ValueError:
            raise Invalid("no_such_datetime", "the calendar, or the clock, has no such moment") from None
    if not isinstance(value, dt.datetime):
        raise Invalid("not_a_datetime", "a date with a time is expected")
    return _in_project_time(value)


def _in_project_time(value: dt.datetime) -> dt.datetime:
    """Make a moment aware where the project is; a local time that does not exist, or exists twice, is an error."""
    if not settings.USE_TZ:
        if value.tzinfo is not None:
            raise Invalid("offset_not_expected", "a local time without an offset is expected (USE_TZ is off)")
        return value
    if value.tzinfo is None:
        zone = timezone.get_default_timezone()
        value, after = value.replace(tzinfo=zone, fold=0), value.replace(tzinfo=zone, fold=1)
        if value.utcoffset() != after.utcoffset():
            raise Invalid("no_such_local_time", f"no single moment in {zone} (the clocks change then): add an offset")
    try:
        value.astimezone(dt.UTC)
    except OverflowError:
        raise Invalid("no_such_datetime", "the moment lies outside the years 1 to 9999") from None
    return value


def _uuid(value: object) -> uuid.UUID:
    if isinstance(value, str) and _UUID_SHAPE(value := value.strip()):
        return uuid.UUID(value)
    if isinstance(value, uuid.UUID):
        return value
    raise Invalid("not_a_uuid", "a UUID such as 6f1c2e0a-9b1d-4c7e-8a53-0d2f4b6c8e10 is expected")


def many(delimiter: str = ";") -> BeforeValidator:
    """Accept a list of texts in one cell; empty elements are left out.

    Example: ``Annotated[tuple[str, ...], many("|")]``.
    """

    def split(value: object) -> tuple[str, ...]:
        elements = value.split(delimiter) if isinstance(value, str) else value
        if not isinstance(elements, list | tuple) or not all(isinstance(element, str) for element in elements):
            raise Invalid("not_a_list", f"texts separated by {delimiter!r} are expected")
        return tuple(text for element in elements if (text := element.strip()))

    return BeforeValidator(split)


def _json(value: object) -> object:
    try:
        return strict_json.loads(value) if isinstance(value, str) else strict_json.checked(value)
    except ValueError as error:
        raise Invalid("not_json", str(error)) from None


def one_of(choices: type[enum.Enum] | Iterable[str]) -> BeforeValidator:
    """Accept the values and labels of a ``TextChoices``, or some texts.

    Case, blanks, underscores and hyphens do not matter; the row gets the spelling that the choices have.
    Example: ``Annotated[str, one_of(ROLES)]``.

    Raises:
        SpecError: two choices differ in nothing else.
    """
    canonical = _vocabulary(choices)
    names = list(dict.fromkeys(canonical.values()))
    exact = dict(zip(names, names, strict=True))

    def choose(value: object) -> str:
        found = exact.get(value) or canonical.get(fold(value)) if isinstance(value, str) else None
        if found is None:
            hint = did_you_mean(value, names) if isinstance(value, str) else ""
            raise Invalid("not_a_choice", f"not a choice; {hint or f'one of these is expected: {listed(names)}'}")
        return found

    return BeforeValidator(choose)


def _vocabulary(choices: type[enum.Enum] | Iterable[str]) -> dict[str, str]:
    if isinstance(choices, type):
        pairs = [(spelling, str(value)) for value, label in choices.choices for spelling in (str(value), str(label))]  # type: ignore[attr-defined]
    else:
        pairs = [(name, name) for name in choices]
    canonical: dict[str, str] = {}
    for spelling, value in pairs:
        if spelling and canonical.setdefault(fold(spelling), value) != value:
            raise SpecError(
                f"The choices {canonical[fold(spelling)]!r} and {value!r} are the same but for case and separators."
            )
    return canonical


Text = Annotated[str, Field(coerce_numbers_to_str=True), StringConstraints(pattern=TEXT_PATTERN)]
Email = Annotated[str, StringConstraints(pattern=EMAIL_PATTERN, max_length=254)]
Integer = Annotated[int, BeforeValidator(_integer)]
Number = Annotated[Decimal, BeforeValidator(_number)]
NumberWithComma = Annotated[Decimal, BeforeValidator(_number_with_comma)]
Boolean = Annotated[bool, BeforeValidator(_boolean)]
Date = Annotated[dt.date, BeforeValidator(_date)]
DateTime = Annotated[dt.datetime, BeforeValidator(_datetime)]
Many = Annotated[tuple[str, ...], many()]
Uuid = Annotated[uuid.UUID, BeforeValidator(_uuid)]
Json = Annotated[Any, BeforeValidator(_json)]

if TYPE_CHECKING:
    _Choices = TypeVar("_Choices")

    class Choice(str, Generic[_Choices]):
        """One of a vocabulary: ``Choice[Stage]`` of a ``TextChoices``. The row gets a plain ``str``."""

else:

    class Choice:
        """One of a vocabulary: ``Choice[Stage]`` of a ``TextChoices``, or ``Choice[ROLES]`` of a tuple of texts."""

        def __class_getitem__(cls, choices: Any) -> Any:
            return Annotated[str, one_of(choices)]
