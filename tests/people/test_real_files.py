"""The real files, in their order: they are imported whole, once, and a dry run tells what will happen."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection

from commands.people.models import (
    Chapter,
    Department,
    Ladder,
    LadderAspect,
    LadderLevel,
    Organization,
    Team,
    TimelineEvent,
    Tribe,
    User,
)
from safe_import.models import Run
from tests.people.conftest import PROJECT, REAL

if TYPE_CHECKING:
    from pathlib import Path

    from tests.people.conftest import Importer
    from tests.people.database import Contents

FILES = [
    ("ladders", "ladders/ladders.csv"),
    ("ladders", "ladders/aspects.csv"),
    ("ladders", "ladders/levels.csv"),
    ("org_structure", "congress/organizations.csv"),
    ("org_structure", "congress/chapters.csv"),
    ("org_structure", "congress/tribes.csv"),
    ("org_structure", "congress/teams.csv"),
    ("users", "congress/users.csv"),
    ("history", "congress/history.csv"),
]
COUNTS = {
    Ladder: 4,
    LadderAspect: 20,
    LadderLevel: 300,
    Organization: 1,
    Chapter: 56,
    Tribe: 49,
    Team: 181,
    User: 537,
    TimelineEvent: 2792,
}


def flags_of(name: str) -> list[str]:
    return ["--create-users"] if name == "org_structure" else []


def test_the_real_files_are_imported_whole_and_a_second_time_change_nothing(importing: Importer) -> None:
    """Exit 0 and a balanced ledger for each; then the same again: nothing created, nothing updated."""
    for name, file in FILES:
        outcome = importing(name, REAL / file, *flags_of(name))
        counts = outcome.report["rows"]
        assert (outcome.exit_code, counts["rejected"], counts["skipped"]) == (0, 0, 0), outcome.report["errors"]
        assert counts["read"] == counts["created"] + counts["updated"]
    assert {model: model._default_manager.count() for model in COUNTS} == COUNTS
    for name, file in FILES:
        outcome = importing(name, REAL / file, *flags_of(name))
        kept = "skipped" if name == "history" else "unchanged"
        assert (outcome.exit_code, outcome.rows) == (0, {"read": outcome.rows["read"], kept: outcome.rows["read"]})
        assert outcome.report["backup"] is None
    assert {model: model._default_manager.count() for model in COUNTS} == COUNTS


def test_the_real_people_stand_where_the_file_puts_them(importing: Importer) -> None:
    """Everybody is active, nobody a placeholder any more; teams and users belong to the one department."""
    for name, file in FILES:
        importing(name, REAL / file, *flags_of(name))
    assert not User.objects.exclude(is_active=True, is_placeholder=False).exists()
    department = Department.objects.get()
    assert department.name == "Engineering"
    assert not Team.objects.exclude(department=department).exists()
    cantwell = User.objects.get(email="C000127@congress.example")
    assert (cantwell.name, cantwell.phone, cantwell.gmail) == ("Maria Cantwell", "202-224-3441", "")
    assert cantwell.team is not None
    assert (
        cantwell.team.name
        == "Senate Committee on Commerce, Science, and Transportation: Aviation, Space, and Innovation"
    )
    assert (str(cantwell.chapter), str(cantwell.leader), cantwell.department) == (
        "WA delegation",
        User.objects.get(email="C000880@congress.example").name,
        department,
    )
    assert not cantwell.has_usable_password()
    events = cantwell.events.order_by("effective_date").values_list("summary_text", flat=True)
    assert list(events[:2]) == ["Representative for WA (Democrat)", "Senator for WA (Democrat)"]


def test_a_dry_run_tells_what_the_import_does_and_writes_nothing(
    importing: Importer, contents: Contents, backup_root: Path
) -> None:
    """At its place in the order each dry run leaves tables, sequences, runs and backups as they are."""
    for name, file in FILES:
        before, runs, backups = contents(), Run.objects.count(), sorted(backup_root.iterdir())
        planned = importing(name, REAL / file, "--dry-run", *flags_of(name))
        assert (contents(), Run.objects.count(), sorted(backup_root.iterdir())) == (before, runs, backups)
        assert planned.exit_code == 0
        done = importing(name, REAL / file, *flags_of(name))
        for told in ("rows", "models", "links", "plan"):
            assert planned.report[told] == done.report[told]


@pytest.mark.sqlite
def test_a_dry_run_leaves_the_file_of_the_database_as_it_is(importing: Importer) -> None:
    """Bit for bit: the write-ahead log is folded in before, and stays empty."""
    importing("ladders", REAL / "ladders/ladders.csv")
    path = connection.settings_dict["NAME"]

    def state() -> str:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with open(path, "rb") as file:  # noqa: PTH123 - the name of a database is a text
            return hashlib.sha256(file.read()).hexdigest()

    before = state()
    importing("ladders", REAL / "ladders/aspects.csv", "--dry-run")
    assert state() == before


def test_a_program_of_its_own_imports_the_real_files(database_url: str, tmp_path: Path) -> None:
    """``manage.py`` as people start it: exit 0, one JSON object on standard output and nothing else."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "commands.settings",
        "DATABASE_URL": database_url,
        "SAFE_IMPORT_BACKUP_ROOT": str(tmp_path / "backups"),
    }

    def manage(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(PROJECT / "manage.py"), *arguments]
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert manage("migrate", "--verbosity", "0").returncode == 0
    for name, file in FILES:
        finished = manage(f"import_{name}_prod", "--csv", str(REAL / file), "--json", *flags_of(name))
        assert finished.returncode == 0, finished.stderr
        report: dict[str, Any] = json.loads(finished.stdout)
        assert report["state"] == "verified"
    checked = manage("validate_import", "all")
    assert checked.returncode == 0, checked.stdout + checked.stderr
