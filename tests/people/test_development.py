"""The twins for developers: they clear and reload in one transaction, and not in production."""

from __future__ import annotations

import os
import subprocess
import sys
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from django.core.management import call_command

from commands.people.models import (
    Ladder,
    Organization,
    SenioritySnapshot,
    Team,
    TimelineEvent,
    User,
)
from tests.people.conftest import MADE, PROJECT
from tests.people.database import without_sequences

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django.fixtures import SettingsWrapper

    from tests.people.conftest import Importer
    from tests.people.database import Contents

SMALL = {
    "ladders": "ladder_code,ladder_name\nX,Other\n",
    "org_structure": "organization_name\nOther\n",
    "users": "Email,Name\nother@firma.example,Other\n",
    "history": "user_email,event_type,event_date\nli@firma.example,NOTICE,2020-01-01\n",
}
NAMES = ["ladders", "org_structure", "users", "history"]


@pytest.fixture
def development(settings: SettingsWrapper, backup_root: Path) -> None:
    """Say that this is a developer's machine."""
    settings.SAFE_IMPORT = {**settings.SAFE_IMPORT, "ENVIRONMENT": "development"}


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``manage.py`` with the settings of the project."""
    inherited = {name: value for name, value in os.environ.items() if name != "SAFE_IMPORT_ENVIRONMENT"}
    return subprocess.run(
        [sys.executable, str(PROJECT / "manage.py"), *arguments],
        env=inherited | {"DJANGO_SETTINGS_MODULE": "commands.settings"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", NAMES)
def test_in_production_the_twin_is_an_unknown_command(name: str) -> None:
    """What is not installed can't be run."""
    finished = manage(f"import_{name}", "--csv", "any.csv")
    assert finished.returncode == 1
    assert "Unknown command" in finished.stderr


@pytest.mark.parametrize("name", NAMES)
def test_installed_by_mistake_it_names_the_other(importing: Importer, contents: Contents, name: str) -> None:
    """The environment is production unless it is set; nothing is read, nothing deleted."""
    before = contents()
    outcome = importing(name, MADE / f"{name}.csv", "--clear", production=False)
    assert outcome.exit_code == 1
    assert f"import_{name}_prod" in str(outcome.report)
    assert contents() == before


@pytest.mark.usefixtures("development")
def test_clearing_loads_the_file_anew_and_backs_up_before(importing: Importer) -> None:
    """What was there is gone, and what the file holds is there; a backup can bring the old back."""
    importing.made_set("ladders")
    outcome = importing("ladders", "ladder_code,ladder_name\nX,Other\n", "--clear", production=False)
    assert (outcome.exit_code, outcome.rows) == (0, {"read": 1, "created": 1})
    assert list(Ladder.objects.values_list("code", flat=True)) == ["X"]
    assert outcome.report["backup"]


@pytest.mark.usefixtures("development")
@pytest.mark.parametrize("name", NAMES)
def test_every_twin_clears_a_full_database_and_reloads_it(importing: Importer, name: str) -> None:
    """Although history protects people and ladders: the whole set can be loaded again, and is complete."""
    importing.made_set()
    outcome = importing(name, MADE / f"{name}.csv", "--clear", production=False)
    created = outcome.rows["read"] - outcome.rows.get("unchanged", 0)
    assert (outcome.exit_code, outcome.rows.get("created", 0)) == (0, created), outcome.report
    importing.made_set("users", "history")
    assert (TimelineEvent.objects.count(), SenioritySnapshot.objects.count()) == (14, 3)
    assert User.objects.get(name="李雷").team == Team.objects.get(name="Alone")


@pytest.mark.usefixtures("development")
@pytest.mark.parametrize("name", NAMES)
def test_when_the_reload_fails_the_old_data_is_still_there(importing: Importer, data: Contents, name: str) -> None:
    """Clearing and loading are one transaction: a file with an error changes nothing."""
    importing.made_set()
    before = data()
    text = (MADE / f"{name}.csv").read_text(encoding="utf-8")
    last = "," * (text.partition("\n")[0].count(",") - 1)
    outcome = importing(name, f"{text}wrong{last},wrong\n", "--clear", production=False)
    assert outcome.exit_code == 1
    assert outcome.errors
    assert data() == before


@pytest.mark.usefixtures("development")
def test_superusers_and_their_history_stay(importing: Importer) -> None:
    """``--clear-users`` takes everybody else, with their events and snapshots."""
    importing.made_set("org_structure", "users", "ladders", "history")
    root = User.objects.create_superuser("root@x.example")
    TimelineEvent.objects.create(user=root, event_type="NOTICE", effective_date="2020-01-01")
    text = "Email,Name\nnew@x.example,New\n"
    outcome = importing("users", text, "--clear-users", production=False)
    assert (outcome.exit_code, outcome.rows) == (0, {"read": 1, "created": 1})
    assert set(User.objects.values_list("email", flat=True)) == {"root@x.example", "new@x.example"}
    assert TimelineEvent.objects.get().user == root
    assert Organization.objects.get().ceo is None


@pytest.mark.usefixtures("development")
def test_without_clear_the_twin_does_what_production_does(importing: Importer) -> None:
    """It adds and updates."""
    Ladder.objects.create(code="OLD", name="Old")
    assert importing("ladders", MADE / "ladders.csv", production=False).rows == {"read": 11, "created": 11}
    assert Ladder.objects.filter(code="OLD").exists()


@pytest.mark.usefixtures("development")
def test_rows_rejected_while_clearing_are_kept_for_correction(importing: Importer, tmp_path: Path) -> None:
    """With ``--on-error continue`` the rejects file has them, as in production."""
    rejects = tmp_path / "rejects.csv"
    flags = ("--clear", "--on-error", "continue", "--rejects", str(rejects))
    outcome = importing("ladders", "ladder_code,ladder_name\nX,Other\nY,\n", *flags, production=False)
    assert (outcome.exit_code, outcome.rows) == (3, {"read": 2, "created": 1, "rejected": 1})
    assert rejects.read_text(encoding="utf-8-sig").splitlines()[1].startswith("3,")


@pytest.mark.usefixtures("development")
@pytest.mark.parametrize("name", NAMES)
def test_the_backup_brings_back_all_that_clearing_took(importing: Importer, data: Contents, name: str) -> None:
    """Also what was deleted along with it, and links of other records: leaders, roles, committees, departments."""
    importing.made_set()
    before = data()
    outcome = importing(name, SMALL[name], "--clear", production=False)
    assert data() != before
    call_command("restore_backup", outcome.report["backup"], "--mode", "exact", "--no-input", stdout=StringIO())
    assert without_sequences(data()) == without_sequences(before)
