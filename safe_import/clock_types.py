"""Value types for times of day and lengths of time. Public names are those of ``safe_import.types``.

Plain pydantic takes ``3600`` for one in the morning and ``1:30`` for a minute and a half.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated

from pydantic import BeforeValidator

from safe_import.invalid import Invalid

_TIME_SHAPE = re.compile(r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?").fullmatch
_SECONDS = r"(?P<seconds>{}(?:\.[0-9]{{1,6}})?)"
_CLOCK_SHAPE = re.compile(
    r"(?P<sign>-?)(?:(?P<days>[0-9]{1,9}) )?(?P<hours>[0-9]{1,9}):(?P<minutes>[0-5][0-9]):"
    + _SECONDS.format("[0-5][0-9]")
).fullmatch
_ISO_SHAPE = re.compile(
    r"(?P<sign>-?)P(?=[0-9T])(?:(?P<days>[0-9]{1,9})D)?"
    r"(?:T(?=[0-9])(?:(?P<hours>[0-9]{1,9})H)?(?:(?P<minutes>[0-9]{1,9})M)?(?:"
    + _SECONDS.format("[0-9]{1,9}")
    + "S)?)?"
).fullmatch
_MIDNIGHT = dt.datetime(1, 1, 1)  # noqa: DTZ001 - a clock has no zone
_DAY = dt.timedelta(days=1)


def _time(value: object) -> dt.time:
    if isinstance(value, str):
        if not _TIME_SHAPE(value := value.strip()):
            raise Invalid("not_a_time", "a time of day such as 17:30 or 17:30:05 is expected")
        try:
            return dt.time.fromisoformat(value)
        except ValueError:
            raise Invalid("no_such_time", "the clock has no such time") from None
    if isinstance(value, dt.timedelta) and dt.timedelta() <= value < _DAY:  # how a cell is shown, not what it is
        return (_MIDNIGHT + value).time()
    if not isinstance(value, dt.time) or value.tzinfo is not None:
        raise Invalid("not_a_time", "a time of day without a date is expected")
    return value


def _duration(value: object) -> dt.timedelta:
    if isinstance(value, str):
        found = _CLOCK_SHAPE(value := value.strip()) or _ISO_SHAPE(value)
        if found is None:
            raise Invalid("not_a_duration", "a length of time such as 36:30:00, 1 12:30:00 or P1DT12H30M is expected")
        return _length(found)
    if isinstance(value, dt.time):  # how a cell is shown, not what it is
        return dt.datetime.combine(_MIDNIGHT.date(), value.replace(tzinfo=None)) - _MIDNIGHT
    if not isinstance(value, dt.timedelta):
        raise Invalid("not_a_duration", "a length of time is expected")
    return value


def _length(found: re.Match[str]) -> dt.timedelta:
    seconds, _, fraction = (found["seconds"] or "0").partition(".")
    try:
        length = dt.timedelta(
            days=int(found["days"] or 0),
            hours=int(found["hours"] or 0),
            minutes=int(found["minutes"] or 0),
            seconds=int(seconds),
            microseconds=int(fraction.ljust(6, "0")),
        )
    except OverflowError:
        raise Invalid("out_of_range", "the length of time is beyond 999,999,999 days") from None
    return -length if found["sign"] else length


def written(length: dt.timedelta) -> str:
    """Return a length of time as ``Duration`` reads it."""
    sign, length = ("-", -length) if length < dt.timedelta() else ("", length)
    hours, rest = divmod(length, dt.timedelta(hours=1))
    fraction = f".{rest.microseconds:06}" if rest.microseconds else ""
    return f"{sign}{hours}:{rest.seconds // 60:02}:{rest.seconds % 60:02}{fraction}"


Time = Annotated[dt.time, BeforeValidator(_time)]
Duration = Annotated[dt.timedelta, BeforeValidator(_duration)]
