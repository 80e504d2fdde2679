"""Every raw row comes out of validation, as a row or with everything that is wrong with it."""

from __future__ import annotations

from typing import Any, Self

from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, field_validator, model_validator

from safe_import.records import Problem, RawRow
from safe_import.spec.row import Row
from safe_import.stages.validate import validate
from safe_import.types import Integer, Invalid, Text
from tests.input_samples import KINDS, PersonRow

COLUMNS = ({"name": "Full Name", "size": "Size"},)


class RuledRow(Row):
    """Rules of a project's own, told well and told badly."""

    low: Integer = Field(validation_alias="Low")
    high: Integer | Text = Field(validation_alias="High")

    @field_validator("low")
    @classmethod
    def _tells_the_value(cls, low: int) -> int:
        if low == 666:
            raise ValueError(f"{low} is evil")
        return low

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if isinstance(self.high, int) and self.low > self.high:
            raise Invalid("not_ordered", "must not be below Low", field="high")
        return self


def problems(model: type[Row], columns: Any, **cells: Any) -> list[tuple[str | None, str]]:
    """Column and code of what is wrong with a row."""
    (result,) = validate([RawRow(2, 0, cells)], (model,), columns)
    return [(each.column, each.code) for each in result.problems]


def test_all_errors_of_a_row_are_reported_with_the_headers_of_the_file() -> None:
    """The column is named as the file spells it, or by its preferred header when the file has none."""
    assert problems(PersonRow, COLUMNS, name="x" * 21, email="no", size="1.0") == [
        ("Full Name", "too_long"),
        ("Email", "not_an_email"),
        ("Size", "not_an_integer"),
    ]
    assert problems(PersonRow, ({},)) == [("name", "required")]


def test_a_field_is_emptied_only_where_the_row_model_says_so() -> None:
    """The clear token brings None; elsewhere it is an error, and one error only."""
    (result,) = validate([RawRow(2, 0, {"name": "Ada", "size": "\\N"})], (PersonRow,), COLUMNS)
    assert result.row.brought("name", "size") == {"name": "Ada", "size": None}
    assert problems(PersonRow, COLUMNS, name="\\N", email="\\N", size="x") == [
        ("Full Name", "clear_not_allowed"),
        ("Email", "clear_not_allowed"),
        ("Size", "not_an_integer"),
    ]


def test_rules_of_the_row_model_have_their_own_code_message_and_column() -> None:
    """``Invalid`` may name the field at fault."""
    assert problems(RuledRow, ({},), low="5", high="4") == [("High", "not_ordered")]


def test_the_text_of_a_foreign_exception_is_never_shown() -> None:
    """It may hold the value."""
    (result,) = validate([RawRow(2, 0, {"low": "666", "high": "9"})], (RuledRow,), ({},))
    assert result.problems == (Problem(2, "Low", "invalid", "the value is not valid here (value_error)"),)


def test_a_field_of_several_types_is_reported_once() -> None:
    """Pydantic reports every member of a union."""
    assert problems(RuledRow, ({},), low="1", high=["x"]) == [("High", "not_an_integer")]


def test_a_row_that_could_not_be_read_passes_with_its_problems() -> None:
    """It is counted and reported with all others."""
    broken = RawRow(3, None, {}, (Problem(3, None, "short_row", "..."),))
    (result,) = validate([broken], KINDS, ({}, {}, {}))
    assert (result.line, result.row, result.problems) == (3, None, broken.problems)


def test_a_row_that_was_refused_before_is_not_a_row_however_valid_its_values() -> None:
    """What reading found adds up with what validation finds; the values stay."""
    found = Problem(2, "colour", "unknown_column", "...")
    (sound,) = validate([RawRow(2, 0, {"name": "Ada"}, (found,))], (PersonRow,), COLUMNS)
    assert (sound.row, sound.problems, sound.values) == (None, (found,), {"name": "Ada"})
    (unsound,) = validate([RawRow(2, 0, {"size": "1"}, (found,))], (PersonRow,), COLUMNS)
    assert [each.code for each in unsound.problems] == ["unknown_column", "required"]


@given(st.lists(st.dictionaries(st.sampled_from(["name", "email", "size"]), st.text(min_size=1))))
def test_every_row_comes_out_once_and_in_order(rows: list[dict[str, str]]) -> None:
    """However bad the values: nothing is lost, and each has either a row or problems."""
    raw = [RawRow(line, 0, cells) for line, cells in enumerate(rows, 2)]
    results = list(validate(raw, (PersonRow,), COLUMNS))
    assert [each.line for each in results] == [each.line for each in raw]
    assert all((each.row is None) == bool(each.problems) for each in results)
    assert all(each.row.line == each.line for each in results if each.row is not None)
