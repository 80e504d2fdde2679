"""A row knows what the file brought, and a wrong declaration of one is refused at once."""

from __future__ import annotations

import pytest
from pydantic import AliasPath, Field

from safe_import.errors import SpecError
from safe_import.spec.row import Row
from safe_import.types import Integer, Text
from tests.input_samples import AspectRow, PersonRow


def test_brought_holds_what_the_file_brought_in_the_order_asked() -> None:
    """A blank cell does not bring its field; a cleared one is brought as None."""
    row = PersonRow(name="Ada", size=None)
    assert list(row.brought("size", "email", "name").items()) == [("size", None), ("name", "Ada")]


def test_a_value_that_the_spec_sets_is_brought() -> None:
    """``derive`` of a spec fills in fields that the file left blank."""
    row = PersonRow(name="Ada")
    row.size = 5
    assert row.brought("size") == {"size": 5}


def test_asking_for_a_field_that_does_not_exist_is_a_fault_of_the_spec() -> None:
    """A misspelt name would otherwise never be brought, silently."""
    with pytest.raises(SpecError, match="no field 'nmae'"):
        PersonRow(name="Ada").brought("nmae")


def test_a_row_keeps_its_line_what_was_found_and_what_was_refused() -> None:
    """They are no fields: they are never brought and never compared."""
    row = PersonRow(name="Ada")
    assert (row.line, dict(row.found), row.refusals, row.warnings) == (0, {}, (), ())
    row.line, row.found = 7, {"team": 3}
    row.refuse("no_bonus", "a bonus is needed", field="size")
    row.refuse("no_team", "a team is needed")
    row.warn("odd", "this is unusual")
    assert (row.line, row.found["team"]) == (7, 3)
    assert [(each.code, each.field) for each in row.refusals] == [("no_bonus", "size"), ("no_team", None)]
    assert [each.message for each in row.warnings] == ["this is unusual"]
    assert row == PersonRow(name="Ada")


def test_spellings_and_name_of_a_kind() -> None:
    """The preferred spelling of a header comes first; without an alias it is the name of the field."""
    assert PersonRow.spellings("name") == ("name", "full name")
    assert PersonRow.spellings("size") == ("size",)
    assert (PersonRow.required(), AspectRow.kind_name()) == (("name",), "aspect")


def test_only_a_field_that_accepts_none_can_be_cleared() -> None:
    """Otherwise every clear token would be refused, for a reason that nobody understands."""
    with pytest.raises(SpecError, match="accepts None"):

        class Wrong(Row):
            """The field is required."""

            clearable = ("size",)
            size: Integer

    with pytest.raises(SpecError, match="accepts None"):

        class Misspelt(Row):
            """There is no such field."""

            clearable = ("sise",)
            size: Integer | None = None


@pytest.mark.filterwarnings("ignore:Field name")
def test_a_field_can_not_hide_what_every_row_has() -> None:
    """The line of a row would be lost otherwise."""
    with pytest.raises(SpecError, match="hides"):

        class Hiding(Row):
            """Every row has a line already."""

            line: Text  # type: ignore[assignment]


def test_an_alias_that_is_a_path_is_a_fault_of_the_spec() -> None:
    """A header is a text."""
    with pytest.raises(SpecError, match="path"):

        class Nested(Row):
            """Headers do not nest."""

            name: Text = Field(validation_alias=AliasPath("a", 1))  # type: ignore[arg-type]
