"""Importing users: what is refused, what is kept, and who leads whom."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from commands.people.models import Chapter, Department, Organization, Team, Tribe, User

if TYPE_CHECKING:
    from pathlib import Path

    from tests.people.conftest import Importer
    from tests.people.database import Contents

ALL = "Email,Name,Gmail,Phone,Role,Team,Tribe,Chapter,Leader,PR\n"

BAD = f"""Name,Email,Team,Role,Nickname
Good One,one@x.example,Alpha,,
No Address,,Alpha,,
Malformed,Bob <bob@x.example>,Alpha,,
Twice,twice@x.example,,,
Twice Again,TWICE@X.example,,,
Wrong Team,team@x.example,Alpa,,
Wrong Role,role@x.example,,Chief,
{"x" * 257},long@x.example,,,
Unknown Column,nick@x.example,,,Nicky
Good Two,two@x.example,,,
"""
BAD_CELLS = [
    (3, "Email", "required"),
    (4, "Email", "not_an_email"),
    (5, "Email", "key_twice"),
    (6, "Email", "key_twice"),
    (7, "Team", "link_missing"),
    (8, "Role", "not_a_choice"),
    (9, "Name", "too_long"),
]


def test_a_file_with_bad_rows_is_refused_and_all_its_errors_are_listed(importing: Importer, data: Contents) -> None:
    """One bad row of each kind: exit 1, each with line and column, and nothing is changed."""
    Team.objects.create(name="Alpha")
    before = data()
    outcome = importing("users", BAD)
    assert (outcome.exit_code, outcome.errors) == (1, [(1, "Nickname", "unknown_column"), *BAD_CELLS])
    assert outcome.report["errors_total"] == 8
    assert data() == before


def test_the_good_rows_of_a_bad_file_can_be_imported_and_the_bad_ones_corrected(
    importing: Importer, tmp_path: Path
) -> None:
    """``--on-error continue``: exit 3, the bad rows are in the rejects file with reasons; corrected, they import."""
    Team.objects.create(name="Alpha")
    rejects = tmp_path / "rejects.csv"
    outcome = importing("users", BAD, "--on-error", "continue", "--rejects", str(rejects))
    assert (outcome.exit_code, outcome.rows) == (3, {"read": 10, "created": 2, "rejected": 8})
    assert outcome.errors == [*BAD_CELLS, (10, "Nickname", "unknown_column")]
    assert set(User.objects.values_list("email", flat=True)) == {"one@x.example", "two@x.example"}
    rows = list(csv.DictReader(rejects.read_text(encoding="utf-8-sig").splitlines()))
    assert [int(row["safe_import_line"]) for row in rows] == [3, 4, 5, 6, 7, 8, 9, 10]
    assert all(row["safe_import_reason"] for row in rows)
    corrected = importing("users", importing.written(_corrected(rows)))
    assert (corrected.exit_code, corrected.rows) == (0, {"read": 7, "created": 7})
    assert User.objects.count() == 9


def _corrected(rows: list[dict[str, str]]) -> str:
    """The rejects file, as a person would correct it: the second of two equal rows and the column are gone."""
    repaired = {
        3: {"Email": "no@x.example"},
        4: {"Email": "bob@x.example"},
        7: {"Team": "Alpha"},
        8: {"Role": ""},
        9: {"Name": "Long"},
    }
    kept = [name for name in rows[0] if name != "Nickname"]
    lines = []
    for row in rows:
        line = int(row["safe_import_line"])
        if line != 6:
            cells = row | repaired.get(line, {}) | {"safe_import_reason": "corrected"}
            lines.append(",".join(cells[name] for name in kept))
    return "\n".join([",".join(kept), *lines, ""])


def test_blank_cells_change_nothing(importing: Importer) -> None:
    """Neither texts nor links, nor the place in the organization."""
    Tribe.objects.create(name="Labs")
    Team.objects.create(name="Alpha", tribe=Tribe.objects.get())
    text = "ada@x.example,Ada,ada@gmail.example,123,,Alpha,Labs,Makers,eve@x.example,eve@x.example\n"
    importing("users", f"{ALL}{text}eve@x.example,Eve,,,,,,,,\n")
    before = list(User.objects.order_by("pk").values())
    outcome = importing("users", f"{ALL}ADA@X.EXAMPLE,,,,,,,,,\n")
    assert (outcome.exit_code, outcome.rows) == (0, {"read": 1, "unchanged": 1})
    assert list(User.objects.order_by("pk").values()) == before


def test_the_clear_token_empties_what_may_be_empty(importing: Importer) -> None:
    r"""``\N`` takes phone and leader away; a name can't be emptied."""
    importing("users", f"{ALL}ada@x.example,Ada,a@g.example,123,,,,,ada@x.example,\n")
    refused = importing("users", f"{ALL}ada@x.example,\\N,,,,,,,,\n")
    assert (refused.exit_code, [column for _, column, _ in refused.errors]) == (1, ["Name"])
    outcome = importing("users", f"{ALL}ada@x.example,,\\N,\\N,,,,,\\N,\n")
    assert (outcome.exit_code, outcome.rows) == (0, {"read": 1, "updated": 1})
    assert list(User.objects.values_list("name", "gmail", "phone", "leader")) == [("Ada", "", "", None)]


def test_only_a_placeholder_is_made_active(importing: Importer) -> None:
    """Somebody who was locked out stays locked out; the address of a placeholder stays as it was."""
    User.objects.create(email="Out@x.example", name="Out", is_active=False)
    User.objects.create(email="Held@x.example", name="held", is_active=False, is_placeholder=True)
    User.objects.create(email="named@x.example", name="named", is_active=False, is_placeholder=True)
    text = f"{ALL}out@x.example,New Name,,,,,,,named@x.example,\nheld@x.example,,,,,,,,,\n"
    outcome = importing("users", text)
    assert (outcome.exit_code, outcome.rows) == (0, {"read": 2, "updated": 2})
    assert set(User.objects.values_list("email", "name", "is_active", "is_placeholder")) == {
        ("Out@x.example", "New Name", False, False),
        ("Held@x.example", "held", True, False),
        ("named@x.example", "named", False, True),  # named as a leader only
    }


def test_a_new_user_needs_a_name(importing: Importer) -> None:
    """An existing one may be updated without."""
    outcome = importing("users", f"{ALL}ada@x.example,,,,,,,,,\n")
    assert (outcome.exit_code, outcome.errors) == (1, [(2, "Name", "required")])


def test_leaders_may_stand_further_down_in_a_circle_or_be_oneself(importing: Importer) -> None:
    """200 rows that differ in nothing but their leader import in one run, and again: 0 changes."""
    names = [f"u{number}" for number in range(200)]
    leaders = [*names[1:100], names[0], *reversed(names[100:199]), names[199]]
    rows = (f"{name}@x.example,Same,{leader.upper()}@x.example\n" for name, leader in zip(names, leaders, strict=True))
    text = f"Email,Name,Leader\n{''.join(rows)}"
    outcome = importing("users", text)
    assert (outcome.exit_code, outcome.rows) == (0, {"read": 200, "created": 200})
    found = dict(User.objects.values_list("email", "leader__email"))
    assert found == {f"{name}@x.example": f"{leader}@x.example" for name, leader in zip(names, leaders, strict=True)}
    assert importing("users", text).rows == {"read": 200, "unchanged": 200}


def test_a_rejected_leader_rejects_those_who_follow(importing: Importer) -> None:
    """Nobody is linked to a user who was not imported: that is no unknown leader, whose link may stay empty."""
    text = f"{ALL}ada@x.example,Ada,,,,,,,bad@x.example,\nbad@x.example,Bad,,,Chief,,,,,\neve@x.example,Eve,,,,,,,,\n"
    outcome = importing("users", text, "--on-error", "continue")
    assert (outcome.exit_code, outcome.rows) == (3, {"read": 3, "created": 1, "rejected": 2})
    assert outcome.errors == [(2, "Leader", "link_rejected"), (3, "Role", "not_a_choice")]


def test_an_unknown_tribe_is_an_error_and_a_foreign_one_a_warning(importing: Importer) -> None:
    """The department comes from the team, also when the row names a tribe elsewhere."""
    labs, _ = Tribe.objects.create(name="Labs"), Tribe.objects.create(name="Other")
    Team.objects.create(name="Alpha", tribe=labs)
    text = f"{ALL}ada@x.example,Ada,,,,Alpha,Other,,,\neve@x.example,Eve,,,,Alpha,Labs,,,\n"
    outcome = importing("users", text)
    assert (outcome.exit_code, outcome.warnings) == (0, [(2, "Tribe", "tribe_not_of_team")])
    unknown = importing("users", f"{ALL}ada@x.example,Ada,,,,Alpha,Nowhere,,,\n")
    assert (unknown.exit_code, unknown.errors) == (1, [(2, "Tribe", "link_missing")])


def test_a_role_of_the_organization_needs_exactly_one(importing: Importer) -> None:
    """None or several: a row error, and nobody holds the role."""
    text = f"{ALL}ada@x.example,Ada,,,CEO,,,,,\n"
    for name in ("", "Acme", "Beta"):
        if name:
            Organization.objects.create(name=name)
        outcome = importing("users", text, "--dry-run")
        expected = (0, []) if name == "Acme" else (1, [(2, "Role", "no_single_organization")])
        assert (outcome.exit_code, outcome.errors) == expected


def test_a_director_needs_a_tribe(importing: Importer) -> None:
    """The team's own is not taken for it: nothing is guessed."""
    Team.objects.create(name="Alpha", tribe=Tribe.objects.create(name="Labs"))
    text = f"{ALL}ada@x.example,Ada,,,Product Director,Alpha,,,,\n"
    outcome = importing("users", text)
    assert (outcome.exit_code, outcome.errors) == (1, [(2, "Tribe", "required")])


def test_a_role_that_somebody_else_holds_is_held_unless_forced(importing: Importer) -> None:
    """Exit 3 and the old holder; with ``--force-update`` the new one. The same person again is no conflict."""
    organization = Organization.objects.create(name="Acme")
    importing("users", f"{ALL}ada@x.example,Ada,,,CEO,,,,,\n")
    again = importing("users", f"{ALL}ada@x.example,Ada,,,CEO,,,,,\n")
    assert (again.exit_code, again.rows) == (0, {"read": 1, "unchanged": 1})
    text = f"{ALL}eve@x.example,Eve,,,CEO,,,,,\n"
    held = importing("users", text)
    assert (held.exit_code, held.report["links"]["held"]) == (3, 1)
    organization.refresh_from_db()
    assert str(organization.ceo) == "Ada"
    forced = importing("users", text, "--force-update")
    assert (forced.exit_code, forced.rows) == (0, {"read": 1, "updated": 1})
    organization.refresh_from_db()
    assert str(organization.ceo) == "Eve"


def test_two_who_claim_one_role_are_an_error(importing: Importer) -> None:
    """Both lines are told; nobody holds the role."""
    organization = Organization.objects.create(name="Acme")
    outcome = importing("users", f"{ALL}ada@x.example,Ada,,,CEO,,,,,\neve@x.example,Eve,,,CEO,,,,,\n")
    assert (outcome.exit_code, outcome.errors) == (1, [(3, "Role", "disagree")])
    assert "line 2" in outcome.report["errors"][0]["message"]
    organization.refresh_from_db()
    assert organization.ceo is None


def test_a_person_who_moves_is_held_unless_forced(importing: Importer) -> None:
    """Team and chapter point elsewhere already, so both stay; what is no link is updated all the same."""
    for name in ("Alpha", "Beta"):
        Team.objects.create(name=name)
    importing("users", f"{ALL}ada@x.example,Ada,,,,Alpha,,Makers,,\n")
    text = f"{ALL}ada@x.example,Ada Lovelace,,,,Beta,,Thinkers,,\n"
    held = importing("users", text)
    assert (held.exit_code, held.report["links"]["held"]) == (3, 2)
    places = User.objects.values_list("name", "team__name", "chapter__name")
    assert list(places) == [("Ada Lovelace", "Alpha", "Makers")]
    assert importing("users", text, "--force-update").exit_code == 0
    assert list(places.all()) == [("Ada Lovelace", "Beta", "Thinkers")]
    assert set(Chapter.objects.values_list("name", "department__name")) == {
        ("Makers", "Engineering"),
        ("Thinkers", "Engineering"),
    }


def test_the_department_is_that_of_the_team_the_user_will_have(importing: Importer) -> None:
    """A team that is held keeps its own; a tribe counts only for who has no team, or one without a department."""
    sales = Department.objects.create(name="Sales")
    engineering, _ = Department.objects.get_or_create(name="Engineering")
    tribe = Tribe.objects.create(name="Sellers", department=sales)
    lone = Team.objects.create(name="Lone")
    core = Team.objects.create(name="Core", department=engineering)
    bob = User.objects.create(email="bob@x.example", name="Bob", team=lone)
    eve = User.objects.create(email="eve@x.example", name="Eve", team=core)
    header = "Name,Email,Team,Tribe\n"
    importing("users", f"{header}Bob,bob@x.example,Core,\nEve,eve@x.example,,Sellers\n", "--force-update")
    bob.refresh_from_db()
    eve.refresh_from_db()
    assert (bob.team, bob.department, eve.team, eve.department) == (core, engineering, core, engineering)
    User.objects.filter(pk=bob.pk).update(team=lone, department=None)
    outcome = importing("users", f"{header}Bob,bob@x.example,Core,\n")
    bob.refresh_from_db()
    assert (outcome.exit_code, bob.team, bob.department) == (3, lone, None)
    assert tribe.department == sales
