"""Guarantees 5 and 9: a plan only reads, one run a target at a time, nobody else's edit is lost."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING, Any

import pytest
from django.db import DEFAULT_DB_ALIAS, ProgrammingError, connection, connections

from safe_import import pipeline
from safe_import.database import dialect
from safe_import.errors import LockHeld, SafeImportError
from safe_import.models import Run
from safe_import.spec.import_spec import ImportSpec
from safe_import.spec.target import target
from tests.testapp.models import Box, Thing
from tests.testapp.specs import NamedRow, TaggedImport, ThingsImport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from safe_import.events import Event
    from tests.testapp.importing import Importer

pytestmark = pytest.mark.django_db(transaction=True)


def elsewhere(act: Callable[[], Any]) -> Any:
    """Do something over a connection of its own, as another process would."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(act())
        except Exception as error:  # noqa: BLE001 - handed to the test
            outcome.append(error)
        finally:
            connections[DEFAULT_DB_ALIAS].close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    assert outcome, "it waits"
    return outcome[0]


class Meddler:
    """An observer that does something when the run reaches a stage for the first time."""

    def __init__(self, event: str, act: Callable[[], Any], times: int = 1) -> None:
        self.event, self.act, self.times = event, act, times

    def __call__(self, event: Event) -> None:
        """Act at the event."""
        if event.name == self.event and self.times:
            self.times -= 1
            self.act()


class WritingImport(ImportSpec, register=False):
    """A spec whose method writes where it should only say what is to be written."""

    row = NamedRow

    @target(Box, key="name")
    def boxes(self, row: Any) -> Iterator[dict[str, Any]]:
        """The record, and something that it must not do."""
        Thing.objects.create(code=row.name)
        yield {"name": row.name}


@pytest.mark.parametrize("dry_run", [True, False], ids=["dry run", "real run"])
def test_the_database_refuses_writes_before_the_plan_is_made(importing: Importer, dry_run: bool) -> None:
    """Whatever the code of a spec tries."""
    with pytest.raises(SafeImportError):
        importing(WritingImport, "name\na\n", dry_run=dry_run)
    assert not Thing.objects.exists()
    assert not Box.objects.exists()
    Thing.objects.create(code="the connection writes again")


def test_a_second_run_on_the_same_target_is_refused(importing: Importer) -> None:
    """It exits 4 and says who holds the lock."""
    seen: list[Any] = []
    meddler = Meddler("started", lambda: seen.append(elsewhere(lambda: importing(ThingsImport, "code,name\nb,y\n"))))
    importing(ThingsImport, "code,name\na,x\n", observers=[meddler])
    assert isinstance(seen[0], LockHeld)
    assert seen[0].exit_code == 4
    assert "process" in str(seen[0])
    assert list(Thing.objects.values_list("code", flat=True)) == ["a"]
    assert importing(ThingsImport, "code,name\nb,y\n").rows.created == 1


@pytest.mark.postgresql
def test_a_run_whose_session_is_just_ending_stands_in_nobodys_way(importing: Importer) -> None:
    """The same command works at once after one whose client is gone; the server takes a moment to free its locks."""
    gone = connection.copy()
    gone.inc_thread_sharing()
    ended = threading.Timer(0.3, gone.close)
    lock = dialect(gone).run_lock([Thing._meta.db_table], "import of one that is gone")
    lock.__enter__()
    ended.start()
    assert importing(ThingsImport, "code,name\na,x\n").rows.created == 1
    ended.join()


def _between_plan_and_apply(monkeypatch: pytest.MonkeyPatch, act: Callable[[], Any], times: int = 1) -> None:
    """Runs something when the backup is written: the plan is made, the rows are not locked yet."""
    write, left = pipeline.write_backup, [times]

    def meddling(*args: Any, **kwargs: Any) -> Any:
        if left[0]:
            left[0] -= 1
            elsewhere(act)
        return write(*args, **kwargs)

    monkeypatch.setattr(pipeline, "write_backup", meddling)


def test_an_edit_between_plan_and_apply_is_seen_and_kept(importing: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan is made once more, over what is there now."""
    Thing.objects.create(code="a", name="old", note="old")
    _between_plan_and_apply(monkeypatch, lambda: Thing.objects.update(note="edited"))
    assert importing(ThingsImport, "code,name\na,new\n").rows.updated == 1
    assert Thing.objects.values_list("name", "note").get() == ("new", "edited")


def test_edits_that_go_on_make_the_run_fail_clean(importing: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once more, but not for ever."""
    Thing.objects.create(code="a", name="old", note="old")
    edits = itertools.count()
    _between_plan_and_apply(monkeypatch, lambda: Thing.objects.update(note=f"edited {next(edits)}"), times=9)
    with pytest.raises(SafeImportError, match=r"changed by somebody else|wrote to the database"):
        importing(ThingsImport, "code,name\na,new\n")
    assert Thing.objects.values_list("name", "note").get() == ("old", "edited 1")
    assert Run.objects.get().state == "failed"


def test_a_record_created_meanwhile_is_not_created_twice(importing: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key of a many-to-many table, and one without regard to case that the database does not know to be unique."""
    _between_plan_and_apply(monkeypatch, lambda: Thing.objects.create(code="A", name="theirs"))
    assert importing(ThingsImport, "code,name\na,ours\n").rows.as_dict()["updated"] == 1
    assert Thing.objects.values_list("code", "name").get() == ("A", "ours")


@pytest.mark.postgresql
def test_readers_never_wait(importing: Importer) -> None:
    """Nor do writers of other rows."""
    Thing.objects.create(code="a", name="old")
    other = Thing.objects.create(code="b", name="old")
    seen: list[Any] = []

    def look() -> None:
        seen.append(elsewhere(lambda: list(Thing.objects.order_by("code").values_list("name", flat=True))))
        seen.append(elsewhere(lambda: Thing.objects.filter(pk=other.pk).update(note="mine")))

    importing(ThingsImport, "code,name\na,new\n", observers=[Meddler("check", look)])
    assert seen in ([], [["old", "old"], 1])


def test_the_session_is_left_as_it_was(importing: Importer) -> None:
    """No temporary table, no lock, no setting stays behind, also after a refusal."""
    importing(TaggedImport, "code,box,tag\na,red,old\n")
    with pytest.raises(SafeImportError):
        importing(ThingsImport, "code,box\nb,nowhere\n")
    d = dialect(connection)
    if connection.vendor == "postgresql":
        assert d.rows("SELECT relname FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'") == []
        assert d.rows("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()") == []
        assert d.value("SHOW default_transaction_read_only") == "off"
    elif connection.vendor == "mysql":
        for name in ("si_0_stage", "si_0_plan", "si_0_new", "si_problem"):
            with pytest.raises(ProgrammingError, match="doesn't exist"):
                d.rows(f"SELECT * FROM {name}")
        assert d.rows("SELECT @@SESSION.tx_read_only") == [(0,)]
    else:
        assert d.rows("SELECT name FROM sqlite_temp_master") == []


@pytest.mark.postgresql
def test_timeouts_are_always_set(importing: Importer) -> None:
    """Five minutes unless the settings or the command line say otherwise, while reading as well as while writing."""
    seen: list[tuple[str, str]] = []

    def look() -> None:
        d = dialect(connection)
        seen.append((d.value("SHOW lock_timeout"), d.value("SHOW statement_timeout")))

    for options in ({}, {"lock_timeout": 7, "statement_timeout": 70}):
        importing(ThingsImport, f"code,name\na,x{len(seen)}\n", observers=[Meddler("stage", look, times=9)], **options)
    assert set(seen) == {("5min", "5min"), ("7s", "70s")} | ({("0", "0")} & set(seen))
    assert seen.count(("5min", "5min")) >= 4  # stage, plan, apply, verify


@pytest.mark.postgresql
def test_rows_are_locked_in_the_order_of_their_keys() -> None:
    """So that two runs that lock the same rows wait for each other, and do not deadlock."""
    keys = [Thing.objects.create(code=code).pk for code in "abcde"]
    Thing.objects.filter(pk=keys[0]).update(name="its row is last in the table now")
    d = dialect(connection)
    with connection.cursor() as cursor:
        cursor.execute(d.lock_rows(Thing, "TRUE"))
        assert [pk for pk, _ in cursor.fetchall()] == keys


@pytest.mark.sqlite
def test_a_statement_that_takes_too_long_is_stopped_on_sqlite(importing: Importer) -> None:
    """SQLite has no setting for it; the run asks it to stop, and everything is rolled back."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TRIGGER slow AFTER INSERT ON testapp_thing BEGIN INSERT INTO testapp_box (name)"
            " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1e9) SELECT max(i) FROM n; END"
        )
    try:
        with pytest.raises(SafeImportError, match="statement timeout"):
            importing(ThingsImport, "code,name\na,x\n", statement_timeout=0.3)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER slow")
    assert not Thing.objects.exists()
