"""The record of a run."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from freezegun import freeze_time

from safe_import.models import Run
from safe_import.runs.record import RunRecord
from tests.testapp.specs import ThingsImport

if TYPE_CHECKING:
    from tests.testapp.importing import Importer


@pytest.mark.django_db
def test_the_order_of_runs_survives_a_clock_that_runs_backwards(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new process sees the newest run of the database, and goes on from there."""
    runs = []
    for day in ("2026-03-03", "2026-03-02", "2026-03-01", "2026-03-04"):
        monkeypatch.setattr("safe_import.ids._last", 0)  # as in a new process
        with freeze_time(day):
            runs.append(RunRecord.begin("default", "things", "file.csv", "", {}).id)
    assert runs == sorted(runs)
    assert list(Run.objects.order_by("id").values_list("id", flat=True)) == runs
    assert [run[:10] for run in runs].count(runs[0][:10]) == 3  # the last one plus one, until the clock is ahead again


@pytest.mark.django_db(transaction=True)
def test_an_import_comes_after_a_run_of_the_future(importing: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that was a day ahead yesterday is no reason to refuse, nor to be taken for the older run."""
    monkeypatch.setattr("safe_import.ids._last", 0)
    with freeze_time("2100-01-01"):
        ahead = RunRecord.begin("default", "things", "file.csv", "", {}).id
    monkeypatch.setattr("safe_import.ids._last", 0)  # as in a new process
    assert (importing(ThingsImport, "code,name\na,A\n").run or "") > ahead


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_run_whose_commit_goes_on_without_us_is_not_called_failed() -> None:
    """The connection is lost, the server is still at the commit: its end is waited for, and the marker stays."""
    record = RunRecord.begin("default", "things", "file.csv", "", {})
    with closing(connection.copy()) as abandoned, abandoned.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("UPDATE safe_import_run SET state = 'applied' WHERE id = %s", [record.id])
        commit = threading.Timer(0.5, lambda: cursor.execute("COMMIT"))
        commit.start()
        assert not record.fail({}, "the connection to the server was lost")
        commit.join()
    assert Run.objects.get().state == "applied"
    assert RunRecord.begin("default", "things", "file.csv", "", {}).fail({}, "another one")
    assert Run.objects.latest("id").state == "failed"
