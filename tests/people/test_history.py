"""Importing history: what an event needs, which pay band counts, and what becomes of events that exist."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from commands.people.models import (
    CompensationSnapshot,
    Ladder,
    LadderAspect,
    PayBand,
    SenioritySnapshot,
    TimelineEvent,
    User,
)

if TYPE_CHECKING:
    from tests.people.conftest import Importer
    from tests.people.database import Contents

PAY = "user_email,event_type,event_date,pay_band_number,salary_change,bonus_percentage,summary_text\n"
SENIORITY = "user_email,event_type,event_date,ladder_code,aspect_details_json,aspect_stages_json,overall_score\n"


@pytest.fixture
def ada(transactional_db: None) -> User:
    """Somebody to whom things happen."""
    return User.objects.create(email="Ada@x.example", name="Ada")


@pytest.fixture
def ladder(transactional_db: None) -> Ladder:
    """A ladder of two aspects."""
    found = Ladder.objects.create(code="D", name="Developer")
    for order, (code, name) in enumerate([("TECH", "Technology"), ("PEOP", "People")]):
        LadderAspect.objects.create(ladder=found, code=code, name=name, order=order)
    return found


def bands() -> dict[str, object]:
    """The pay band of every compensation snapshot, by the type and the date of its event."""
    found = CompensationSnapshot.objects.values_list(
        "source_event__event_type", "effective_date", "pay_band__number", "source_event__summary_text"
    )
    return {f"{kind} {day}": (None if band is None else float(band), summary) for kind, day, band, summary in found}


def test_the_latest_pay_band_counts_by_date_whatever_the_order_of_rows(importing: Importer, ada: User) -> None:
    """Every order of the same five rows comes to the same, and a change of the same day counts for a bonus."""
    rows = [
        "ada@x.example,PAY_CHANGE,2023-01-01,20,,,\n",
        "ADA@x.example,PAY_CHANGE,2024-01-01,19.5,,,\n",
        "ada@X.example,BONUS_PAYOUT,2023-06-01,,,5,\n",
        "ada@x.example,BONUS_PAYOUT,2024-01-01,,,7.50,\n",
        "ada@x.example,BONUS_PAYOUT,2022-01-01,,,1,\n",
    ]
    for order in itertools.islice(itertools.permutations(rows), 0, 120, 17):
        TimelineEvent.objects.all().delete()
        assert importing("history", PAY + "".join(order)).exit_code == 0
        assert bands() == {
            "PAY_CHANGE 2023-01-01": (20, "Pay band 20"),
            "PAY_CHANGE 2024-01-01": (19.5, "Pay band 20 -> 19.5 (-0.5)"),
            "BONUS_PAYOUT 2022-01-01": (None, "Bonus 1 %"),
            "BONUS_PAYOUT 2023-06-01": (20, "Bonus 5 %"),
            "BONUS_PAYOUT 2024-01-01": (19.5, "Bonus 7.5 %"),
        }


def test_the_latest_pay_band_counts_over_the_database_too(importing: Importer, ada: User) -> None:
    """By date, not by import: what came in later about earlier days counts, and a bonus in between does not hide it."""
    eve = User.objects.create(email="eve@x.example", name="Eve")
    importing("history", f"{PAY}ada@x.example,PAY_CHANGE,2020-01-01,20,,,\neve@x.example,PAY_CHANGE,2024-01-01,40,,,\n")
    importing("history", f"{PAY}ada@x.example,BONUS_PAYOUT,2023-01-01,,,5,\n")
    importing("history", f"{PAY}ada@x.example,PAY_CHANGE,2022-01-01,22,,,\n")
    importing(
        "history", f"{PAY}ada@x.example,PAY_CHANGE,2024-01-01,23,,,\nada@x.example,BONUS_PAYOUT,2023-05-01,,,5,\n"
    )
    CompensationSnapshot.objects.filter(user=eve).delete()
    assert bands() == {
        "PAY_CHANGE 2020-01-01": (20, "Pay band 20"),
        "BONUS_PAYOUT 2023-01-01": (20, "Bonus 5 %"),
        "PAY_CHANGE 2022-01-01": (22, "Pay band 20 -> 22 (+2.0)"),
        "PAY_CHANGE 2024-01-01": (23, "Pay band 22 -> 23 (+1.0)"),
        "BONUS_PAYOUT 2023-05-01": (22, "Bonus 5 %"),
    }


def test_a_rejected_pay_change_does_not_count(importing: Importer, ada: User) -> None:
    """With --on-error continue the next change and the bonus refer to the band before it."""
    text = (
        f"{PAY}ada@x.example,PAY_CHANGE,2020-01-01,20,,,\nada@x.example,PAY_CHANGE,2021-01-01,21,,,\n"
        "ada@x.example,PAY_CHANGE,2021-01-01,22,,,\nada@x.example,BONUS_PAYOUT,2022-01-01,,,5,\n"
    )
    outcome = importing("history", text, "--on-error", "continue")
    assert (outcome.exit_code, outcome.rows) == (3, {"read": 4, "created": 2, "rejected": 2})
    assert {line for line, _, code in outcome.errors if code == "key_twice"} == {3, 4}
    assert bands() == {
        "PAY_CHANGE 2020-01-01": (20, "Pay band 20"),
        "BONUS_PAYOUT 2022-01-01": (20, "Bonus 5 %"),
    }
    assert [float(band.number) for band in PayBand.objects.all()] == [20]


def test_a_skipped_pay_change_does_not_count(importing: Importer, ada: User) -> None:
    """The event exists with another band; the file's is not imported, so a bonus carries the one of the database."""
    importing("history", f"{PAY}ada@x.example,PAY_CHANGE,2020-01-01,20,,,\n")
    text = f"{PAY}ada@x.example,PAY_CHANGE,2020-01-01,30,,,\nada@x.example,BONUS_PAYOUT,2021-01-01,,,5,\n"
    for flags in ((), ("--skip-duplicates",)):
        outcome = importing("history", text, *flags)
        assert outcome.exit_code == 0
    assert outcome.rows == {"read": 2, "skipped": 2}
    assert bands() == {"PAY_CHANGE 2020-01-01": (20, "Pay band 20"), "BONUS_PAYOUT 2021-01-01": (20, "Bonus 5 %")}
    assert PayBand.objects.count() == 1


def test_existing_events_are_updated_where_that_is_asked_for(importing: Importer, ada: User) -> None:
    """Values are, and another pay band with all that depends on it. Nothing is doubled."""
    importing("history", f"{PAY}ada@x.example,PAY_CHANGE,2020-01-01,20,100,,\n")
    salary = importing("history", f"{PAY}ada@x.example,PAY_CHANGE,2020-01-01,20,150,,Raise\n", "--update-existing")
    assert (salary.exit_code, salary.rows) == (0, {"read": 1, "updated": 1})
    changed = f"{PAY}ada@x.example,PAY_CHANGE,2020-01-01,21,,,Raise\nada@x.example,BONUS_PAYOUT,2020-06-01,,,5,\n"
    assert importing("history", changed, "--update-existing").exit_code == 0
    assert bands() == {"PAY_CHANGE 2020-01-01": (21, "Raise"), "BONUS_PAYOUT 2020-06-01": (21, "Bonus 5 %")}
    assert CompensationSnapshot.objects.get(salary_change=150).pay_band.number == 21
    assert importing("history", changed, "--update-existing").rows == {"read": 2, "unchanged": 2}


def test_a_bonus_with_a_band_of_its_own_is_carried_forward(importing: Importer, ada: User) -> None:
    """The latest by date counts, in the same file and later."""
    text = (
        f"{PAY}ada@x.example,PAY_CHANGE,2020-01-01,20,,,\nada@x.example,BONUS_PAYOUT,2024-01-01,25,,5,\n"
        "ada@x.example,BONUS_PAYOUT,2025-01-01,,,6,\n"
    )
    importing("history", text)
    importing("history", f"{PAY}ada@x.example,PAY_CHANGE,2026-01-01,26,,,\n")
    assert bands() == {
        "PAY_CHANGE 2020-01-01": (20, "Pay band 20"),
        "BONUS_PAYOUT 2024-01-01": (25, "Bonus 5 %"),
        "BONUS_PAYOUT 2025-01-01": (25, "Bonus 6 %"),
        "PAY_CHANGE 2026-01-01": (26, "Pay band 25 -> 26 (+1.0)"),
    }


def test_skipping_and_updating_exclude_each_other(importing: Importer, contents: Contents) -> None:
    """A usage error that names the flags; nothing is changed."""
    before = contents()
    outcome = importing(
        "history", PAY + "ada@x.example,NOTICE,2020-01-01,,,,\n", "--skip-duplicates", "--update-existing"
    )
    assert (outcome.exit_code, contents()) == (2, before)


def test_the_file_s_own_summary_wins(importing: Importer, ada: User) -> None:
    """Whatever the type of the event."""
    importing("history", f"{PAY}ada@x.example,PAY_CHANGE,2020-01-01,20,,,In words\n")
    assert TimelineEvent.objects.get().summary_text == "In words"


def test_an_update_without_a_summary_leaves_a_person_s_words_alone(importing: Importer, ada: User) -> None:
    """A blank cell brings nothing: only what was made from values is made anew, and never to tell less."""
    header = f"{PAY.strip()},performance_label\n"
    before = (
        "ada@x.example,NOTICE,2020-01-01,,,,Moved to Bonn,\n"
        "ada@x.example,PAY_CHANGE,2020-01-01,20,,,Bonus of 10 years,\n"
        "ada@x.example,BONUS_PAYOUT,2020-01-01,,,5,,Good\n"
        "ada@x.example,EVALUATION,2020-01-01,,,,,Fair\n"
        "ada@x.example,PAY_CHANGE,2021-01-01,21,,,,\n"
    )
    after = (
        "ada@x.example,NOTICE,2020-01-01,,,,,\n"
        "ada@x.example,PAY_CHANGE,2020-01-01,,300,,,\n"
        "ada@x.example,BONUS_PAYOUT,2020-01-01,,,6,,\n"
        "ada@x.example,EVALUATION,2020-01-01,,,,,\n"
        "ada@x.example,PAY_CHANGE,2021-01-01,,500,,,\n"
    )
    assert importing("history", header + before).exit_code == 0
    outcome = importing("history", header + after, "--update-existing")
    assert (outcome.exit_code, outcome.rows) == (0, {"read": 5, "updated": 3, "unchanged": 2})
    assert set(TimelineEvent.objects.values_list("summary_text", flat=True)) == {
        "Moved to Bonn",
        "Bonus of 10 years",
        "Bonus 6 %: Good",
        "Evaluation: Fair",
        "Pay band 20 -> 21 (+1.0)",
    }


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ("ada@x.example,PROMOTION,2020-01-01,,,,", ("event_type", "not_a_choice")),
        ("ada@x.example,BONUS_PAYOUT,2020-01-01,,,,", ("bonus_percentage", "required")),
        ("ada@x.example,PAY_CHANGE,2020-01-01,,,,", ("pay_band_number", "required")),
        ("ada@x.example,PAY_CHANGE,2020-01-01,20.3,,,", ("pay_band_number", "not_a_step")),
        ("ada@x.example,PAY_CHANGE,2020-01-01,20.55,,,", ("pay_band_number", "too_many_places")),
        ("ada@x.example,PAY_CHANGE,2020-01-01,-1,,,", ("pay_band_number", "out_of_range")),
        ("ada@x.example,PAY_CHANGE,01.02.2020,20,,,", ("event_date", "not_a_date")),
        ("ada@x.example,BONUS_PAYOUT,2020-01-01,,,12.345,", ("bonus_percentage", "too_many_places")),
        ("nobody@x.example,NOTICE,2020-01-01,,,,", ("user_email", "link_missing")),
    ],
)
def test_an_event_that_can_t_be_is_an_error(importing: Importer, ada: User, row: str, error: tuple[str, str]) -> None:
    """Each with its column and its reason; nothing lands."""
    outcome = importing("history", f"{PAY}{row}\n")
    assert (outcome.exit_code, outcome.errors) == (1, [(2, *error)])
    assert not TimelineEvent.objects.exists()
    assert not PayBand.objects.exists()


@pytest.mark.parametrize(
    ("cells", "error"),
    [
        ('X,"{""TECH"": 1}",,', ("ladder_code", "link_missing")),
        (',"{""TECH"": 1}",,', ("ladder_code", "required")),
        ('D,"{""SALES"": 1}",,', ("aspect_details_json", "unknown_aspect")),
        ('D,"{""TECH"": 1}","{""SALES"": ""MID""}",', ("aspect_stages_json", "unknown_aspect")),
        ('D,"{""TECH"": 1}","{""TECH"": ""MIDDLE""}",', ("aspect_stages_json", "not_a_stage")),
        ('D,"{""TECH"": ""high""}",,', ("aspect_details_json", "not_a_level")),
        ('D,"{""TECH"": true}",,', ("aspect_details_json", "not_a_level")),
        ('D,"[1, 2]",,', ("aspect_details_json", "not_an_object")),
        ('D,"{""TECH"": 1, ""TECH"": 2}",,', ("aspect_details_json", "not_json")),
        ('D,"{""TECH"": ",,', ("aspect_details_json", "not_json")),
        ("D,,,3.999", ("overall_score", "too_many_places")),
    ],
)
def test_seniority_that_the_ladder_does_not_know_is_an_error(
    importing: Importer, ada: User, ladder: Ladder, cells: str, error: tuple[str, str]
) -> None:
    """Aspects, stages, levels, and the ladder itself."""
    outcome = importing("history", f"{SENIORITY}ada@x.example,MAPPING,2020-01-01,{cells}\n")
    assert (outcome.exit_code, outcome.errors) == (1, [(2, *error)])
    assert not TimelineEvent.objects.exists()


def test_the_overall_score_is_the_mean_to_the_cent(importing: Importer, ada: User, ladder: Ladder) -> None:
    """Halves go up; a score in the file wins, also when it is 0."""
    cells = '"{""TECH"": 1.25, ""PEOP"": 2.2}",,'
    text = f"{SENIORITY}ada@x.example,MAPPING,2020-01-01,D,{cells}\nada@x.example,MAPPING,2021-01-01,D,{cells}0\n"
    assert importing("history", text).exit_code == 0
    scores = SenioritySnapshot.objects.order_by("effective_date").values_list("overall_score", flat=True)
    assert [str(score) for score in scores] == ["1.73", "0.00"]


def test_what_an_event_has_no_place_for_is_told(importing: Importer, ada: User, ladder: Ladder) -> None:
    """A pay band of a notice, and a label beside a summary of the file's own: each a warning that is counted."""
    text = (
        "user_email,event_type,event_date,summary_text,pay_band_number,performance_label\n"
        "ada@x.example,NOTICE,2020-01-01,,20,\nada@x.example,EVALUATION,2020-01-01,Fine,,Good\n"
    )
    outcome = importing("history", text)
    assert (outcome.exit_code, outcome.warnings) == (
        0,
        [(2, "pay_band_number", "not_kept"), (3, "performance_label", "not_kept")],
    )
    assert not PayBand.objects.exists()


def test_snapshots_belong_to_their_event(importing: Importer, ada: User, ladder: Ladder) -> None:
    """Two events of one person on one day, each with its own snapshot; the same file again doubles neither."""
    text = (
        "user_email,event_type,event_date,ladder_code,pay_band_number\n"
        "ada@x.example,PAY_CHANGE,2020-01-01,,20\nada@x.example,MAPPING,2020-01-01,D,\n"
    )
    for flags in ((), (), ("--update-existing",)):
        assert importing("history", text, *flags).exit_code == 0
    assert CompensationSnapshot.objects.get().source_event.event_type == "PAY_CHANGE"
    assert SenioritySnapshot.objects.get().source_event.event_type == "MAPPING"
