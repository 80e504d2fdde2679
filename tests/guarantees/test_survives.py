"""Guarantees 2 and 10: all or nothing, whatever fails and whenever; the record of the run says which."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.core.management import call_command

from safe_import.backup.store import list_backups
from safe_import.errors import AfterCommitError
from safe_import.failpoints import failing
from safe_import.models import Run
from tests.guarantees.published import points_of_source, published, published_points
from tests.journal import journal
from tests.testapp.models import Box, Tag, Thing
from tests.testapp.specs import TaggedImport

if TYPE_CHECKING:
    from tests.testapp.importing import Importer

PROJECT = Path(__file__).resolve().parents[2]
FILE = "code,name,box,tag\na,new,red,old\nb,y,blue,\nc,z,red,fresh\n"


def _state() -> list[object]:
    """Everything that the import may change."""
    tables = (Box, Tag, Thing, Thing.tags.through)
    return [list(table.objects.order_by("pk").values()) for table in tables]


@pytest.mark.django_db(transaction=True)
def test_a_failure_at_any_place_leaves_the_data_as_it_was(importing: Importer) -> None:
    """For N = 1 until a run completes: the Nth place fails, nothing is changed, and the same command works."""
    Thing.objects.create(code="a", name="old")
    before, places = _state(), []
    for at in range(1, 100):
        with failing(at) as failpoints:
            try:
                importing(TaggedImport, FILE)
            except Exception as error:  # noqa: BLE001 - whatever it is called, see below
                place = failpoints.reached[-1]
                places.append(place)
                run = Run.objects.latest("id")
                if place == "run.committed":  # the data is in; what follows failed
                    assert isinstance(error, AfterCommitError)  # noqa: PT017 - one of many places
                    assert run.state == "applied"
                    break
                assert run.state == "failed", place
                assert _state() == before, place
                assert not journal(), place
    assert {"run.staged", "run.backed_up", "apply.inserted", "apply.journalled", "run.before_commit"} <= set(places)
    assert Thing.objects.get(code="a").name == "new"
    assert importing(TaggedImport, FILE).rows.unchanged == 3


@pytest.mark.django_db(transaction=True)
def test_a_backup_that_is_there_is_whole_wherever_the_run_failed(importing: Importer) -> None:
    """A part of one is never taken for a backup."""
    Thing.objects.create(code="a", name="old")
    for at in range(1, 100):
        with failing(at, prefix="backup.") as failpoints:
            try:
                importing(TaggedImport, FILE)
            except Exception:  # noqa: BLE001 - which one it is does not matter here
                call_command("verify_backup", "--all", verbosity=0)
                assert failpoints.reached
                continue
        break
    assert at > 3
    assert len(list_backups()) >= 1
    assert Thing.objects.count() == 3


def test_a_process_that_is_killed_anywhere_leaves_old_or_new_and_the_record_says_which(
    database_url: str, tmp_path: Path
) -> None:
    """SIGKILL at the Nth place, for N = 1 until the data is in; recovery asks the marker; the command works again."""
    root = tmp_path / "backups"
    root.mkdir(mode=0o700)
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "SAFE_IMPORT_BACKUP_ROOT": str(root),
        "DJANGO_SETTINGS_MODULE": "commands.settings",
    }
    for program in (["manage.py", "migrate", "--verbosity=0"], ["-m", "tests.guarantees.killing"]):
        done = subprocess.run(
            [sys.executable, *program], cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout) == published("an import of several models")


def test_the_number_of_places_is_the_published_one() -> None:
    """Each that is named in the code, by every name once."""
    assert len(points_of_source()) == published_points()
