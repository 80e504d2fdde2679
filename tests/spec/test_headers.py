"""Every column of a file is one known field, or an error. The messages stand in ``docs/input.md``."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from safe_import.errors import SpecError
from safe_import.spec.headers import match_header
from safe_import.spec.kinds import KindChooser
from safe_import.spec.row import Row
from safe_import.types import Text
from tests.input_samples import KINDS, LadderRow, PersonRow


@given(st.permutations(["name", "Email", "size"]))
def test_the_order_of_columns_does_not_matter(header: list[str]) -> None:
    """Cells go by header, never by position."""
    match = match_header(header, (PersonRow,))
    assert {header[at]: name for at, name in match.fields[0].items()} == {
        "name": "name",
        "Email": "email",
        "size": "size",
    }
    assert match.problems == match.notes == ()


@given(st.lists(st.text(max_size=8) | st.sampled_from(["name", "NAME", "full name", "ladder_code", "level"])))
def test_every_column_is_known_or_reported(header: list[str]) -> None:
    """Whatever the header: no column is left out in silence."""
    match = match_header(header, (PersonRow, *KINDS))
    known = {at for fields in match.fields for at in fields}
    assert known | set(match.unknown) == set(range(len(header)))
    assert len([each for each in match.problems if each.code in {"unknown_column", "unnamed_column"}]) == len(
        match.unknown
    )


def test_everything_wrong_with_a_header_is_reported_at_once() -> None:
    """One look at the report is enough to correct the file."""
    match = match_header(["Emial", "size", "size", ""], (PersonRow,), line=3)
    assert [(each.line, each.column, each.code) for each in match.problems] == [
        (3, "size", "doubled_column"),
        (3, "Emial", "unknown_column"),
        (3, None, "unnamed_column"),
        (3, "name", "missing_column"),
    ]
    assert match.problems[1].message == "unknown column; did you mean 'Email'?"


def test_a_spelling_between_two_fields_is_not_guessed() -> None:
    """The header is unknown, and both are named."""

    class Twins(Row):
        """Two headers that differ in case alone."""

        lower: Text | None = Field(None, validation_alias="id")
        upper: Text | None = Field(None, validation_alias="ID")

    match = match_header(["id", "ID", "Id"], (Twins,))
    assert match.fields[0] == {0: "lower", 1: "upper"}
    assert match.problems[0].message == "unknown column; it may mean 'ID', 'id'"


def test_two_fields_with_one_header_are_a_fault_of_the_spec() -> None:
    """One of them would never be brought."""

    class Rivals(Row):
        """Both want the same column."""

        one: Text = Field(validation_alias="x")
        x: Text

    with pytest.raises(SpecError, match="accept the same header 'x'"):
        match_header(["x"], (Rivals,))


def test_a_kind_that_owns_no_column_is_a_fault_of_the_spec() -> None:
    """A row of another kind with a value forgotten would be taken for it."""

    class BareRow(Row):
        """All its columns belong to others, too."""

        ladder: Text = Field(validation_alias="ladder_code")

    rows = (LadderRow, BareRow)
    with pytest.raises(SpecError, match="BareRow needs a column"):
        KindChooser(rows, match_header(["ladder_code"], rows))
