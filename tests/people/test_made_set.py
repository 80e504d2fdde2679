"""The made set (``tests/data``): what comes of every kind of row, value by value."""
# ruff: noqa: RUF001 - people are named in their own script

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import call_command

from commands.people.models import (
    Chapter,
    Committee,
    CompensationSnapshot,
    Ladder,
    LadderAspect,
    LadderLevel,
    Organization,
    PayBand,
    SenioritySnapshot,
    Team,
    TimelineEvent,
    Tribe,
    User,
)
from tests.people.conftest import MADE
from tests.people.database import without_sequences

if TYPE_CHECKING:
    from django.db.models import Model

    from tests.people.conftest import Importer
    from tests.people.database import Contents


CREATED = {
    "ladders": {"people.Ladder": 3, "people.LadderAspect": 4, "people.LadderLevel": 4},
    "org_structure": {
        "people.User": 4,
        "people.Department": 1,
        "people.Organization": 1,
        "people.Chapter": 2,
        "people.Tribe": 2,
        "people.Team": 3,
    },
    "users": {
        "people.Department": 0,
        "people.Chapter": 1,
        "people.User": 7,
        "people.Organization": 0,
        "people.Tribe": 0,
        "people.Committee": 9,
        "people.Committee_members": 10,
    },
    "history": {
        "people.PayBand": 3,
        "people.TimelineEvent": 14,
        "people.CompensationSnapshot": 6,
        "people.SenioritySnapshot": 3,
    },
}


def values(model: type[Model], *paths: str) -> set[tuple[Any, ...]]:
    """The records of a model, as tuples of these values."""
    return set(model._default_manager.values_list(*paths))


def test_mixed_and_unsorted_ladders_land_with_every_value(importing: Importer) -> None:
    """Ladders before aspects before levels, although the file has them the other way round; blanks take the default."""
    outcome = importing("ladders", MADE / "ladders.csv")
    assert (outcome.exit_code, outcome.rows) == (0, {"read": 11, "created": 11})
    assert values(Ladder, "code", "name", "description") == {
        ("DEV", "Developer", ""),
        ("Ö", "Ökonomie", 'Maß, "Zahl" und\nGewicht'),
        ("مطوّر", "المطوّر", "يكتب"),
    }
    assert values(LadderAspect, "ladder__code", "code", "name", "order") == {
        ("DEV", "TECH", "Technology", 1),
        ("DEV", "PEOP", "People", 2),
        ("Ö", "GELD", "Maß und Geld", 0),
        ("مطوّر", "TECH", "تقنية", 1),
    }
    assert values(LadderLevel, "ladder__code", "aspect__code", "level", "stage", "weight") == {
        ("DEV", "TECH", 1, "EARLY", Decimal(1)),
        ("DEV", "TECH", 2, "MID", Decimal("1.5")),
        ("DEV", "PEOP", 1, "LATE", Decimal("0.25")),
        ("Ö", "GELD", 1, "LATE", Decimal(2)),
    }


def test_mixed_and_unsorted_structure_lands_with_every_value(importing: Importer) -> None:
    """A team finds its tribe, and takes its department, wherever the tribe stands in the file."""
    outcome = importing("org_structure", MADE / "org_structure.csv", "--create-users")
    assert (outcome.exit_code, outcome.rows) == (0, {"read": 8, "created": 8})
    assert values(Organization, "name", "ceo") == {("Größe AG", None)}
    assert values(Chapter, "name", "department__name", "leader__email", "description") == {
        ("Straßenbau", "Engineering", "straße@firma.example", "Wege & Brücken"),
        ("Empty", "Engineering", None, ""),
    }
    directors = ("engineering_director__email", "product_director__email")
    assert values(Tribe, "name", "department__name", "category", *directors, "description") == {
        ("Payments", "Engineering", "TECH", "grete@firma.example", "نور@مثال.example", "Money, in and out"),
        ("مدفوعات", "Engineering", "NON_TECH", None, None, ""),
    }
    assert values(Team, "name", "tribe__name", "department__name", "category", "leader__email", "description") == {
        ("İstanbul Platform", "Payments", "Engineering", "NON_TECH", "İbrahim@ornek.example", "Bakım; işletim"),
        ("فريق", "مدفوعات", "Engineering", "NON_TECH", "straße@firma.example", ""),
        ("Alone", None, None, "", None, ""),
    }


def test_unknown_leaders_become_placeholders_named_after_their_address(importing: Importer) -> None:
    """One for each person, in the spelling that comes first; inactive, and nobody can log in."""
    importing("org_structure", MADE / "org_structure.csv", "--create-users")
    assert values(User, "email", "name", "is_placeholder", "is_active") == {
        ("İbrahim@ornek.example", "İbrahim", True, False),
        ("straße@firma.example", "straße", True, False),
        ("grete@firma.example", "grete", True, False),
        ("نور@مثال.example", "نور", True, False),
    }
    assert not any(user.has_usable_password() for user in User.objects.all())


def test_every_person_lands_with_every_value(importing: Importer) -> None:
    """Placeholders become active and keep their address as it was; the department is the team's, else the tribe's."""
    importing.made_set("ladders", "org_structure")
    outcome = importing("users", MADE / "users.csv")
    assert (outcome.exit_code, outcome.rows) == (0, {"read": 11, "created": 7, "updated": 4})
    assert outcome.report["links"] == {"held": 0, "left_empty": 1}
    assert sorted(outcome.warnings) == [(3, "Leader", "link_left_empty"), (3, "Tribe", "tribe_not_of_team")]
    assert not User.objects.exclude(is_active=True, is_placeholder=False).exists()
    places = ("department__name", "team__name", "chapter__name", "leader__email", "agile_coach__email")
    assert values(User, "email", "name", "gmail", "phone", *places) == {
        (
            "İbrahim@ornek.example",
            "İbrahim Yıldız",
            "ibrahim@gmail.example",
            "+90 212 1",
            "Engineering",
            "İstanbul Platform",
            None,
            "straße@firma.example",
            "grete@firma.example",
        ),
        ("ann@firma.example", "Ann O'Hara", "", "", "Engineering", "Alone", "New Chapter", None, None),
        ("straße@firma.example", "Jörg Straße", "", "", "Engineering", None, "Straßenbau", None, None),
        ("li@firma.example", "李雷", "", "", None, "Alone", "New Chapter", "li@firma.example", None),
        ("sam@firma.example", "Sam ﬁ Smith", "", "", None, None, None, None, None),
        ("نور@مثال.example", "نور حسن", "", "٠١٢٣", "Engineering", None, None, "hr@firma.example", None),
        ("eve@firma.example", "Eve", "", "", "Engineering", "فريق", None, None, None),
        (
            "grete@firma.example",
            "Grete Müller",
            "",
            "",
            "Engineering",
            "İstanbul Platform",
            None,
            "ann@firma.example",
            "eve@firma.example",
        ),
        ("hr@firma.example", "Hanna Reuß", "", "", None, None, None, None, None),
        ("vp@firma.example", "Vera Prinz", "", "", "Engineering", None, None, None, None),
        ("new@firma.example", "Nobody Yet", "", "", None, None, None, None, None),
    }
    assert values(Chapter, "name", "department__name") >= {("New Chapter", "Engineering")}


def test_every_role_has_its_holder_and_its_committee(importing: Importer) -> None:
    """Seven roles of the organization, two of a tribe; each holder is a member of the committee of the role."""
    importing.made_set("ladders", "org_structure", "users")
    holders = ("ceo", "cto", "cfo", "cpo", "vp", "hr_manager", "sales_manager")
    assert values(Organization, *(f"{role}__name" for role in holders)) == {
        ("Jörg Straße", "İbrahim Yıldız", "李雷", "Ann O'Hara", "Vera Prinz", "Hanna Reuß", "Sam ﬁ Smith")
    }
    assert values(Tribe, "name", "engineering_director__name", "product_director__name") == {
        ("Payments", "Grete Müller", "نور حسن"),
        ("مدفوعات", "Eve", None),
    }
    assert values(Committee, "name", "members__name") == {
        ("CEO Committee", "Jörg Straße"),
        ("CTO Committee", "İbrahim Yıldız"),
        ("CFO Committee", "李雷"),
        ("CPO Committee", "Ann O'Hara"),
        ("VP Committee", "Vera Prinz"),
        ("HR Manager Committee", "Hanna Reuß"),
        ("Sales Manager Committee", "Sam ﬁ Smith"),
        ("Engineering Director Committee", "Eve"),
        ("Engineering Director Committee", "Grete Müller"),
        ("Product Director Committee", "نور حسن"),
    }


def test_every_event_lands_with_its_summary(importing: Importer) -> None:
    """The file's own words where it has some, else what happened."""
    importing.made_set()
    found = TimelineEvent.objects.values_list("user__name", "effective_date", "event_type", "summary_text")
    assert sorted((name, str(day), kind, summary) for name, day, kind, summary in found) == [
        ("Jörg Straße", "2021-05-05", "BONUS_PAYOUT", "Bonus 100 %"),
        ("Jörg Straße", "2024-03-05", "MAPPING", "Mapped to المطوّر"),
        ("İbrahim Yıldız", "2023-02-01", "PAY_CHANGE", "Pay band 18.5"),
        ("İbrahim Yıldız", "2023-03-01", "PAY_CHANGE", "Salary -300.00"),
        ("İbrahim Yıldız", "2024-01-01", "EVALUATION", "Evaluation: يتجاوز التوقعات"),
        ("İbrahim Yıldız", "2024-02-02", "STOCK_GRANT", "100 Anteile"),
        ("İbrahim Yıldız", "2024-02-03", "NOTICE", "Notice"),
        ("İbrahim Yıldız", "2024-02-04", "LADDER_CHANGED", "Ladder changed to Ökonomie"),
        ("李雷", "2023-01-01", "PAY_CHANGE", "Pay band 20"),
        ("李雷", "2023-06-15", "MAPPING", "Mapped to Developer: Technology 3 (MID), People 2 (EARLY)"),
        ("李雷", "2024-01-01", "PAY_CHANGE", "Pay band 20 -> 21 (+1.0)"),
        ("李雷", "2024-01-01", "TITLE_CHANGE", "Ab heute: Großmeister"),
        ("李雷", "2024-03-01", "BONUS_PAYOUT", "Bonus 12.5 %: Exceeds expectations"),
        ("李雷", "2024-07-01", "SENIORITY_CHANGE", "Seniority in Developer: Technology 4 (LATE), People 2.5"),
    ]


def test_every_snapshot_of_pay_lands_with_every_value(importing: Importer) -> None:
    """A bonus carries the latest pay band forward, and has none before any was known."""
    importing.made_set()
    assert values(PayBand, "number") == {(Decimal("18.5"),), (Decimal(20),), (Decimal(21),)}
    paths = ("user__name", "source_event__event_type", "pay_band__number", "salary_change", "bonus_percentage")
    assert values(CompensationSnapshot, "effective_date", *paths) == {
        (dt.date(2021, 5, 5), "Jörg Straße", "BONUS_PAYOUT", None, None, Decimal(100)),
        (dt.date(2023, 2, 1), "İbrahim Yıldız", "PAY_CHANGE", Decimal("18.5"), None, None),
        (dt.date(2023, 3, 1), "İbrahim Yıldız", "PAY_CHANGE", Decimal("18.5"), Decimal(-300), None),
        (dt.date(2023, 1, 1), "李雷", "PAY_CHANGE", Decimal(20), None, None),
        (dt.date(2024, 1, 1), "李雷", "PAY_CHANGE", Decimal(21), Decimal("1200.50"), None),
        (dt.date(2024, 3, 1), "李雷", "BONUS_PAYOUT", Decimal(21), None, Decimal("12.5")),
    }


def test_every_snapshot_of_seniority_lands_with_every_value(importing: Importer) -> None:
    """The overall score is the file's, else the mean of the details, else none."""
    importing.made_set()
    found = {
        (each.user.name, str(each.effective_date)): (
            each.source_event.event_type,
            each.ladder.code,
            each.title,
            each.overall_score,
            each.details_json,
            each.stages_json,
        )
        for each in SenioritySnapshot.objects.all()
    }
    assert found == {
        ("李雷", "2023-06-15"): (
            "MAPPING",
            "DEV",
            "",
            Decimal("2.5"),
            {"TECH": 3, "PEOP": 2},
            {"TECH": "MID", "PEOP": "EARLY"},
        ),
        ("李雷", "2024-07-01"): (
            "SENIORITY_CHANGE",
            "DEV",
            "Senior Developer",
            Decimal("3.9"),
            {"PEOP": 2.5, "TECH": 4},
            {"TECH": "LATE"},
        ),
        ("Jörg Straße", "2024-03-05"): ("MAPPING", "مطوّر", "خبير", None, {}, {}),
    }


def test_the_made_set_a_second_time_changes_nothing(importing: Importer) -> None:
    """Also when existing events are to be updated: what is derived comes out the same again."""
    importing.made_set()
    importing.made_set()
    for name in ("ladders", "org_structure", "users"):
        again = importing(name, MADE / f"{name}.csv")
        assert (again.exit_code, again.rows) == (0, {"read": again.rows["read"], "unchanged": again.rows["read"]})
    assert importing("history", MADE / "history.csv").rows == {"read": 14, "skipped": 14}
    assert importing("history", MADE / "history.csv", "--update-existing").rows == {"read": 14, "unchanged": 14}


@pytest.mark.parametrize("name", ["ladders", "org_structure", "users", "history"])
def test_roles_committees_and_snapshots_are_shown_by_the_dry_run_and_undone(
    importing: Importer, data: Contents, name: str
) -> None:
    """They are records of the plan like all others: the same counts for each model, and all of it can be taken back."""
    names = ["ladders", "org_structure", "users", "history"]
    flags = ["--create-users"] if name == "org_structure" else []
    if earlier := names[: names.index(name)]:
        importing.made_set(*earlier)
    before = data()
    planned = importing(name, MADE / f"{name}.csv", "--dry-run", *flags)
    assert data() == before
    done = importing(name, MADE / f"{name}.csv", *flags)
    assert planned.report["models"] == done.report["models"]
    assert {label: counts["created"] for label, counts in done.report["models"].items()} == CREATED[name]
    call_command("undo_import", done.report["run"], "--delete-created", "--no-input", stdout=StringIO())
    assert without_sequences(data()) == without_sequences(before)
