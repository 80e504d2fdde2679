"""The checks of the people app find what is wrong, also where the database has no constraint that keeps it out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commands.people import checks
from commands.people import models as people
from safe_import.checks.run import run_checks
from safe_import.database import dialect

if TYPE_CHECKING:
    from django.db.models import Model

    from safe_import.checks.check import Check

ALL = {check.name: check for check in (*checks.USERS, *checks.ORG_STRUCTURE, *checks.LADDERS, *checks.HISTORY)}
NOBODY = 999
Members = people.Committee.members.through

# Check, model of the records that it has to name, and what is written to the first of them to break the rule.
BROKEN: list[tuple[str, type[Model], dict[str, Any]]] = [
    ("users.email_missing", people.User, {"email": None}),
    ("users.email_missing", people.User, {"email": ""}),
    ("users.email_missing", people.User, {"email": "  "}),
    ("users.name_missing", people.User, {"name": None}),
    ("users.name_missing", people.User, {"name": ""}),
    ("users.links", people.User, {"organization_id": NOBODY}),
    ("users.links", people.User, {"department_id": NOBODY}),
    ("users.links", people.User, {"chapter_id": NOBODY}),
    ("users.links", people.User, {"leader_id": NOBODY}),
    ("users.links", people.User, {"agile_coach_id": NOBODY}),
    ("users.team", people.User, {"team_id": NOBODY}),
    ("users.memberships", Members, {"user_id": NOBODY}),
    ("users.memberships", Members, {"committee_id": NOBODY}),
    ("org_structure.teams_without_tribe", people.Team, {"tribe_id": None}),
    ("org_structure.team_tribes", people.Team, {"tribe_id": NOBODY}),
    *(
        ("org_structure.role_holders", people.Organization, {f"{role}_id": NOBODY})
        for role in ("ceo", "cto", "cfo", "cpo", "vp", "hr_manager", "sales_manager")
    ),
    ("org_structure.chapter_leaders", people.Chapter, {"leader_id": NOBODY}),
    ("org_structure.tribe_directors", people.Tribe, {"engineering_director_id": NOBODY}),
    ("org_structure.tribe_directors", people.Tribe, {"product_director_id": NOBODY}),
    ("org_structure.team_leaders", people.Team, {"leader_id": NOBODY}),
    ("org_structure.chapter_departments", people.Chapter, {"department_id": None}),
    ("org_structure.chapter_departments", people.Chapter, {"department_id": NOBODY}),
    ("org_structure.tribe_departments", people.Tribe, {"department_id": None}),
    ("org_structure.tribe_departments", people.Tribe, {"department_id": NOBODY}),
    ("org_structure.team_departments", people.Team, {"department_id": None}),
    ("org_structure.team_departments", people.Team, {"department_id": NOBODY, "tribe_id": None}),
    ("ladders.aspects", people.LadderAspect, {"ladder_id": None}),
    ("ladders.aspects", people.LadderAspect, {"ladder_id": NOBODY}),
    ("ladders.levels", people.LadderLevel, {"aspect_id": 2}),
    ("ladders.levels", people.LadderLevel, {"aspect_id": NOBODY}),
    ("ladders.levels", people.LadderLevel, {"aspect_id": None}),
    ("ladders.level_numbers", people.LadderLevel, {"level": 0}),
    ("ladders.level_numbers", people.LadderLevel, {"level": -3}),
    ("history.event_users", people.TimelineEvent, {"user_id": None}),
    ("history.event_users", people.TimelineEvent, {"user_id": NOBODY}),
    ("history.event_types", people.TimelineEvent, {"event_type": "PARTY"}),
    ("history.event_types", people.TimelineEvent, {"event_type": "mapping"}),
    ("history.event_types", people.TimelineEvent, {"event_type": None}),
    ("history.compensation_users", people.CompensationSnapshot, {"user_id": None}),
    ("history.compensation_users", people.CompensationSnapshot, {"user_id": NOBODY}),
    ("history.seniority_users", people.SenioritySnapshot, {"user_id": None}),
    ("history.seniority_users", people.SenioritySnapshot, {"user_id": NOBODY}),
    ("history.compensation_events", people.CompensationSnapshot, {"source_event_id": 2}),
    ("history.compensation_events", people.CompensationSnapshot, {"source_event_id": NOBODY}),
    ("history.seniority_events", people.SenioritySnapshot, {"source_event_id": 2}),
    ("history.seniority_events", people.SenioritySnapshot, {"source_event_id": NOBODY}),
    ("history.pay_bands", people.CompensationSnapshot, {"pay_band_id": NOBODY}),
    ("history.ladders", people.SenioritySnapshot, {"ladder_id": None}),
    ("history.ladders", people.SenioritySnapshot, {"ladder_id": NOBODY}),
]


def _sample(name: str) -> tuple[int, tuple[str, ...]]:
    (result,) = run_checks(dialect(connection), [ALL[name]])
    return result.found, result.sample


@pytest.mark.parametrize("check", ALL.values(), ids=ALL)
def test_no_check_finds_anything_in_a_sound_world(world: None, check: Check) -> None:
    """A check that cries wolf would be switched off."""
    assert _sample(check.name) == (0, ())


@pytest.mark.parametrize("check", ALL.values(), ids=ALL)
def test_each_check_is_one_query(world: None, check: Check) -> None:
    """Checks run before and after every import."""
    database = dialect(connection)
    with CaptureQueriesContext(connection) as queries:
        run_checks(database, [check])
    assert len(queries) == 1


@pytest.mark.parametrize(("name", "model", "values"), BROKEN)
def test_a_check_names_the_record_that_breaks_its_rule(
    unconstrained: None, world: None, name: str, model: type[Model], values: dict[str, Any]
) -> None:
    """No constraint of the database is leaned on, and no other record is accused."""
    model._base_manager.filter(pk=1).update(**values)
    assert _sample(name) == (1, (f"{model._meta.label} #1",))


def test_every_check_is_seen_to_find_something() -> None:
    """A check that nothing here breaks would be untested."""
    elsewhere = {"users.email_case", "ladders.without_aspects", *(name for name in ALL if ".unused_" in name)}
    assert {name for name, _, _ in BROKEN} | elsewhere == set(ALL)


@pytest.mark.parametrize("address", ["USER1@EXAMPLE.ORG", "user1@example.org", "User1@Example.org"])
def test_addresses_that_differ_in_case_alone_are_found(unconstrained: None, world: None, address: str) -> None:
    """Both are named: which of them is the right one, only a person can tell."""
    people.User.objects.filter(pk=2).update(email=address)
    assert _sample("users.email_case") == (2, ("people.User #1", "people.User #2"))


def test_letters_beyond_ascii_are_compared_without_case(unconstrained: None, world: None) -> None:
    """The address of José is the one of JOSÉ."""
    for pk, address in ((1, "josé@example.org"), (2, "JOSÉ@example.org")):
        people.User.objects.filter(pk=pk).update(email=address)
    assert _sample("users.email_case")[0] == 2


def test_a_team_without_tribe_needs_no_department(world: None) -> None:
    """It would have its department from the tribe; that it has none is one warning, not an error as well."""
    people.Team.objects.update(tribe=None, department=None)
    assert _sample("org_structure.team_departments")[0] == 0
    assert _sample("org_structure.teams_without_tribe")[0] == 1


def test_a_superuser_needs_no_name(world: None) -> None:
    """An administrator's account may exist before any import."""
    people.User.objects.create(pk=3, email="root@example.org", is_superuser=True)
    assert _sample("users.name_missing")[0] == 0


def test_a_ladder_without_aspects_is_found_although_history_refers_to_it(world: None) -> None:
    """What counts is its aspects."""
    ladder = people.Ladder.objects.create(pk=3, code="L3", name="Ladder 3")
    people.SenioritySnapshot.objects.update(ladder=ladder)
    assert _sample("ladders.without_aspects") == (1, ("people.Ladder #3",))


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        (people.Organization, "organizations"),
        (people.Department, "departments"),
        (people.Chapter, "chapters"),
        (people.Tribe, "tribes"),
        (people.Team, "teams"),
        (people.Committee, "committees"),
    ],
)
def test_what_nothing_refers_to_is_a_warning(world: None, model: type[Any], kind: str) -> None:
    """A committee is used by its members, a tribe by its teams."""
    model.objects.create(pk=3, name="Forgotten")
    check = ALL[f"org_structure.unused_{kind}"]
    assert _sample(check.name) == (1, (f"{model._meta.label} #3",))
    assert check.severity == "warning"
