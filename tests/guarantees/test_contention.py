"""Guarantees 9 and 10 among other sessions: who waits, who is waited for, and what happens when a session ends."""

from __future__ import annotations

import datetime
import threading
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, connections
from django.db.models.signals import post_save

from safe_import import bookkeeping
from safe_import.errors import AfterCommitError, DatabaseFailure, DeletionDetected, SafeImportError
from safe_import.failpoints import watching
from safe_import.models import Run
from safe_import.runs import undo as undoing
from safe_import.runs.recover import recover
from safe_import.runs.undo import undo
from safe_import.spec.import_spec import registry
from tests.guarantees.test_neighbours import Meddler, _between_plan_and_apply, elsewhere
from tests.journal import journal
from tests.testapp.models import Box, Heard, Tag, Thing, Token
from tests.testapp.specs import HeardImport, TaggedImport, ThingsImport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django.fixtures import SettingsWrapper

    from tests.testapp.importing import Importer

pytestmark = pytest.mark.django_db(transaction=True)
FILE = "code,name,box,tag\na,new,red,old\nb,y,blue,\n"


def _execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@contextmanager
def _other_session() -> Iterator[Any]:
    """A connection that no thread shares, in a transaction of its own; rolled back at the end."""
    with closing(connection.copy()) as other:
        other.set_autocommit(False)
        try:
            yield other
        finally:
            other.rollback()


# -- innocent neighbours


@pytest.mark.postgresql
@pytest.mark.parametrize(
    "work",
    ["VACUUM FULL testapp_token", "VACUUM FULL testapp_saved", "TRUNCATE testapp_token", "DELETE FROM testapp_token",
     "REINDEX TABLE testapp_token", "ALTER TABLE testapp_token ADD COLUMN more int", "ANALYZE testapp_thing",
     "DELETE FROM testapp_thing WHERE code = 'theirs'"],
)  # fmt: skip
@pytest.mark.parametrize("event", ["stage", "check"])
def test_what_others_do_to_their_tables_does_not_fail_a_run(importing: Importer, work: str, event: str) -> None:
    """They remove rows, and rewrite tables, all the while: the witness asks about this transaction alone."""
    Token.objects.create(name="theirs")
    Thing.objects.create(code="theirs")
    Thing.objects.create(code="a", name="old")

    def act() -> None:
        failed = elsewhere(lambda: _execute(work))
        assert not isinstance(failed, Exception), failed

    checks = {"checks": (_noticing(),)} if event == "check" else {}
    spec = type("CheckedImport", (TaggedImport,), checks, register=False)
    try:
        assert importing(spec, "code,name\na,new\n", observers=[Meddler(event, act)]).rows.updated == 1
    finally:
        _execute("ALTER TABLE testapp_token DROP COLUMN IF EXISTS more")
    assert Run.objects.get().state == "verified"


def _noticing() -> Any:
    from safe_import.checks.check import Check  # noqa: PLC0415 - beside its one use

    return Check("things.none", "nothing is wrong", lambda: Thing.objects.filter(code="never"))


@pytest.mark.parametrize("model", [Box, Tag, Thing], ids=lambda model: model.__name__)
def test_a_lost_race_for_a_unique_key_is_planned_anew(
    importing: Importer, monkeypatch: pytest.MonkeyPatch, model: type[Any]
) -> None:
    """Somebody else creates the record first; theirs is taken, and nothing stands twice."""
    theirs = {Box: {"name": "red"}, Tag: {"name": "old"}, Thing: {"code": "a", "name": "theirs"}}[model]
    _between_plan_and_apply(monkeypatch, lambda: model.objects.create(**theirs))
    importing(TaggedImport, FILE)
    assert Thing.objects.get(code="a").name == "new"
    assert Thing.objects.get(code="a").box.name == "red"
    assert (Box.objects.count(), Tag.objects.count(), Thing.objects.count()) == (2, 1, 2)
    assert Run.objects.get().state == "verified"


_RACED = """
CREATE TABLE raced (key text);
CREATE FUNCTION raced_key(key text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('raced.looks', true) <> '' THEN
        PERFORM set_config('raced.looks', (current_setting('raced.looks')::int + 1)::text, false);
        IF current_setting('raced.looks') = '2' THEN
            PERFORM pg_advisory_xact_lock(1919);
        END IF;
    END IF;
    RETURN key;
END $$;
CREATE UNIQUE INDEX raced_unique ON raced (raced_key(key));
SET raced.looks = 0;
"""
_UNRACED = "DROP TABLE raced; DROP FUNCTION raced_key; RESET raced.looks"


@pytest.fixture
def raced() -> Iterator[None]:
    """A table with a key into which our session falls asleep, between its look for a conflict and its insertion.

    It asks the index for the key twice: first to look, then to insert. The second time it waits for somebody else.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RACED)
    yield
    with connection.cursor() as cursor:
        cursor.execute(_UNRACED)


def _overtake(ready: threading.Event) -> None:
    """Wait until our session sleeps, insert the same key, and wake it up."""
    with closing(connection.copy()) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(1919)")
        ready.set()
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 1919 AND NOT granted"
        for _ in range(1000):
            cursor.execute(waiting)
            if cursor.fetchone()[0]:
                break
            time.sleep(0.01)
        cursor.execute("INSERT INTO raced VALUES ('k')")
        cursor.execute("SELECT pg_advisory_unlock(1919)")


@pytest.mark.postgresql
@pytest.mark.parametrize("action", ["NOTHING", "UPDATE SET key = excluded.key"])
def test_a_hook_that_loses_a_race_on_conflict_fails_nothing(importing: Importer, raced: None, action: str) -> None:
    """PostgreSQL counts what it took back as a deletion; the second time nobody is faster."""
    conflict = "(raced_key(key)) DO " if "UPDATE" in action else "DO "

    def insert(**_: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO raced VALUES ('k') ON CONFLICT {conflict}{action}")

    others = threading.Thread(target=_overtake, args=[ready := threading.Event()])
    others.start()
    ready.wait()
    again: list[int] = []
    post_save.connect(insert, sender=Heard)
    try:
        result = importing(HeardImport, "name\na\n", observers=[Meddler("again", lambda: again.append(1))])
    finally:
        post_save.disconnect(insert, sender=Heard)
        others.join()
    assert (result.rows.created, result.deletions, again) == (1, "none, proven", [1])
    assert Heard.objects.count() == 1


@pytest.mark.postgresql
@pytest.mark.parametrize(("deletion", "attempts"), [("WHERE name = 'kept'", 2), ("", 1)], ids=["as many", "more"])
def test_a_deletion_beside_an_insertion_is_refused(importing: Importer, deletion: str, attempts: int) -> None:
    """As many may be a lost race, so the run begins anew; it does the same again, and is refused. More are none."""
    Token.objects.create(name="kept")
    tried: list[int] = []

    def exchange(**_: Any) -> None:
        tried.append(1)
        with connection.connection.cursor() as cursor:  # the driver's own, past the guard
            insertion = "INSERT INTO testapp_token SELECT gen_random_uuid(), 'new'"
            cursor.execute(f"{insertion}; DELETE FROM testapp_token {deletion}")

    post_save.connect(exchange, sender=Heard)
    try:
        with pytest.raises(DeletionDetected, match="testapp_token"):
            importing(HeardImport, "name\na\n")
    finally:
        post_save.disconnect(exchange, sender=Heard)
    assert len(tried) == attempts
    assert [token.name for token in Token.objects.all()] == ["kept"]


# -- locks and timeouts


@pytest.mark.postgresql
def test_a_lock_timeout_is_tried_again_and_then_names_the_holder(importing: Importer) -> None:
    """Twice, and the process that holds the record is told."""
    Thing.objects.create(code="a", name="old")
    again = []
    with _other_session() as other:
        with other.cursor() as cursor:
            cursor.execute("UPDATE testapp_thing SET note = 'mine'")
            cursor.execute("SELECT pg_backend_pid()")
            (pid,) = cursor.fetchone()
        with pytest.raises(DatabaseFailure, match=rf"lock timeout.*process {pid} .*testapp_thing since") as failed:
            importing(
                TaggedImport,
                "code,name\na,new\n",
                lock_timeout=0.3,
                observers=[Meddler("again", lambda: again.append(1))],
            )
    assert again == [1]
    assert "mine" not in str(failed.value)
    assert Run.objects.get().state == "failed"
    assert importing(TaggedImport, "code,name\na,new\n").rows.updated == 1


@pytest.mark.sqlite
def test_a_lock_timeout_is_tried_again_and_then_fails_clean(
    importing: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite can't tell who holds the file, only that somebody does; nor can the run's record be closed meanwhile."""
    Thing.objects.create(code="a", name="old")
    monkeypatch.setitem(registry, TaggedImport.name, TaggedImport)
    _execute("PRAGMA busy_timeout = 200")
    with _other_session() as other:

        def hold() -> None:
            with other.cursor() as cursor:
                cursor.execute("UPDATE testapp_thing SET note = 'mine'")

        options = {"lock_timeout": 0.3, "backup": False, "observers": [Meddler("stage", hold)]}
        with pytest.raises(SafeImportError, match="lock timeout"):
            importing(TaggedImport, "code,name\na,new\n", **options)
    recover()
    assert Run.objects.get().state == "failed"
    assert Thing.objects.get().name == "old"
    assert importing(TaggedImport, "code,name\na,new\n").rows.updated == 1


@pytest.mark.postgresql
def test_a_lock_that_is_let_go_in_the_meantime_fails_nothing(importing: Importer) -> None:
    """The second attempt gets it."""
    Thing.objects.create(code="a", name="old")
    with _other_session() as other:
        with other.cursor() as cursor:
            cursor.execute("UPDATE testapp_thing SET note = 'mine'")
        result = importing(
            TaggedImport, "code,name\na,new\n", lock_timeout=0.3, observers=[Meddler("again", other.commit)]
        )
    assert result.rows.updated == 1
    assert Thing.objects.values_list("name", "note").get() == ("new", "mine")


@pytest.mark.postgresql
def test_the_victim_of_a_deadlock_is_planned_anew(importing: Importer) -> None:
    """The other one goes first, and none of its edits is lost."""
    for code in ("a", "b"):
        Thing.objects.create(code=code, name="old")
    ready = threading.Event()

    def cross() -> None:
        with _other_session() as other, other.cursor() as cursor:
            cursor.execute("SET deadlock_timeout = '20s'")
            cursor.execute("UPDATE testapp_thing SET note = 'mine' WHERE code = 'b'")
            ready.set()
            waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%%FOR NO KEY%%'"
            for _ in range(200):
                cursor.execute("SELECT pg_stat_clear_snapshot()")
                cursor.execute(waiting)
                if cursor.fetchone():
                    break
                time.sleep(0.02)
            cursor.execute("UPDATE testapp_thing SET note = 'mine' WHERE code = 'a'")
            other.commit()

    again: list[int] = []
    thread = threading.Thread(target=cross)
    thread.start()
    ready.wait(10)
    result = importing(TaggedImport, "code,name\na,new\nb,new\n", observers=[Meddler("again", lambda: again.append(1))])
    thread.join()
    assert (again, result.rows.updated) == ([1], 2)
    assert list(Thing.objects.values_list("name", "note")) == [("new", "mine")] * 2


@pytest.fixture
def slow() -> Iterator[None]:
    """A trigger that takes two seconds a thing."""
    if connection.vendor == "postgresql":
        _execute(
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM pg_sleep(2); RETURN NEW; END $$",
            "CREATE TRIGGER slow BEFORE INSERT ON testapp_thing FOR EACH ROW EXECUTE FUNCTION slow()",
        )
    elif connection.vendor == "mysql":
        _execute("CREATE TRIGGER slow BEFORE INSERT ON testapp_thing FOR EACH ROW SET @slow = sleep(2)")
    else:
        endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 30000000)"
        body = f"SELECT max(i) FROM ({endless} SELECT i FROM n)"
        _execute(f"CREATE TRIGGER slow AFTER INSERT ON testapp_thing BEGIN {body}; END")
    yield
    _execute("DROP FUNCTION slow CASCADE" if connection.vendor == "postgresql" else "DROP TRIGGER slow")


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("which", ["statement", "transaction"])
@pytest.mark.parametrize("by", ["an option", "the settings"])
def test_what_takes_too_long_is_rolled_back(
    importing: Importer, settings: SettingsWrapper, which: str, by: str
) -> None:
    """A statement, or all of them together; it is not tried again, and the same command works with more time."""
    options = {}
    if by == "an option":
        options = {f"{which}_timeout": 0.5}
    else:
        settings.SAFE_IMPORT = {**settings.SAFE_IMPORT, f"{which.upper()}_TIMEOUT": 0.5}
    began = time.monotonic()
    with pytest.raises(DatabaseFailure, match=f"{which} timeout" if connection.vendor == "postgresql" else "timeout"):
        importing(ThingsImport, "code,name\na,x\nb,x\n", **options)
    assert time.monotonic() - began < 10
    assert not Thing.objects.exists()
    assert Run.objects.get().state == "failed"


# -- a session that ends


def _end_session(pid: int) -> None:
    _execute(f"SELECT pg_terminate_backend({pid}, 5000)")


def _own_pid() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


@pytest.mark.postgresql
def test_a_session_that_is_terminated_anywhere_leaves_the_data_as_it_was(importing: Importer) -> None:
    """At the first place, the second one, and so on: recorded over a new connection, and the same command works."""
    Thing.objects.create(code="a", name="old")
    ended: list[str] = []
    for at in range(1, 100):
        reached: list[str] = []

        def act(name: str, at: int = at, reached: list[str] = reached) -> None:
            reached.append(name)
            if len(reached) == at:
                pid = _own_pid()
                elsewhere(lambda: _end_session(pid))

        with watching(act):
            try:
                importing(TaggedImport, FILE)
            except SafeImportError as error:
                ended.append(reached[at - 1])
                assert connection.is_usable() or connection.connection is None
                recover()
                run = Run.objects.latest("id")
                after = isinstance(error, AfterCommitError)
                assert run.state == ("applied" if after else "failed"), reached[at - 1]
                assert Thing.objects.get(code="a").name == ("new" if after else "old"), reached[at - 1]
                if after:
                    break
            else:
                if at >= len(reached):
                    break
    assert {"run.staged", "apply.inserted", "apply.journalled", "run.before_commit"} <= set(ended)
    assert importing(TaggedImport, FILE).rows.as_dict()["unchanged"] == 2


@pytest.mark.parametrize("landed", [True, False], ids=["it landed", "it did not"])
def test_an_answer_to_commit_that_never_comes_is_resolved_by_the_marker(
    importing: Importer, monkeypatch: pytest.MonkeyPatch, landed: bool
) -> None:
    """The server went away at COMMIT: whether it had committed, the run's record in the database says."""
    Thing.objects.create(code="a", name="old")
    real = connections[DEFAULT_DB_ALIAS]
    commit = real._commit

    def lost() -> Any:
        if not Run.objects.filter(state="applied").exists():  # ours is the first commit that brings the marker
            return commit()
        monkeypatch.setattr(real, "_commit", commit)
        if landed:
            commit()
        connection.connection.close()
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(real, "_commit", lost)
    with pytest.raises(SafeImportError) as failed:
        importing(TaggedImport, FILE)
    assert isinstance(failed.value, AfterCommitError) == landed
    recover()
    assert Run.objects.get().state == ("applied" if landed else "failed")
    assert Thing.objects.get(code="a").name == ("new" if landed else "old")
    assert bool(journal()) == landed
    assert importing(TaggedImport, FILE).rows.unchanged == (2 if landed else 0)


def _gone_for_good(*_: Any) -> None:
    raise OperationalError("could not connect to server")


@pytest.mark.parametrize("work", ["import", "undo"])
def test_what_nobody_can_ask_about_is_not_called_rolled_back(
    importing: Importer, monkeypatch: pytest.MonkeyPatch, work: str
) -> None:
    """The server went away at COMMIT and stays away: it may be committed, and recovery will know."""
    Thing.objects.create(code="a", name="old")
    run = importing(ThingsImport, "code,name\na,x\n").run or ""
    real = connections[DEFAULT_DB_ALIAS]
    commit = real._commit

    def lost() -> Any:
        is_last = Run.objects.filter(state="applied" if work == "import" else "undone").exists()
        commit()
        if is_last:
            monkeypatch.setattr(real, "_commit", commit)
            connection.connection.close()
            raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(real, "_commit", lost)
    for module in (bookkeeping, undoing):
        monkeypatch.setattr(module, "reconnect", _gone_for_good)
    with pytest.raises(AfterCommitError, match=r"went away at the commit.*import_runs --recover") as failed:
        undo(run) if work == "undo" else importing(ThingsImport, "code,name\na,y\n")
    if work == "import":
        assert failed.value.result is not None
        assert failed.value.result.state == "applying"
    recover()
    assert Run.objects.latest("id").state == ("applied" if work == "import" else "undone")
    assert Thing.objects.get().name == ("y" if work == "import" else "old")


# -- the session's own settings


@pytest.mark.postgresql
def test_a_run_under_one_set_of_formats_is_undone_under_another(importing: Importer) -> None:
    """Time zone, dates, floats: the journal is written and read in the same forms, whatever a session prefers."""
    Thing.objects.create(code="a", name="old", born=datetime.date(2024, 2, 3), ratio=0.1)
    before = list(Thing.objects.values())
    theirs = {"TimeZone": "Asia/Tokyo", "DateStyle": "SQL, DMY", "extra_float_digits": "-5", "bytea_output": "escape"}
    try:
        _execute(*(f"SET {name} = '{value}'" for name, value in theirs.items()))
        run = importing(
            ThingsImport, "code,name,born,ratio\na,new,2024-05-06,0.30000000000000004\nb,x,2023-01-02,0.1\n"
        ).run
    finally:
        _execute(*(f"RESET {name}" for name in theirs), "SET TIME ZONE 'UTC'")
    assert run is not None
    assert "2024-05-06" in journal(action="update")[0].after["born"]
    assert undo(run, dry_run=True, delete_created=True).conflicts_total == 0
    undo(run, delete_created=True)
    assert list(Thing.objects.values()) == before
