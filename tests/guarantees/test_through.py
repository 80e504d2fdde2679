"""A link that is taken through another one is read as the data will be after the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from commands.people.imports.org_structure import OrgStructureImport
from commands.people.models import Department, Team, Tribe

if TYPE_CHECKING:
    from tests.testapp.importing import Importer

pytestmark = pytest.mark.django_db(transaction=True)

TRIBE = "tribe_name,tribe_category,team_name,team_tribe_name,team_category\n"


def test_a_team_takes_the_department_of_a_tribe_that_comes_with_the_same_file(importing: Importer) -> None:
    """Before or after it."""
    importing(OrgStructureImport, f"{TRIBE},,Core,Platform,tech\nPlatform,tech,,,\n,,Edge,Platform,tech\n")
    assert set(Team.objects.values_list("name", "department__name")) == {
        ("Core", "Engineering"),
        ("Edge", "Engineering"),
    }


def test_a_department_that_the_run_changes_is_taken_as_changed(importing: Importer) -> None:
    """And importing the same file again changes nothing."""
    Tribe.objects.create(name="Platform", department=Department.objects.create(name="Finance"))
    text = f"{TRIBE}Platform,tech,,,\n,,Core,Platform,tech\n"
    importing(OrgStructureImport, text, force_update=True)
    assert Team.objects.get().department.name == "Engineering"
    assert importing(OrgStructureImport, text, force_update=True).rows.unchanged == 2


def test_a_department_that_is_held_is_taken_as_it_stays(importing: Importer) -> None:
    """The tribe keeps Finance, so the team gets it."""
    Tribe.objects.create(name="Platform", department=Department.objects.create(name="Finance"))
    text = f"{TRIBE}Platform,tech,,,\n,,Core,Platform,tech\n"
    assert importing(OrgStructureImport, text).links_held == 1
    assert Team.objects.get().department.name == "Finance"


def test_a_held_tribe_gives_its_own_department(importing: Importer) -> None:
    """The team stays in its tribe, whatever the file names; its empty department is that of the tribe it is in."""
    finance, sales = (Department.objects.create(name=name) for name in ("Finance", "Sales"))
    ours = Tribe.objects.create(name="Ours", department=finance)
    Tribe.objects.create(name="Theirs", department=sales)
    Team.objects.create(name="Core", tribe=ours)
    assert importing(OrgStructureImport, f"{TRIBE},,Core,Theirs,tech\n").links_held == 1
    team = Team.objects.get()
    assert (team.tribe, team.department) == (ours, finance)
