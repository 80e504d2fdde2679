"""Old journals go, their runs stay and can't be undone; whatever fails on the way, a journal is there or it is not."""

from __future__ import annotations

import datetime
import io
import json
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from safe_import.database import dialect
from safe_import.errors import Refused
from safe_import.failpoints import failing
from safe_import.models import Run
from safe_import.report.runs import undo_command
from safe_import.runs.prune import prune_journal
from safe_import.runs.undo import undo
from tests.journal import journal
from tests.testapp.models import Thing
from tests.testapp.specs import ThingsImport

if TYPE_CHECKING:
    from tests.testapp.importing import Importer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def runs(importing: Importer) -> tuple[str, str]:
    """An old run and a new one."""
    old = importing(ThingsImport, "code,name\na,x\nb,x\n").run or ""
    new = importing(ThingsImport, "code,name\na,y\n").run or ""
    Run.objects.filter(id=old).update(started=timezone.now() - datetime.timedelta(days=40))
    return old, new


def test_the_journals_of_old_runs_go(runs: tuple[str, str]) -> None:
    """Their records stay, say so, and offer no undoing; newer runs are undone as ever."""
    old, new = runs
    out = io.StringIO()
    call_command("prune_journal", keep_days=30, no_input=True, json=True, stdout=out)
    assert json.loads(out.getvalue()) == {"dry_run": False, "removed": {old: 2}, "kept": {}}
    assert {each.run for each in journal()} == {new}
    assert undo_command(Run.objects.get(id=old)) is None
    with pytest.raises(Refused, match="journal"):
        undo(old)
    undo(new)
    assert Thing.objects.get(code="a").name == "x"


def test_a_dry_run_deletes_nothing(runs: tuple[str, str]) -> None:
    """It tells what would go."""
    assert [(each.run, each.entries) for each in prune_journal(30, dry_run=True)] == [(runs[0], 2)]
    assert len(journal()) == 3


def test_the_journal_of_a_run_that_somebody_undoes_stays(runs: tuple[str, str]) -> None:
    """The lock of the undo says so, and its state."""
    old, _ = runs
    with closing(connection.copy()) as other, dialect(other).run_lock([Thing._meta.db_table], "a test"):
        (kept,) = prune_journal(30)
    assert "Another run works on" in kept.remark
    Run.objects.filter(id=old).update(state="undoing")
    assert list(prune_journal(30)) == []
    assert len(journal(run=old)) == 2


@pytest.mark.parametrize("error", [None, MemoryError()], ids=["failure", "no memory"])
def test_a_failure_at_any_place_leaves_a_whole_journal_or_none(
    runs: tuple[str, str], error: BaseException | None
) -> None:
    """For N = 1 until it is gone."""
    old, _ = runs
    for at in range(1, 9):
        with failing(at, error, prefix="journal.") as points:
            try:
                list(prune_journal(30))
            except Exception:  # noqa: BLE001 - whatever it is called
                gone = points.reached[-1] == "journal.committed"
                assert len(journal(run=old)) == (0 if gone else 2)
                assert ("journal_pruned" in Run.objects.get(id=old).report) == gone
                continue
        break
    assert at == 5
    assert Run.objects.count() == 2


def test_nobody_who_can_be_asked_is_a_wrong_call(runs: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal does not come back."""
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(CommandError):
        call_command("prune_journal", keep_days=30, stdout=io.StringIO())
    assert len(journal()) == 3
