"""Organizations, chapters, tribes and teams: four kinds of rows, each in a file of its own or mixed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from commands.people.checks import ORG_STRUCTURE
from commands.people.imports.cells import Name
from commands.people.models import Category, Chapter, Department, Organization, Team, Tribe, User
from safe_import.spec import ImportSpec, Key, Link, NoOptions, Row, Through, target
from safe_import.types import Choice, Email, Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet

    from safe_import.spec.target import Record

DEPARTMENT = "Engineering"

USER_KEY = Key("email", casefold=True)
_USER = Link(User, USER_KEY, missing="empty")
_DEPARTMENT = Link(Department, "name")


class OrganizationRow(Row):
    """An organization."""

    name: Name = Field(validation_alias="organization_name")


class ChapterRow(Row):
    """A chapter."""

    clearable = ("description", "leader")

    name: Name = Field(validation_alias="chapter_name")
    description: Text | None = Field(None, validation_alias="chapter_description")
    leader: Email | None = Field(None, validation_alias="chapter_leader_email")


class TribeRow(Row):
    """A tribe."""

    clearable = ("description", "engineering_director", "product_director")

    name: Name = Field(validation_alias="tribe_name")
    description: Text | None = Field(None, validation_alias="tribe_description")
    category: Choice[Category] | None = Field(None, validation_alias="tribe_category")
    engineering_director: Email | None = Field(None, validation_alias="tribe_engineering_director_email")
    product_director: Email | None = Field(None, validation_alias="tribe_product_director_email")


class TeamRow(Row):
    """A team."""

    clearable = ("description", "leader")

    name: Name = Field(validation_alias="team_name")
    description: Text | None = Field(None, validation_alias="team_description")
    tribe: Name | None = Field(None, validation_alias="team_tribe_name")
    category: Choice[Category] | None = Field(None, validation_alias="team_category")
    leader: Email | None = Field(None, validation_alias="team_leader_email")


class OrgStructureOptions(NoOptions):
    """What becomes of leaders and directors that nobody knows."""

    create_users: bool = Field(False, description="create unknown leaders and directors as inactive placeholders")


class OrgStructureImport(ImportSpec):
    """Chapters and tribes belong to one department; a team takes that of its tribe."""

    name = "org_structure"
    rows = (OrganizationRow, ChapterRow, TribeRow, TeamRow)
    Options = OrgStructureOptions
    checks = ORG_STRUCTURE

    @target(User, key=USER_KEY, mode="insert", agree="first")  # the case of the local part, its name, may differ
    def placeholders(self, row: Row) -> Iterator[Record]:
        if self.options.create_users:
            for email in _people(row):
                name = email.rpartition("@")[0]
                yield {"email": email, "name": name, "is_placeholder": True, "is_active": False}

    @target(Department, key="name", mode="insert")
    def departments(self, row: Row) -> Iterator[Record]:
        if isinstance(row, ChapterRow | TribeRow):
            yield {"name": DEPARTMENT}

    @target(Organization, key="name", row=OrganizationRow, main=True)
    def organizations(self, row: OrganizationRow) -> Iterator[Record]:
        yield row.brought("name")

    @target(Chapter, key="name", row=ChapterRow, main=True, links={"department": _DEPARTMENT, "leader": _USER})
    def chapters(self, row: ChapterRow) -> Iterator[Record]:
        yield {**row.brought("name", "description", "leader"), "department": DEPARTMENT}

    @target(
        Tribe,
        key="name",
        row=TribeRow,
        main=True,
        links={"department": _DEPARTMENT, "engineering_director": _USER, "product_director": _USER},
    )
    def tribes(self, row: TribeRow) -> Iterator[Record]:
        brought = row.brought("name", "description", "category", "engineering_director", "product_director")
        yield {**brought, "department": DEPARTMENT}

    @target(
        Team,
        key="name",
        row=TeamRow,
        main=True,
        links={"tribe": Link(Tribe, "name"), "department": Through("tribe", "department"), "leader": _USER},
    )
    def teams(self, row: TeamRow) -> Iterator[Record]:
        yield row.brought("name", "description", "tribe", "category", "leader")

    def clear(self) -> Iterator[QuerySet[Any]]:
        """The whole structure. Users stay, placeholders too; they lose their place until users are imported again."""
        for model in (Team, Tribe, Chapter, Department, Organization):
            yield model._base_manager.all()


def _people(row: Row) -> Iterator[str]:
    """The addresses of leaders and directors that a row names."""
    for name in ("leader", "engineering_director", "product_director"):
        if email := getattr(row, name, None):
            yield email
