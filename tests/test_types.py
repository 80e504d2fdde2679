"""Value types lose nothing and guess nothing. What each accepts is tested from ``docs/input.md``."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from django.db.models import TextChoices
from hypothesis import given
from hypothesis import strategies as st

from safe_import.errors import SpecError
from safe_import.types import Boolean, Choice, Date, DateTime, Email, Integer, Json, Number, Text, one_of
from tests.input_samples import TYPES, validated

if TYPE_CHECKING:
    from pytest_django.fixtures import SettingsWrapper

CANARY = "c4n4ry"


def codes(field_type: Any, value: Any) -> list[str]:
    """The codes of what is wrong with a value."""
    return [problem.code for problem in validated(field_type, value).problems]


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_integer_of_64_bits_is_read_exactly(number: int) -> None:
    """What was written is what is read, for the whole range of a 64-bit column."""
    assert validated(Integer, str(number)).row.cell == number


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**50), max_value=10**50, places=20))
def test_every_decimal_is_read_exactly(number: Decimal) -> None:
    """No digit of a number is lost, however many it has."""
    assert validated(Number, f"{number:f}").row.cell == number


@given(st.dates())
def test_every_date_is_read_exactly(day: dt.date) -> None:
    """ISO dates are read as the day they name."""
    assert validated(Date, day.isoformat()).row.cell == day


@given(st.sampled_from(sorted(TYPES)), st.text())
def test_whatever_stands_in_a_cell_is_a_value_or_a_problem(type_name: str, cell: str) -> None:
    """No text makes a type fail with an exception of another kind."""
    result = validated(TYPES[type_name], cell)
    assert (result.row is None) == bool(result.problems)


@pytest.mark.parametrize("type_name", sorted(TYPES))
@pytest.mark.parametrize(
    "cell", [CANARY, f"{CANARY} <x>", f"{{{CANARY}}}", f'{{"{CANARY}": 1, "{CANARY}": 2}}', f"{CANARY}\0", f"1{CANARY}"]
)
def test_no_problem_holds_the_value_of_a_cell(type_name: str, cell: str) -> None:
    """Messages are made of codes and limits alone."""
    assert CANARY not in repr(validated(TYPES[type_name], cell).problems)


@pytest.mark.parametrize("digits", ["9" * 5_000, f"-{'9' * 5_000}", "9" * 41, "9223372036854775808"])
def test_a_number_beyond_64_bits_is_a_field_error(digits: str) -> None:
    """However long: it never reaches the database, and never an exception of Python's own."""
    assert codes(Integer, digits)[0] in {"not_an_integer", "out_of_range"}


@pytest.mark.parametrize("cell", ["NaN", "sNaN", "Infinity", "-inf", "1E+1000000", "1e400", "0x10", "9" * 5_000, "²"])
def test_what_is_no_plain_number_is_a_field_error(cell: str) -> None:
    """Python's Decimal takes most of these."""
    assert codes(Number, cell) == ["not_a_number"]


@pytest.mark.parametrize(
    ("field_type", "value", "expected"),
    [
        (Integer, 7, 7),
        (Number, 1.1, Decimal("1.1")),
        (Number, 3, Decimal(3)),
        (Boolean, True, True),
        (Boolean, 0, False),
        (Date, dt.date(2024, 1, 31), dt.date(2024, 1, 31)),
        (Date, dt.datetime(2024, 1, 31), dt.date(2024, 1, 31)),  # noqa: DTZ001 - as spreadsheets give days
        (Text, 2025550123, "2025550123"),
        (Json, {"a": [1, None]}, {"a": [1, None]}),
    ],
)
def test_values_that_have_their_type_already_are_taken(field_type: Any, value: Any, expected: Any) -> None:
    """Sources such as spreadsheets and JSON bring values that are no texts."""
    found = validated(field_type, value).row.cell
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("field_type", "value", "code"),
    [
        (Integer, True, "not_an_integer"),
        (Integer, 1.0, "not_an_integer"),
        (Number, True, "not_a_number"),
        (Number, float("nan"), "not_a_number"),
        (Boolean, 2, "not_a_boolean"),
        (Date, dt.datetime(2024, 1, 31, 12), "not_a_date"),  # noqa: DTZ001 - as spreadsheets give moments
        (Date, 45322, "not_a_date"),
        (DateTime, dt.date(2024, 1, 31), "not_a_datetime"),
        (Text, True, "not_text"),
        (Text, "\ud800", "not_text"),
        (Email, 5, "not_text"),
        (Json, "[" * 100_000, "not_json"),
        (Json, '"\ud800"', "not_json"),
        (Json, "9" * 5_000, "not_json"),
        (Json, "0.1000000000000000055511151231257827", "not_json"),
        (Json, "1e-99999999999999999999", "not_json"),
    ],
)
def test_values_of_another_type_are_refused(field_type: Any, value: Any, code: str) -> None:
    """Nothing is converted that would lose or invent something."""
    assert codes(field_type, value) == [code]


@pytest.mark.parametrize("moment", ["2024-03-31T02:30:00", "2024-10-27T02:30:00"])
def test_a_local_time_that_is_no_single_moment_is_refused(moment: str, settings: SettingsWrapper) -> None:
    """When the clocks change an hour does not exist, and another exists twice."""
    settings.TIME_ZONE = "Europe/Berlin"
    assert codes(DateTime, moment) == ["no_such_local_time"]


def test_a_local_time_is_taken_in_the_time_zone_of_the_project(settings: SettingsWrapper) -> None:
    """A moment without an offset is a moment where the project is."""
    settings.TIME_ZONE = "Europe/Berlin"
    found = validated(DateTime, "2024-07-01 12:00").row.cell
    assert found == dt.datetime(2024, 7, 1, 10, tzinfo=dt.UTC)


def test_without_time_zones_an_offset_is_refused(settings: SettingsWrapper) -> None:
    """A project with USE_TZ off could only drop the offset."""
    settings.USE_TZ = False
    assert codes(DateTime, "2024-07-01T12:00:00Z") == ["offset_not_expected"]
    assert validated(DateTime, "2024-07-01T12:00:00").row.cell == dt.datetime(2024, 7, 1, 12)  # noqa: DTZ001


def test_an_error_says_nothing_about_a_choice_that_is_like_no_other() -> None:
    """The vocabulary is listed instead, cut after a dozen."""
    (problem,) = validated(Choice[tuple(f"choice {n}" for n in range(20))], "zzz").problems
    assert problem.message.endswith("choice 11 and 8 more")


def test_choices_that_can_not_be_told_apart_are_a_fault_of_the_spec() -> None:
    """Otherwise one of the two would be taken for the other."""
    with pytest.raises(SpecError, match="case and separators"):
        one_of(("Non-tech", "NON_TECH"))

    class Ambiguous(TextChoices):
        """The label of the one is the value of the other."""

        A = "a", "B"
        B = "b", "b"

    with pytest.raises(SpecError, match="case and separators"):
        one_of(Ambiguous)
