"""The values of cells, as spreadsheets store them, and those that are none."""

from __future__ import annotations

import datetime as dt
import re

from safe_import.sources.base import BadCell

FAILED = BadCell("cell_error", "the cell holds an error of the spreadsheet (such as #N/A); correct its formula")
NOT_CALCULATED = BadCell(
    "formula_without_value", "the formula has no stored value; open the file in a spreadsheet program and save it"
)
NOT_A_NUMBER = BadCell("not_a_number", "the cell is marked as a number and holds none; enter it anew")
TOO_MANY_DIGITS = BadCell(
    "too_many_digits", "spreadsheets keep 15 digits of a number, and this one has more; enter it anew as text"
)
NO_SUCH_DATE = BadCell("no_such_date", "the cell is shown as a date, but the calendar has no such day; correct it")
AMBIGUOUS_DATE = BadCell(
    "ambiguous_date", "spreadsheets disagree on dates before March 1900; enter it as text, such as 1900-01-31"
)
NOT_TEXT = BadCell("not_text", "the text holds half a character (a lone surrogate)")

_INTEGER = re.compile(r"-?[0-9]{1,15}").fullmatch
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?").fullmatch
_EXACT = 2**53  # floats below it hold every whole number
_MILLISECONDS_A_DAY = 86_400_000
_EPOCH_1904 = dt.datetime(1904, 1, 1)  # noqa: DTZ001 - a spreadsheet has no zones
_EPOCH_1900 = dt.datetime(1899, 12, 30)  # noqa: DTZ001
_MARCH_1900 = 61  # Excel has a 29th of February before it, which the calendar has not; others count without it


def number(text: str) -> int | float | BadCell:
    """Return a number as it is stored; a whole one as an integer, however it is written."""
    if _INTEGER(text):
        return int(text)
    if not _NUMBER(text):
        return NOT_A_NUMBER
    return settled(float(text))


def settled(value: float) -> int | float | BadCell:
    """Return a number as an integer when it is whole."""
    if not value.is_integer():
        return value if abs(value) < float("inf") else NOT_A_NUMBER
    return int(value) if abs(value) < _EXACT else TOO_MANY_DIGITS


def moment(serial: float | BadCell, since_1904: bool) -> dt.datetime | dt.time | BadCell:
    """Return the date that a number stands for; less than a day is a time of day.

    Args:
        serial: days since the epoch.
        since_1904: which of the two epochs the file has.
    """
    if isinstance(serial, BadCell):
        return serial
    length = duration(serial)
    if isinstance(length, BadCell) or (serial < 0 and since_1904):
        return NO_SUCH_DATE
    if dt.timedelta() <= length < dt.timedelta(days=1):
        return time_of_day(length)
    if serial < _MARCH_1900 and not since_1904:
        return AMBIGUOUS_DATE
    try:
        return (_EPOCH_1904 if since_1904 else _EPOCH_1900) + length
    except OverflowError:
        return NO_SUCH_DATE


def time_of_day(since_midnight: dt.timedelta) -> dt.time:
    """Return the time of a clock, so long after midnight."""
    return (_EPOCH_1904 + since_midnight).time()


def duration(days: float) -> dt.timedelta | BadCell:
    """Return the length of time that a number of days stands for."""
    try:
        return dt.timedelta(milliseconds=round(days * _MILLISECONDS_A_DAY))
    except OverflowError:
        return NO_SUCH_DATE


def iso_moment(text: str) -> dt.datetime | BadCell:
    """Return the date that is written as ISO has it."""
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        return NO_SUCH_DATE


def too_long(limit: int) -> BadCell:
    """Return what stands for a cell with too many characters."""
    return BadCell("cell_too_long", f"the cell is longer than {limit:,} characters (SAFE_IMPORT MAX_CELL_LENGTH)")
