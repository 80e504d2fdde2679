"""Importing the org structure: leaders that nobody knows, and what belongs to what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands.people.models import Chapter, Department, Organization, Team, Tribe, User
from tests.people.conftest import MADE

if TYPE_CHECKING:
    from tests.people.conftest import Importer
    from tests.people.database import Contents

TEAMS = "team_name,team_description,team_tribe_name,team_category,team_leader_email\n"
TRIBES = "tribe_name,tribe_description,tribe_category,tribe_engineering_director_email,tribe_product_director_email\n"
CHAPTERS = "chapter_name,chapter_description,chapter_leader_email\n"


def test_unknown_leaders_are_left_empty_and_counted(importing: Importer) -> None:
    """Without --create-users nobody is made up: five warnings, exit 0, and no user."""
    outcome = importing("org_structure", MADE / "org_structure.csv")
    assert (outcome.exit_code, outcome.rows) == (0, {"read": 8, "created": 8})
    assert outcome.report["links"] == {"held": 0, "left_empty": 5}
    assert sorted(outcome.warnings) == [
        (2, "team_leader_email", "link_left_empty"),
        (3, "chapter_leader_email", "link_left_empty"),
        (7, "tribe_engineering_director_email", "link_left_empty"),
        (7, "tribe_product_director_email", "link_left_empty"),
        (8, "team_leader_email", "link_left_empty"),
    ]
    assert User.objects.count() == 0


def test_leaders_that_exist_are_linked_whatever_their_case(importing: Importer) -> None:
    """With --create-users too: nobody is made twice, and nobody who exists is touched."""
    ada = User.objects.create(email="Ada@x.example", name="Ada")
    for flags in ((), ("--create-users",)):
        text = f"{CHAPTERS}Makers{len(flags)},,aDA@X.example\n"
        assert importing("org_structure", text, *flags).exit_code == 0
    assert list(Chapter.objects.values_list("leader", flat=True)) == [ada.pk, ada.pk]
    assert list(User.objects.values_list("email", "name", "is_active", "is_placeholder")) == [
        ("Ada@x.example", "Ada", True, False)
    ]


def test_a_leader_that_was_left_empty_is_filled_in_later_and_then_held(importing: Importer) -> None:
    """Empty is not elsewhere: the second run fills it. A third one with another leader is held, until it is forced."""
    importing("org_structure", f"{CHAPTERS}Makers,,ada@x.example\n")
    filled = importing("org_structure", f"{CHAPTERS}Makers,,ada@x.example\n", "--create-users")
    assert (filled.exit_code, filled.rows) == (0, {"read": 1, "updated": 1})
    held = importing("org_structure", f"{CHAPTERS}Makers,,eve@x.example\n", "--create-users")
    assert (held.exit_code, held.report["links"]["held"]) == (3, 1)
    assert Chapter.objects.get().leader == User.objects.get(email="ada@x.example")
    forced = importing("org_structure", f"{CHAPTERS}Makers,,eve@x.example\n", "--force-update")
    assert forced.exit_code == 0
    assert Chapter.objects.get().leader == User.objects.get(email="eve@x.example")


def test_a_team_takes_the_department_of_its_tribe_whichever_that_is(importing: Importer) -> None:
    """A tribe that exists keeps its own department, and a team of it follows."""
    research = Department.objects.create(name="Research")
    Tribe.objects.create(name="Labs", department=research)
    importing("org_structure", f"{TEAMS}Lasers,,Labs,tech,\n")
    assert Team.objects.get().department == research
    assert not Department.objects.filter(name="Engineering").exists()


def test_a_team_of_an_unknown_tribe_is_an_error(importing: Importer, data: Contents) -> None:
    """Nothing is changed: not even the good row lands."""
    before = data()
    outcome = importing("org_structure", f"{TEAMS}Good,,,tech,\nLost,,Nowhere,tech,\n")
    assert (outcome.exit_code, outcome.errors) == (1, [(3, "team_tribe_name", "link_missing")])
    assert data() == before


def test_a_team_of_a_rejected_tribe_is_rejected_with_it(importing: Importer) -> None:
    """With --on-error continue, too: it names the line that is to blame."""
    header = f"{TEAMS.strip()},{TRIBES}"
    text = f"{header}Lasers,,Labs,,,,,,,\n,,,,,Labs,,sideways,,\n,,,,,Other,,tech,,\n"
    outcome = importing("org_structure", text, "--on-error", "continue")
    assert (outcome.exit_code, outcome.rows) == (3, {"read": 3, "created": 1, "rejected": 2})
    assert outcome.errors == [(2, "team_tribe_name", "link_rejected"), (3, "tribe_category", "not_a_choice")]
    assert list(Tribe.objects.values_list("name", flat=True)) == ["Other"]


def test_an_address_that_is_none_is_an_error(importing: Importer) -> None:
    """Left empty are people whom nobody knows; what can't be an address is a mistake of the file."""
    outcome = importing("org_structure", f"{CHAPTERS}Makers,,Ada Lovelace\n", "--create-users")
    assert (outcome.exit_code, outcome.errors) == (1, [(2, "chapter_leader_email", "not_an_email")])


def test_blank_cells_change_nothing_and_the_clear_token_empties(importing: Importer) -> None:
    r"""Description, category and directors stay under blanks; ``\N`` takes a description and a director away."""
    importing("org_structure", f"{TRIBES}Labs,Light,tech,ada@x.example,eve@x.example\n", "--create-users")
    blank = importing("org_structure", f"{TRIBES}Labs,,,,\n")
    assert blank.rows == {"read": 1, "unchanged": 1}
    outcome = importing("org_structure", f"{TRIBES}Labs,\\N,,\\N,\n")
    assert (outcome.exit_code, outcome.rows) == (0, {"read": 1, "updated": 1})
    tribe = Tribe.objects.get()
    assert (tribe.description, tribe.category, tribe.engineering_director) == ("", "TECH", None)
    assert tribe.product_director == User.objects.get(email="eve@x.example")


def test_organizations_are_recognised_by_their_name(importing: Importer) -> None:
    """The same name again is unchanged; the same name twice in a file is an error."""
    assert importing("org_structure", "organization_name\nAcme\n").rows == {"read": 1, "created": 1}
    assert importing("org_structure", "organization_name\nAcme\n").rows == {"read": 1, "unchanged": 1}
    assert importing("org_structure", "organization_name\nBeta\nBeta\n").exit_code == 1
    assert Organization.objects.count() == 1
