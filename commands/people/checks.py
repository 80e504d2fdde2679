"""What has to hold for people, their organization, their ladders and their history. One query each."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from commands.people.models import (
    Chapter,
    Committee,
    CompensationSnapshot,
    Department,
    Ladder,
    LadderAspect,
    LadderLevel,
    Organization,
    SenioritySnapshot,
    Team,
    TimelineEvent,
    Tribe,
    User,
)
from commands.people.models.history import EventType
from safe_import.checks.check import Check
from safe_import.checks.library import (
    below,
    dangling_links,
    equal_without_case,
    link_missing,
    linked_otherwise,
    nothing_refers_to,
    required_missing,
    unknown_choice,
)

if TYPE_CHECKING:
    from django.db.models import QuerySet

Warn = partial(Check, severity="warning")


def _people_without_name() -> QuerySet[Any]:
    """A superuser is an account first: ``createsuperuser`` asks for no name."""
    return required_missing(User, "name")().exclude(is_superuser=True)


def _teams_without_department() -> QuerySet[Any]:
    """A team takes the department of its tribe, so one without a tribe may have none."""
    return link_missing(Team, "department")().exclude(department=None, tribe=None)


USERS = (
    Check("users.email_missing", "Users without an e-mail address", required_missing(User, "email")),
    Check("users.name_missing", "Users without a name", _people_without_name),
    Check(
        "users.email_case", "Users whose e-mail addresses are equal but for the case", equal_without_case(User, "email")
    ),
    Check(
        "users.links",
        "Users linked to a record that does not exist",
        dangling_links(User, "organization", "department", "chapter", "leader", "agile_coach"),
    ),
    Check("users.team", "Users in a team that does not exist", dangling_links(User, "team")),
    Check(
        "users.memberships",
        "Memberships of a committee or a user that does not exist",
        dangling_links(Committee.members.through, "committee", "user"),
    ),
)

ORG_STRUCTURE = (
    Warn("org_structure.teams_without_tribe", "Teams without a tribe", required_missing(Team, "tribe")),
    Check("org_structure.team_tribes", "Teams in a tribe that does not exist", dangling_links(Team, "tribe")),
    Check(
        "org_structure.role_holders",
        "Organizations with a role held by a user who does not exist",
        dangling_links(Organization, "ceo", "cto", "cfo", "cpo", "vp", "hr_manager", "sales_manager"),
    ),
    Check(
        "org_structure.chapter_leaders", "Chapters with a leader who does not exist", dangling_links(Chapter, "leader")
    ),
    Check(
        "org_structure.tribe_directors",
        "Tribes with a director who does not exist",
        dangling_links(Tribe, "engineering_director", "product_director"),
    ),
    Check("org_structure.team_leaders", "Teams with a leader who does not exist", dangling_links(Team, "leader")),
    Check("org_structure.chapter_departments", "Chapters without a department", link_missing(Chapter, "department")),
    Check("org_structure.tribe_departments", "Tribes without a department", link_missing(Tribe, "department")),
    Check("org_structure.team_departments", "Teams without a department", _teams_without_department),
    *(
        Warn(f"org_structure.unused_{name}", f"Nothing refers to these {name}", nothing_refers_to(model))
        for name, model in {
            "organizations": Organization,
            "departments": Department,
            "chapters": Chapter,
            "tribes": Tribe,
            "teams": Team,
            "committees": Committee,
        }.items()
    ),
)

LADDERS = (
    Warn("ladders.without_aspects", "Ladders without an aspect", nothing_refers_to(Ladder, LadderAspect)),
    Check("ladders.aspects", "Aspects without a ladder", link_missing(LadderAspect, "ladder")),
    Check(
        "ladders.levels",
        "Levels whose aspect belongs to another ladder, or does not exist",
        linked_otherwise(LadderLevel, "aspect", "ladder"),
    ),
    Check("ladders.level_numbers", "Levels with a number below 1", below(LadderLevel, "level", 1)),
)

HISTORY = (
    Check("history.event_users", "Events without a user", link_missing(TimelineEvent, "user")),
    Check(
        "history.event_types",
        "Events of an unknown type",
        unknown_choice(TimelineEvent, "event_type", EventType.values),
    ),
    Check("history.compensation_users", "Compensation without a user", link_missing(CompensationSnapshot, "user")),
    Check("history.seniority_users", "Seniority without a user", link_missing(SenioritySnapshot, "user")),
    Check(
        "history.compensation_events",
        "Compensation whose event belongs to somebody else, or does not exist",
        linked_otherwise(CompensationSnapshot, "source_event", "user"),
    ),
    Check(
        "history.seniority_events",
        "Seniority whose event belongs to somebody else, or does not exist",
        linked_otherwise(SenioritySnapshot, "source_event", "user"),
    ),
    Check(
        "history.pay_bands",
        "Compensation with a pay band that does not exist",
        dangling_links(CompensationSnapshot, "pay_band"),
    ),
    Check("history.ladders", "Seniority on a ladder that does not exist", link_missing(SenioritySnapshot, "ladder")),
)
