"""What this library is told about the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.models import Person, SavedPerson, Team
from safe_import.checks.check import Check
from safe_import.checks.library import dangling_links, required_missing
from safe_import.spec.import_spec import ImportSpec
from safe_import.spec.key import Key
from safe_import.spec.link import Link
from safe_import.spec.row import Row
from safe_import.spec.target import target
from safe_import.types import Boolean, Date, Email, Number, Text

if TYPE_CHECKING:
    from collections.abc import Iterator


class PersonRow(Row):
    """One line of the file."""

    email: Email
    name: Text
    city: Text | None = None
    about: Text | None = None
    active: Boolean
    joined: Date
    salary: Number
    score: Number
    team: Text


class PeopleImport(ImportSpec, register=False):
    """The usual case, with two integrity checks."""

    row = PersonRow
    model = Person
    key = Key("email", casefold=True)
    links = {"team": Link(Team, "name")}
    checks = (
        Check("people.name_missing", "People without a name", required_missing(Person, "name")),
        Check("people.team_dangling", "People whose team does not exist", dangling_links(Person, "team")),
    )


class SavedPeopleImport(ImportSpec, register=False):
    """The same, instance by instance."""

    row = PersonRow

    @target(SavedPerson, key=Key("email", casefold=True), links={"team": Link(Team, "name")}, write="save")
    def people(self, row: Any) -> Iterator[dict[str, Any]]:
        """The person."""
        yield row.brought(*PersonRow.model_fields)
