"""What becomes of the record of a run, its lock and its state decide, never the clock."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from commands.people.models import Ladder
from safe_import.database import dialect
from safe_import.models import JournalPage, Run
from safe_import.runs.record import RunRecord, State
from safe_import.runs.recover import recover
from safe_import.spec.import_spec import registry
from tests.testapp.models import Thing
from tests.testapp.specs import NodesImport, ThingsImport

if TYPE_CHECKING:
    from django.db.models import TextChoices

    from tests.testapp.importing import Importer

pytestmark = pytest.mark.django_db(transaction=True)


def _run(state: TextChoices, spec: str = "ladders") -> Run:
    record = RunRecord.begin("default", spec, "file.csv", "", {})
    record.enter(state)
    return record.run


@pytest.mark.parametrize("state", [State.CREATED, State.VALIDATED, State.BACKED_UP, State.APPLYING])
def test_a_run_that_was_cut_off_before_the_commit_has_failed(state: State) -> None:
    """Its marker is missing, and nobody holds its lock."""
    run = _run(state)
    (recovered,) = recover()
    run.refresh_from_db()
    assert (recovered.before, recovered.after, run.state) == (state, "failed", "failed")
    assert run.ended is not None
    assert "Nothing was changed" in run.failure


def test_a_run_that_was_cut_off_after_the_commit_is_applied() -> None:
    """The marker was written with the data."""
    run = _run(State.APPLIED)
    assert [each.after for each in recover()] == ["applied"]
    run.refresh_from_db()
    assert run.ended is not None
    assert recover() == []


def test_an_undo_that_was_cut_off_undid_nothing() -> None:
    """The run stands as before, so it can be undone."""
    run = _run(State.VERIFIED)
    RunRecord("default", run).end(State.VERIFIED, {"rows": {}})
    RunRecord("default", run).enter(State.UNDOING)
    assert [each.after for each in recover()] == ["verified"]


def test_a_run_at_work_is_left_alone() -> None:
    """However long it takes: its lock is held."""
    run = _run(State.APPLYING)
    other = connection.copy()
    try:
        with dialect(other).run_lock([Ladder._meta.db_table], "a test"):
            (recovered,) = recover()
        assert (recovered.after, "Another run works on" in recovered.remark) == ("applying", True)
    finally:
        other.close()
    run.refresh_from_db()
    assert run.state == "applying"
    assert [each.after for each in recover()] == ["failed"]


def test_runs_that_ended_are_left_alone() -> None:
    """There is nothing to recover from."""
    for state in (State.FAILED, State.VERIFIED, State.UNDONE):
        _run(state)
    assert recover() == []


def test_a_run_of_an_import_that_is_gone_stays_as_it_is() -> None:
    """Which lock it would hold, nobody knows any more."""
    run = _run(State.APPLYING, "long_gone")
    (recovered,) = recover()
    assert (recovered.run, recovered.after) == (run.id, "applying")
    assert "not installed" in recovered.remark


def test_a_run_at_work_is_left_alone_when_its_spec_has_other_targets_by_now(
    importing: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deployment changed the spec meanwhile: the record tells which tables the run has locked."""
    importing(ThingsImport, "code,name\na,x\n")
    JournalPage.objects.all().delete()  # as long as it is not committed, nobody else sees its journal
    Run.objects.update(state=State.APPLYING, ended=None)
    monkeypatch.setitem(registry, ThingsImport.name, NodesImport)
    with closing(connection.copy()) as other, dialect(other).run_lock([Thing._meta.db_table], "the run"):
        (recovered,) = recover()
    assert (recovered.after, "Another run works on" in recovered.remark) == ("applying", True)
    assert [each.after for each in recover()] == ["failed"]
