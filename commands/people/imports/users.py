"""People: who they are, where they belong, and the roles that they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import TextChoices
from pydantic import AliasChoices, Field

from commands.people.checks import USERS
from commands.people.imports.cells import Name
from commands.people.imports.org_structure import DEPARTMENT, USER_KEY
from commands.people.models import (
    Chapter,
    Committee,
    CompensationSnapshot,
    Department,
    Organization,
    SenioritySnapshot,
    Team,
    TimelineEvent,
    Tribe,
    User,
)
from safe_import.spec import ImportSpec, Link, Lookup, Row, own, target
from safe_import.types import Choice, Email, Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet

    from safe_import.spec.target import Record


class Role(TextChoices):
    """The roles that a file may give, as it spells them."""

    CEO = "CEO"
    CTO = "CTO"
    CFO = "CFO"
    CPO = "CPO"
    VP = "VP"
    HR_MANAGER = "HR Manager"
    SALES_MANAGER = "Sales Manager"
    ENGINEERING_DIRECTOR = "Engineering Director"
    PRODUCT_DIRECTOR = "Product Director"


# Which field of the organization, or of a tribe, names the holder of a role.
ROLES_OF_ORGANIZATION = {
    Role.CEO.value: "ceo",
    Role.CTO.value: "cto",
    Role.CFO.value: "cfo",
    Role.CPO.value: "cpo",
    Role.VP.value: "vp",
    Role.HR_MANAGER.value: "hr_manager",
    Role.SALES_MANAGER.value: "sales_manager",
}
ROLES_OF_TRIBE = {
    Role.ENGINEERING_DIRECTOR.value: "engineering_director",
    Role.PRODUCT_DIRECTOR.value: "product_director",
}


class UserRow(Row):
    """A person."""

    clearable = ("gmail", "phone", "leader", "agile_coach")

    name: Name | None = Field(None, validation_alias="Name")
    email: Email = Field(validation_alias="Email")
    gmail: Email | None = Field(None, validation_alias="Gmail")
    phone: Text | None = Field(None, validation_alias="Phone", max_length=64)
    role: Choice[Role] | None = Field(None, validation_alias="Role")
    team: Name | None = Field(None, validation_alias="Team")
    tribe: Name | None = Field(None, validation_alias="Tribe")
    chapter: Name | None = Field(None, validation_alias="Chapter")
    leader: Email | None = Field(None, validation_alias="Leader")
    agile_coach: Email | None = Field(None, validation_alias=AliasChoices("PR", "Agile Coach"))


_COLLEAGUE = Link("self", "email", missing="empty")


class UsersImport(ImportSpec):
    """Users, the chapters that are new, role holders and committees."""

    name = "users"
    row = UserRow
    checks = USERS

    stored = Lookup(  # None: a new user
        User,
        {"email": "email"},
        value=("is_placeholder", "team", "team__department__name", "team__tribe"),
        casefold=True,
    )
    team = Lookup(Team, {"name": "team"}, value=("pk", "department__name", "tribe"))
    tribe = Lookup(Tribe, {"name": "tribe"}, value=("department__name", "pk"))
    organizations = Lookup(Organization, value="name", many=True)

    @target(Department, key="name", mode="insert")
    def departments(self, row: UserRow) -> Iterator[Record]:
        if row.chapter:
            yield {"name": DEPARTMENT}

    @target(
        Chapter,
        key="name",
        mode="insert",
        links={"department": Link(Department, "name")},
        columns={"name": "chapter"},
    )
    def chapters(self, row: UserRow) -> Iterator[Record]:
        if row.chapter:
            yield {"name": row.chapter, "department": DEPARTMENT}

    @target(
        User,
        key=USER_KEY,
        main=True,
        links={
            "team": Link(Team, "name"),
            "chapter": Link(Chapter, "name"),
            "department": Link(Department, "name"),
            "leader": _COLLEAGUE,
            "agile_coach": _COLLEAGUE,
        },
    )
    def users(self, row: UserRow) -> Iterator[Record]:
        record = row.brought("name", "email", "gmail", "phone", "team", "chapter", "leader", "agile_coach")
        if department := self._department(row):
            record["department"] = department
        stored = row.found.get("stored")
        if stored and stored[0]:
            record |= {"is_placeholder": False, "is_active": True}
        if stored is None and not row.name:
            row.refuse("required", "a new user needs a name", field="name")
        yield record

    def _department(self, row: UserRow) -> str | None:
        """The name of the department of the team that the user will have, or else of the tribe; judges the tribe."""
        team, of_team, tribe_of_team = self._team(row)
        of_tribe, tribe = row.found.get("tribe") or (None, None)
        if row.tribe and tribe is None:
            row.refuse("link_missing", "no tribe has this name; correct it, or import the tribe first", field="tribe")
        elif tribe and team and tribe != tribe_of_team:
            row.warn("tribe_not_of_team", "the team belongs to another tribe, or to none", field="tribe")
        return of_team or of_tribe

    def _team(self, row: UserRow) -> tuple[Any, str | None, Any]:
        """The team that the user will have, with its department and tribe: a team that is stored already is held."""
        _, *stored = row.found.get("stored") or (None, None, None, None)
        if stored[0] and not (row.team and self.force_update):
            return stored[0], stored[1], stored[2]
        return row.found.get("team") or (None, None, None)

    @target(
        Organization,
        key="name",
        mode="update",
        columns={"name": "role", **dict.fromkeys(ROLES_OF_ORGANIZATION.values(), "role")},
    )
    def roles_of_organization(self, row: UserRow) -> Iterator[Record]:
        field = ROLES_OF_ORGANIZATION.get(row.role or "")
        if not field:
            return
        names = row.found.get("organizations", [])
        if len(names) == 1:
            yield {"name": names[0], field: own(User)}
        else:
            count = "are several organizations" if names else "is no organization"
            row.refuse("no_single_organization", f"this role needs one organization, and there {count}", field="role")

    @target(
        Tribe, key="name", mode="update", columns={"name": "tribe", **dict.fromkeys(ROLES_OF_TRIBE.values(), "role")}
    )
    def roles_of_tribe(self, row: UserRow) -> Iterator[Record]:
        field = ROLES_OF_TRIBE.get(row.role or "")
        if field and row.tribe:
            yield {"name": row.tribe, field: own(User)}
        elif field:
            row.refuse("required", "a director needs a tribe to direct", field="tribe")

    @target(Committee, key="name", mode="insert")
    def committees(self, row: UserRow) -> Iterator[Record]:
        if row.role:
            yield {"name": f"{row.role} Committee"}

    @target(Committee.members.through, key=("committee", "user"), mode="insert")
    def memberships(self, row: UserRow) -> Iterator[Record]:
        if row.role:
            yield {"committee": own(Committee), "user": own(User)}

    def clear(self) -> Iterator[QuerySet[Any]]:
        """All users but superusers, and first their snapshots and events, which protect them: import history again."""
        yield SenioritySnapshot.objects.filter(user__is_superuser=False)
        yield CompensationSnapshot.objects.filter(user__is_superuser=False)
        yield TimelineEvent.objects.filter(user__is_superuser=False)
        yield User.objects.filter(is_superuser=False)
