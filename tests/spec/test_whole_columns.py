"""What is validated a column at a time is what pydantic takes cell by cell, and becomes the same."""

from __future__ import annotations

import decimal
from typing import Annotated, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import AfterValidator, ConfigDict, Field, ValidationError

from safe_import.spec.row import Row
from safe_import.spec.whole_columns import at_once, column_adapter
from safe_import.types import Boolean, Date, Email, Integer, Number, NumberWithComma, Text

_STOCK = {
    "text": Text, "boolean": Boolean, "integer": Integer, "number": Number, "comma": NumberWithComma, "date": Date,
}  # fmt: skip
_ODD = (
    "1", "-1", "+5", "007", "00.10", "-0", "+0", "-0.0", ".5", "5.", "-.5", ".", "-", "+", "", "1e5", "1E5", "1.2.3",
    "1-2", "--1", "+-1", "1_000", "1,5", ",5", "5,", "1,2,3", "1.000,5", "\uff11\uff12", "١٢", "²", "nan", "inf",
    "-inf", "0x10", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
    "9" * 18, "9" * 40, "9" * 41, "0" * 41, "1" * 100, "1" * 101, "1" * 201, f"-{'1' * 100}.{'1' * 100}",
    f".{'1' * 101}", "yes", "Yes", "YES", "yEs", "y", "T", "on", "true", "TRUE", "False", "tru", "ﬁ", "\u0131",
    "2024-02-29", "2023-02-29", "2024-02-30", "2024-00-10", "0000-01-01", "2024-W01-1", "20240131", "2024-1-31",
    "2024-01-3\uff11", "\uff12024-01-31", "2024-01-31T00:00:00", "2024-01-31 00:00:00", "2024-01-31T00:00:01",
    "24-01-2024", "2024/01/31", "-024-01-31", "20240-1-31", "2024-01--1", "-2024-0131", "1\n2", "2024\n01-31", "a\0b",
    "\0", "\ud800", "é", "\x1f", "x" * 5_000,
)  # fmt: skip
_cells = (
    st.sampled_from(_ODD)
    | st.text("0123456789-+.,eE_ ", max_size=12)
    | st.dates().map(str)
    | st.integers(-(2**70), 2**70).map(str)
    | st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str)
    | st.text(st.characters(), max_size=5)
).map(str.strip)


class _PlainRow(Row):
    """A field of every stock type, needed and not."""

    text: Text
    boolean: Boolean
    integer: Integer
    number: Number
    comma: NumberWithComma
    date: Date
    text_or_none: Text | None = None
    boolean_or_none: Boolean | None = None
    integer_or_none: Integer | None = None
    number_or_none: Number | None = None
    comma_or_none: NumberWithComma | None = None
    date_or_none: Date | None = None


def _column(model: type[Row], name: str) -> tuple[Any, Any]:
    adapter = column_adapter(model.model_fields[name], model.model_config)
    return adapter, at_once(adapter, model.model_config)


def _told(values: Any) -> list[tuple[type, str]]:
    """Types and texts, as 1 == True and 0.10 == 0.1."""
    return [(type(value), repr(value)) for value in values]


@pytest.mark.parametrize("name", _STOCK)
@given(cells=st.lists(_cells, min_size=1, max_size=4))
@example(cells=["1.", "2"])
@example(cells=["2024-01-31", "-024-01-31"])
def test_it_takes_no_more_than_the_type_and_makes_the_same_of_it(name: str, cells: list[str]) -> None:
    """Whatever the cells are."""
    adapter, function = _column(_PlainRow, name)
    values = function(cells, "\n".join(cells))
    if values is not None:
        assert _told(values) == _told(adapter.validate_python(cells))


@pytest.mark.parametrize("name", _STOCK)
@pytest.mark.parametrize("cell", _ODD)
def test_an_odd_cell_is_taken_by_itself_and_beside_a_plain_one_as_its_type_takes_it(name: str, cell: str) -> None:
    """Each of them, as chance may not come by it."""
    adapter, function = _column(_PlainRow, name)
    plain = {"text": "a", "boolean": "yes", "date": "2024-01-31"}.get(name, "12")
    for cells in ([cell.strip()], [cell.strip(), plain], [plain, cell.strip(), plain]):
        values = function(cells, "\n".join(cells))
        try:
            expected = _told(adapter.validate_python(cells))
        except ValidationError:
            expected = None
        assert values is None or _told(values) == expected


@pytest.mark.parametrize("suffix", ["", "_or_none"])
@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("text", ["a", "é", "a\nb"]),
        ("boolean", ["yes", "NO", "True", "0"]),
        ("integer", ["1", "-2", "+3", "007"]),
        ("number", ["1.50", "-2", ".5", "+7"]),
        ("comma", ["1,50", "-2", ",5"]),
        ("date", ["2024-01-31", "0001-01-01"]),
    ],
)
def test_plain_cells_are_taken(name: str, suffix: str, cells: list[str]) -> None:
    """So that the tests above compare something."""
    adapter, function = _column(_PlainRow, name + suffix)
    assert _told(function(cells, "\n".join(cells))) == _told(adapter.validate_python(cells))


def test_numbers_are_told_from_what_is_none_whatever_the_context_of_decimals() -> None:
    """A program may have switched off its traps, which makes NaN of anything."""
    _, function = _column(_PlainRow, "number")
    with decimal.localcontext() as context:
        context.traps[decimal.InvalidOperation] = False
        assert function(["1-2", "1"], "1-2\n1") is None


class _AlteredRow(Row):
    """Stock types with something more, and others."""

    longest: Annotated[Text, Field(max_length=3)]
    least: Annotated[Integer, Field(ge=0)]
    digits: Annotated[Number, Field(max_digits=3)]
    checked: Annotated[Date, AfterValidator(lambda day: day)]
    strict: Annotated[Boolean, Field(strict=True)]
    email: Email
    bare: str
    whole: int


class _ConfiguredRow(Row):
    """A stock type under other rules."""

    model_config = ConfigDict(str_to_upper=True)

    text: Text


@pytest.mark.parametrize("name", _AlteredRow.model_fields)
def test_a_type_that_is_altered_goes_cell_by_cell(name: str) -> None:
    """What was added would not be asked."""
    assert _column(_AlteredRow, name)[1] is None


def test_a_model_with_a_config_of_its_own_goes_cell_by_cell() -> None:
    """It may change what any type takes."""
    assert _column(_ConfiguredRow, "text")[1] is None
