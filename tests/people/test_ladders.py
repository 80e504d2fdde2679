"""Importing ladders: a file may mix ladders, aspects and levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from commands.people.models import Ladder, LadderAspect, LadderLevel
from tests.people.conftest import MADE

if TYPE_CHECKING:
    from tests.people.conftest import Importer
    from tests.people.database import Contents

HEADER = "ladder_code,ladder_name,ladder_description,aspect_code,aspect_name,aspect_order,level,stage,weight\n"


@pytest.mark.parametrize(
    ("flag", "counts"),
    [("--ladders-only", (3, 0, 0)), ("--aspects-only", (0, 4, 0)), ("--levels-only", (0, 0, 4))],
)
def test_one_section_is_imported_and_the_other_rows_are_counted(
    importing: Importer, flag: str, counts: tuple[int, int, int]
) -> None:
    """What the flag leaves out stands in the ledger as skipped; exit 0."""
    if not counts[0]:
        importing("ladders", MADE / "ladders.csv", "--ladders-only")
    if counts[2]:
        importing("ladders", MADE / "ladders.csv", "--aspects-only")
    before = Ladder.objects.count(), LadderAspect.objects.count(), LadderLevel.objects.count()
    outcome = importing("ladders", MADE / "ladders.csv", flag)
    assert (outcome.exit_code, outcome.rows) == (0, {"read": 11, "created": sum(counts), "skipped": 11 - sum(counts)})
    after = Ladder.objects.count(), LadderAspect.objects.count(), LadderLevel.objects.count()
    assert tuple(new - old for new, old in zip(after, before, strict=True)) == counts


def test_two_sections_exclude_each_other(importing: Importer, data: Contents) -> None:
    """A usage error; nothing is changed."""
    before = data()
    outcome = importing("ladders", MADE / "ladders.csv", "--ladders-only", "--levels-only")
    assert (outcome.exit_code, data()) == (2, before)


def test_a_row_of_no_kind_is_an_error(importing: Importer, data: Contents) -> None:
    """Also when only one section is wanted: it is never silently skipped."""
    before = data()
    text = f"{HEADER}D,Developer,,,,,,,\nD,,,TECH,,,,,\n"
    for flags in ((), ("--ladders-only",)):
        outcome = importing("ladders", text, *flags)
        assert (outcome.exit_code, outcome.errors) == (1, [(3, None, "unknown_kind")])
    assert data() == before


def test_a_row_of_two_kinds_is_an_error(importing: Importer) -> None:
    """A ladder and an aspect in one row: the reader is asked to make two of it."""
    outcome = importing("ladders", f"{HEADER}D,Developer,,TECH,Technology,1,,,\n")
    assert (outcome.exit_code, outcome.errors) == (1, [(2, None, "ambiguous_kind")])


def test_levels_of_what_does_not_exist_are_errors(importing: Importer, data: Contents) -> None:
    """An aspect without ladder, a level without aspect, and an aspect that only another ladder has."""
    before = data()
    text = (
        f"{HEADER}D,Developer,,,,,,,\nE,Engineer,,,,,,,\nD,,,TECH,Technology,1,,,\n"
        "X,,,TECH,Technology,1,,,\nD,,,PEOP,,,1,MID,1\nE,,,TECH,,,1,MID,1\n"
    )
    outcome = importing("ladders", text)
    assert outcome.exit_code == 1
    assert outcome.errors == [
        (5, "ladder_code", "link_missing"),
        (6, "aspect_code", "link_missing"),
        (7, "aspect_code", "link_missing"),
    ]
    assert data() == before


def test_values_that_no_level_has_are_errors(importing: Importer) -> None:
    """A level below 1, a stage that is none, a weight that would be rounded, and the same level twice."""
    importing("ladders", f"{HEADER}D,Developer,,,,,,,\nD,,,TECH,Technology,1,,,\n")
    text = "ladder_code,aspect_code,level,stage,weight\nD,TECH,0,MID,1\nD,TECH,1,MIDDLE,1\nD,TECH,1,MID,1.255\n"
    outcome = importing("ladders", f"{text}D,TECH,2,LATE,1\nD,TECH,2,late,2\n")
    assert [(line, column) for line, column, _ in outcome.errors] == [
        (2, "level"),
        (3, "stage"),
        (4, "weight"),
        (5, "ladder_code"),
        (6, "ladder_code"),
    ]
    assert LadderLevel.objects.count() == 0


def test_a_changed_file_updates_what_it_brings_and_nothing_else(importing: Importer) -> None:
    """A blank description stays, the clear token empties it; a new weight is written."""
    importing("ladders", MADE / "ladders.csv")
    text = f"{HEADER}Ö,Ökologie,,,,,,,\nمطوّر,المطوّر,\\N,,,,,,\nDEV,,,TECH,,,2,MID,3\nDEV,,,TECH,,,1,EARLY,\n"
    outcome = importing("ladders", text)
    assert (outcome.exit_code, outcome.rows) == (0, {"read": 4, "updated": 3, "unchanged": 1})
    assert set(Ladder.objects.values_list("name", "description")) == {
        ("Developer", ""),
        ("Ökologie", 'Maß, "Zahl" und\nGewicht'),
        ("المطوّر", ""),
    }
    assert LadderLevel.objects.get(level=2).weight == 3
