"""``import_runs``: lists the runs, tells everything about one, recovers those that were cut off."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.core.management import CommandError, call_command

from safe_import.errors import Refused
from safe_import.runs.record import RunRecord
from safe_import.runs.undo import undo
from tests.testapp.models import Thing
from tests.testapp.specs import ThingsImport

if TYPE_CHECKING:
    from tests.testapp.importing import Importer

pytestmark = pytest.mark.django_db(transaction=True)


def _runs(*arguments: str) -> str:
    output = io.StringIO()
    call_command("import_runs", *arguments, stdout=output)
    return output.getvalue()


@pytest.fixture
def run(importing: Importer) -> str:
    """A run that updated one thing and created another."""
    Thing.objects.create(code="a", name="secret")
    done = importing(ThingsImport, "code,name\na,secret x\nb,secret y\n").run
    assert done is not None
    return done


def test_no_run_is_said() -> None:
    """Rather than nothing at all."""
    assert "There is no run" in _runs()
    assert json.loads(_runs("--json")) == {"runs": []}


def test_runs_are_listed_the_newest_first(run: str, importing: Importer) -> None:
    """With what was imported and what became of it; failed ones as well."""
    with pytest.raises(Refused):
        importing(ThingsImport, "code,price\na,secret\n")
    second, first = _runs().splitlines()
    assert "failed" in second
    assert first.startswith(run)
    assert all(part in first for part in ("verified", "things", "input1.csv", "1 created, 1 updated"))


def test_everything_about_one_run(run: str) -> None:
    """Who, when, the file and its hash, the ledger, the plan, the backup, the times, the way back; no value."""
    text = _runs(run)
    answer = json.loads(_runs(run, "--json"))
    for part in (answer["user"], answer["host"], answer["sha256"], answer["plan"], answer["backup"], answer["undo"]):
        assert part
        assert part in text
    assert f"To undo     python manage.py undo_import {run}\n" in text
    assert f"To restore  python manage.py restore_backup {Path(answer['backup']).name}\n" in text
    assert answer["restore"] in text
    assert "testapp.Thing: created 1, updated 1" in text
    assert "read 2, created 1, updated 1, unchanged 0, skipped 0, rejected 0\n" in text
    assert answer["written"] == {"testapp.Thing": {"created": 1, "updated": 1}}
    assert answer["report"]["rows"]["read"] == 2
    assert "validate" in answer["report"]["seconds"]
    assert "secret" not in text


def test_a_run_that_is_undone_says_so(run: str) -> None:
    """And offers no second undo."""
    undo(run)
    text = _runs(run)
    assert "Undone" in text
    assert "undo_import" not in text
    assert json.loads(_runs(run, "--json"))["undo"] is None


def test_an_unknown_run_exits_with_2() -> None:
    """It is a wrong call."""
    with pytest.raises(CommandError) as failure:
        _runs("nonsense")
    assert failure.value.returncode == 2


def test_recover_says_what_became_of_each() -> None:
    """And that nothing is left to do."""
    cut_off = RunRecord.begin("default", "ladders", "file.csv", "", {}).id
    assert f"{cut_off}  ladders  created -> failed" in _runs("--recover")
    assert "Every run has ended" in _runs("--recover")
    assert json.loads(_runs("--recover", "--json")) == {"recovered": []}
    with pytest.raises(CommandError):
        _runs(cut_off, "--recover")
