"""Guarantee 1 against schemas and hooks that mean harm, or that only look like it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core.cache import caches
from django.core.management import call_command
from django.db import connection, models, transaction
from django.db.models.signals import post_save

from safe_import.errors import DeletionDetected, GuardUnavailable, Refused, VerificationFailed
from safe_import.models import Run
from safe_import.runs.undo import undo
from safe_import.spec.import_spec import ImportSpec
from safe_import.spec.row import Row
from safe_import.types import Integer, Text
from tests.testapp.models import Box, Heard, Measure, Thing, Token
from tests.testapp.specs import HeardImport, ThingsImport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_django.fixtures import SettingsWrapper

    from tests.testapp.importing import Importer

pytestmark = pytest.mark.django_db(transaction=True)
THING = "code,name\na,x\n"


@pytest.fixture
def sql() -> Iterator[Callable[..., None]]:
    """Runs statements; the second argument of each pair takes the first one back when the test ends."""
    undo: list[str] = []

    def run(*statements: tuple[str, str]) -> None:
        with connection.cursor() as cursor:
            for statement, back in statements:
                cursor.execute(statement)
                undo.append(back)

    yield run
    with connection.cursor() as cursor:
        for statement in reversed([each for each in undo if each]):
            cursor.execute(statement)


@pytest.fixture
def hook() -> Iterator[Callable[[Callable[[], Any]], None]]:
    """Calls a function whenever a Heard is saved: the hook of somebody's app."""
    receivers = []

    def listen(act: Callable[[], Any]) -> None:
        receivers.append(lambda **_: act())
        post_save.connect(receivers[-1], sender=Heard)

    yield listen
    for receive in receivers:
        post_save.disconnect(receive, sender=Heard)


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _function(name: str, body: str, options: str = "") -> tuple[str, str]:
    sql = f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql {options} AS $$ BEGIN {body}; RETURN NEW; END $$"
    return sql, f"DROP FUNCTION {name}()"


def _assert_nothing_changed() -> None:
    assert list(Token.objects.values_list("name", flat=True)) == ["kept"]
    assert not Thing.objects.exists()
    assert Run.objects.get().state == "failed"


# -- PostgreSQL


@pytest.mark.postgresql
def test_a_deferred_trigger_that_defers_another_which_deletes(importing: Importer, sql: Callable[..., None]) -> None:
    """The second one is fired by what the first one writes, at the commit; it is made to fire before the witness."""
    Token.objects.create(name="kept")
    deferred = "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION"
    sql(
        _function("first_step", "INSERT INTO testapp_box (name) VALUES ('fires the second one')"),
        _function("second_step", "DELETE FROM testapp_token"),
        (
            f"CREATE CONSTRAINT TRIGGER second AFTER INSERT ON testapp_box {deferred} second_step()",
            "DROP TRIGGER second ON testapp_box",
        ),
        (
            f"CREATE CONSTRAINT TRIGGER first AFTER INSERT ON testapp_thing {deferred} first_step()",
            "DROP TRIGGER first ON testapp_thing",
        ),
    )
    with pytest.raises(DeletionDetected, match="testapp_token"):
        importing(ThingsImport, THING)
    _assert_nothing_changed()
    assert not Box.objects.exists()


@pytest.mark.postgresql
@pytest.mark.parametrize(
    ("body", "options"),
    [
        ("DELETE FROM testapp_token", "SET track_counts = off"),
        ("DELETE FROM testapp_token", "SET session_replication_role = replica"),
        ("PERFORM set_config('track_counts', 'off', true); DELETE FROM testapp_token", ""),
    ],
    ids=["track_counts", "replica", "in its body"],
)
def test_a_function_that_blinds_the_witness_is_refused_by_name(
    importing: Importer, sql: Callable[..., None], body: str, options: str
) -> None:
    """The counts that a function switches off for itself would be right again when the witness looks."""
    Token.objects.create(name="kept")
    sql(
        _function("blinding", body, options),
        (
            "CREATE TRIGGER eats AFTER INSERT ON testapp_thing FOR EACH ROW EXECUTE FUNCTION blinding()",
            "DROP TRIGGER eats ON testapp_thing",
        ),
    )
    with pytest.raises(GuardUnavailable, match=r"blinding\(\)"):
        importing(ThingsImport, THING)
    _assert_nothing_changed()


@pytest.mark.postgresql
def test_a_session_in_the_role_of_a_replica_is_refused(importing: Importer) -> None:
    """It would fire no trigger and check no foreign key."""
    Token.objects.create(name="kept")
    _execute("SET session_replication_role = replica")
    try:
        with pytest.raises(GuardUnavailable, match="session_replication_role"):
            importing(ThingsImport, THING)
    finally:
        _execute("RESET session_replication_role")
    _assert_nothing_changed()


@pytest.mark.postgresql
@pytest.mark.parametrize("setting", ["track_counts = off", "session_replication_role = replica"])
def test_a_hook_that_blinds_the_witness_is_found_out(
    importing: Importer, hook: Callable[[Callable[[], Any]], None], setting: str
) -> None:
    """The settings are read again before the commit."""
    Token.objects.create(name="kept")
    hook(lambda: _execute(f"SET LOCAL {setting}"))
    with pytest.raises(GuardUnavailable, match=setting.split(" ", 1)[0]):
        importing(HeardImport, "name\na\n")
    _assert_nothing_changed()


@pytest.mark.postgresql
@pytest.mark.parametrize(
    "act",
    [
        "ALTER TABLE testapp_token ADD COLUMN more int",
        "DROP TABLE testapp_computed",
        "DELETE FROM testapp_token; TRUNCATE testapp_token",
        "TRUNCATE testapp_token",
    ],
    ids=["alter", "drop", "delete and truncate", "truncate"],
)
@pytest.mark.parametrize("hidden", [False, True], ids=["in the open", "hidden"])
def test_a_hook_that_changes_tables_is_refused_with_the_name_of_the_table(
    importing: Importer, hook: Callable[[Callable[[], Any]], None], act: str, hidden: bool
) -> None:
    """At its own line, or before the commit."""
    Token.objects.create(name="kept")
    hook(lambda: _execute(f"DO $$ BEGIN {act}; END $$" if hidden else act))
    with pytest.raises(DeletionDetected, match=r"testapp_(token|computed)"):
        importing(HeardImport, "name\na\n")
    _assert_nothing_changed()


class MeasureRow(Row):
    """A measured value and where it belongs."""

    code: Text
    region: Text | None = None
    value: Integer | None = None


class MeasuresImport(ImportSpec, register=False):
    """Into a table of partitions by region."""

    row = MeasureRow
    model = Measure
    key = "code"


@pytest.fixture
def partitions(sql: Callable[..., None]) -> None:
    """The table of Measure, in partitions, one of them in partitions itself."""
    sql(
        (
            """
            CREATE TABLE testapp_measure (id bigserial, code varchar(9), region varchar(9), value int,
            PRIMARY KEY (id, region, value)) PARTITION BY LIST (region)
            """,
            "DROP TABLE testapp_measure",
        ),
        ("CREATE TABLE measure_north PARTITION OF testapp_measure FOR VALUES IN ('north')", ""),
        (
            "CREATE TABLE measure_rest PARTITION OF testapp_measure FOR VALUES IN ('south') PARTITION BY RANGE (value)",
            "",
        ),
        ("CREATE TABLE measure_low PARTITION OF measure_rest FOR VALUES FROM (0) TO (100)", ""),
        ("CREATE TABLE measure_high PARTITION OF measure_rest FOR VALUES FROM (100) TO (1000)", ""),
    )


@pytest.mark.postgresql
@pytest.mark.usefixtures("partitions")
def test_an_update_that_moves_a_record_to_another_partition_is_refused(importing: Importer) -> None:
    """It would be a deletion in one and an insertion in the other; the refusal says so, before anything is written."""
    importing(MeasuresImport, "code,region,value\na,north,1\nb,south,2\n")
    before = list(Measure.objects.order_by("code").values())
    for text, column in (("code,region\na,south\n", "region"), ("code,value\nb,500\n", "value")):
        for options in ({"dry_run": True}, {}):
            with pytest.raises(Refused, match=rf"another partition through {column}"):
                importing(MeasuresImport, text, **options)
    assert list(Measure.objects.order_by("code").values()) == before


@pytest.mark.postgresql
@pytest.mark.usefixtures("partitions")
def test_partitioned_tables_are_imported_into_and_undisturbed(importing: Importer) -> None:
    """Rows that are new, and updates that leave every record where it is."""
    importing(MeasuresImport, "code,region,value\na,north,1\nb,south,2\n")
    assert importing(MeasuresImport, "code,region,value\na,north,\nb,south,2\nc,north,3\n").rows.created == 1
    assert Measure.objects.count() == 3


@pytest.mark.postgresql
@pytest.mark.usefixtures("partitions")
def test_records_created_in_partitions_can_be_deleted_again(importing: Importer) -> None:
    """They are counted where they are stored, and no one more."""
    result = importing(MeasuresImport, "code,region,value\na,north,1\nb,south,2\n")
    undo(str(result.run), delete_created=True)
    assert not Measure.objects.exists()


# -- SQLite


@pytest.mark.sqlite
@pytest.mark.parametrize("act", ["INSERT OR REPLACE INTO", "REPLACE INTO"])
def test_a_trigger_that_replaces_one_row_by_another_is_refused(
    importing: Importer, sql: Callable[..., None], act: str
) -> None:
    """As many rows as before, but not the same ones: no count tells, so the trigger itself is refused by name."""
    Token.objects.create(name="kept")
    before = list(Token.objects.values())
    sql(
        (
            f"CREATE TRIGGER swaps AFTER INSERT ON testapp_thing BEGIN {act} testapp_token VALUES ('0', 'kept'); END",
            "DROP TRIGGER swaps",
        )
    )
    with pytest.raises(DeletionDetected, match=r"testapp_token by the trigger swaps"):
        importing(ThingsImport, THING)
    assert list(Token.objects.values()) == before
    _assert_nothing_changed()


@pytest.mark.sqlite
def test_a_table_that_replaces_on_conflict_is_refused(
    importing: Importer, sql: Callable[..., None], hook: Callable[[Callable[[], Any]], None]
) -> None:
    """Its constraint says so, not the statement."""
    Token.objects.create(name="kept")
    sql(
        ("CREATE TABLE latest (name text UNIQUE ON CONFLICT REPLACE)", "DROP TABLE latest"),
        ("INSERT INTO latest VALUES ('a')", ""),
    )
    hook(lambda: _execute("INSERT INTO latest VALUES ('a')"))
    with pytest.raises(DeletionDetected, match="latest"):
        importing(HeardImport, "name\na\n")
    _assert_nothing_changed()


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "act",
    [
        "WITH v(id, name) AS (SELECT '0', 'kept') INSERT OR REPLACE INTO testapp_token SELECT id, name FROM v",
        "/* (' */ WITH v(i) AS (SELECT ')') REPLACE INTO testapp_token VALUES ('0', 'kept')",
        "EXPLAIN REPLACE INTO testapp_token VALUES ('0', 'kept')",
    ],
)
def test_a_hook_that_replaces_behind_other_words_is_told_so_at_its_own_line(
    importing: Importer, hook: Callable[[Callable[[], Any]], None], act: str
) -> None:
    """As many rows as before: neither the authorizer nor a count would tell."""
    Token.objects.create(name="kept")
    before = list(Token.objects.values())
    hook(lambda: _execute(act))
    with pytest.raises(DeletionDetected, match=r"REPLACE INTO testapp_token was refused"):
        importing(HeardImport, "name\na\n")
    assert list(Token.objects.values()) == before
    _assert_nothing_changed()


@pytest.mark.sqlite
@pytest.mark.parametrize("kind", ["TRIGGER", "TEMP TRIGGER"])
def test_a_hook_that_makes_a_trigger_is_refused(
    importing: Importer, hook: Callable[[Callable[[], Any]], None], kind: str
) -> None:
    """Nobody has read what it does."""
    Token.objects.create(name="kept")
    table = "testapp_heard" if kind == "TRIGGER" else "main.testapp_heard"
    swaps = f"AFTER INSERT ON {table} BEGIN REPLACE INTO testapp_token VALUES ('0', 'kept'); END"
    hook(lambda: _execute(f"CREATE {kind} swaps {swaps}"))
    with pytest.raises(DeletionDetected, match="trigger swaps"):
        importing(HeardImport, "name\na\n")
    _assert_nothing_changed()


@pytest.mark.sqlite
def test_a_temporary_trigger_that_replaces_is_refused(importing: Importer, sql: Callable[..., None]) -> None:
    """It stands in a schema of its own."""
    Token.objects.create(name="kept")
    before = list(Token.objects.values())
    act = "BEGIN REPLACE INTO testapp_token VALUES ('0', 'kept'); END"
    sql(
        ("PRAGMA temp_store = 1", ""),  # as in a run: to set it anew would drop the trigger
        (f"CREATE TEMP TRIGGER swaps AFTER INSERT ON main.testapp_thing {act}", "DROP TRIGGER temp.swaps"),
    )
    with pytest.raises(DeletionDetected, match=r"testapp_token by the trigger swaps"):
        importing(ThingsImport, THING)
    assert list(Token.objects.values()) == before
    _assert_nothing_changed()


def test_a_deletion_behind_a_common_table_is_told_at_its_own_line(
    importing: Importer, hook: Callable[[Callable[[], Any]], None]
) -> None:
    """The verb need not come first."""
    Token.objects.create(name="kept")
    hook(lambda: _execute("WITH v AS (SELECT 1) DELETE FROM testapp_token"))
    with pytest.raises(DeletionDetected, match=r"DELETE FROM testapp_token was refused"):
        importing(HeardImport, "name\na\n")
    _assert_nothing_changed()


def test_words_in_a_text_delete_nothing(importing: Importer, hook: Callable[[Callable[[], Any]], None]) -> None:
    """A question that speaks of deletion is a question."""
    hook(lambda: _execute("WITH v AS (SELECT 'it''s: DELETE FROM x' AS y) SELECT y FROM v -- REPLACE INTO z"))
    assert importing(HeardImport, "name\na\n").rows.created == 1


@pytest.mark.sqlite
@pytest.mark.parametrize("act", ["DELETE FROM testapp_token", "DROP TABLE testapp_token"], ids=["delete", "drop"])
def test_a_hook_that_goes_around_django_is_refused_by_sqlite(
    importing: Importer, hook: Callable[[Callable[[], Any]], None], act: str
) -> None:
    """Straight to the driver, where no wrapper reads the statement."""
    Token.objects.create(name="kept")
    hook(lambda: connection.connection.execute(act))
    with pytest.raises(DeletionDetected, match="testapp_token"):
        importing(HeardImport, "name\na\n")
    _assert_nothing_changed()


@pytest.mark.sqlite
def test_a_full_text_index_that_triggers_keep_up_to_date_keeps_working(
    importing: Importer, sql: Callable[..., None]
) -> None:
    """It deletes from its shadow tables all the time, which is no affair of anybody else."""
    old = "INSERT INTO thing_text (thing_text, rowid, name) VALUES ('delete', old.id, old.name)"
    new = "INSERT INTO thing_text (rowid, name) VALUES (new.id, new.name)"
    sql(
        (
            "CREATE VIRTUAL TABLE thing_text USING fts5 (name, content='testapp_thing', content_rowid='id')",
            "DROP TABLE thing_text",
        ),
        (f"CREATE TRIGGER text_insert AFTER INSERT ON testapp_thing BEGIN {new}; END", "DROP TRIGGER text_insert"),
        (
            f"CREATE TRIGGER text_update AFTER UPDATE ON testapp_thing BEGIN {old}; {new}; END",
            "DROP TRIGGER text_update",
        ),
    )
    importing(ThingsImport, "code,name\na,early bird\nb,worm\n")
    assert importing(ThingsImport, "code,name\na,late owl\nb,worm\n").rows.updated == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT rowid FROM thing_text WHERE thing_text MATCH 'owl'")
        assert cursor.fetchall() == [(Thing.objects.get(code="a").pk,)]
        cursor.execute("SELECT rowid FROM thing_text WHERE thing_text MATCH 'bird'")
        assert cursor.fetchall() == []


# -- both


def _rewriting_trigger(event: str) -> list[tuple[str, str]]:
    if connection.vendor == "sqlite":
        act = "UPDATE testapp_thing SET id = new.id + 1000 WHERE id = new.id"
        return [
            (f"CREATE TRIGGER rewrites AFTER {event} ON testapp_thing BEGIN {act}; END", "DROP TRIGGER rewrites"),
        ]
    return [
        _function("rewrite_key", "NEW.id := NEW.id + 1000"),
        (
            f"CREATE TRIGGER rewrites BEFORE {event} ON testapp_thing FOR EACH ROW EXECUTE FUNCTION rewrite_key()",
            "DROP TRIGGER rewrites ON testapp_thing",
        ),
    ]


@pytest.mark.parametrize("event", ["INSERT", "UPDATE"])
def test_a_primary_key_that_a_trigger_rewrites_is_refused(
    importing: Importer, sql: Callable[..., None], event: str
) -> None:
    """Whatever referred to the record would refer to nothing, or to another one."""
    if event == "UPDATE":
        Thing.objects.create(code="a", name="old")
    before = list(Thing.objects.values())
    sql(*_rewriting_trigger(event))
    with pytest.raises(
        VerificationFailed, match=r"(1 records of testapp\.Thing|Records of testapp_thing) .* primary key"
    ):
        importing(ThingsImport, THING)
    assert list(Thing.objects.values()) == before


def _trigger_on_others(event: str, act: str) -> list[tuple[str, str]]:
    """A trigger of the Thing that an import writes, which acts on others of the same table."""
    if connection.vendor == "sqlite":
        create = f"CREATE TRIGGER others AFTER {event} ON testapp_thing WHEN new.code = 'a' BEGIN {act}; END"
        return [(create, "DROP TRIGGER others")]
    create = f"CREATE TRIGGER others AFTER {event} ON testapp_thing FOR EACH ROW WHEN (NEW.code = 'a')"
    return [
        _function("act_on_others", act),
        (f"{create} EXECUTE FUNCTION act_on_others()", "DROP TRIGGER others ON testapp_thing"),
    ]


@pytest.mark.parametrize("event", ["INSERT", "UPDATE"])
def test_a_primary_key_of_another_record_that_a_trigger_rewrites_is_refused(
    importing: Importer, sql: Callable[..., None], event: str
) -> None:
    """The run does not write that record, nor does it know of it."""
    Thing.objects.create(code="other", name="kept")
    if event == "UPDATE":
        Thing.objects.create(code="a", name="old")
    before = list(Thing.objects.order_by("pk").values())
    sql(*_trigger_on_others(event, "UPDATE testapp_thing SET id = id + 1000 WHERE code = 'other'"))
    with pytest.raises(VerificationFailed, match=r"(?i)records of testapp.thing .*another primary key"):
        importing(ThingsImport, THING)
    assert list(Thing.objects.order_by("pk").values()) == before
    assert Run.objects.get().state == "failed"


def test_a_primary_key_that_a_hook_rewrites_in_a_savepoint_is_refused(
    importing: Importer, hook: Callable[[Callable[[], Any]], None]
) -> None:
    """In a transaction of PostgreSQL's own making, which is another one than the run's."""
    kept = Heard.objects.create(name="kept")

    def rewrite() -> None:
        if Heard.objects.filter(pk=kept.pk).exists():
            with transaction.atomic():
                Heard.objects.filter(pk=kept.pk).update(id=kept.pk + 1000)

    hook(rewrite)
    with pytest.raises(VerificationFailed, match="another primary key"):
        importing(HeardImport, "name\na\nb\n")
    assert list(Heard.objects.values_list("pk", flat=True)) == [kept.pk]


@pytest.mark.parametrize("event", ["INSERT", "UPDATE"])
def test_a_trigger_may_change_and_add_other_records_of_a_target(
    importing: Importer, sql: Callable[..., None], event: str
) -> None:
    """Their keys are what they were, and what was inserted may be new."""
    other = Thing.objects.create(code="other", name="old")
    if event == "UPDATE":
        Thing.objects.create(code="a", name="old")
    columns = "name, price, active, born, ratio, note, data, box_id, created, updated"
    added = (
        f"INSERT INTO testapp_thing (code, {columns}) SELECT 'added', {columns} FROM testapp_thing WHERE code = 'other'"
    )
    sql(*_trigger_on_others(event, f"UPDATE testapp_thing SET name = 'seen' WHERE code <> 'a'; {added}"))
    importing(ThingsImport, THING)
    assert dict(Thing.objects.values_list("code", "name")) == {"a": "x", "other": "seen", "added": "seen"}
    assert Thing.objects.get(code="other").pk == other.pk


class KeyedRow(Row):
    """A box and the primary key that it should have."""

    name: Text
    id: Integer


class KeyedImport(ImportSpec, register=False):
    """Brings primary keys, though the records are recognised by something else."""

    row = KeyedRow
    model = Box
    key = "name"


def test_a_primary_key_that_a_file_rewrites_is_refused(importing: Importer) -> None:
    """Before anything is written."""
    box = Box.objects.create(name="red")
    with pytest.raises(Refused, match="another primary key through id"):
        importing(KeyedImport, f"name,id\nred,{box.pk + 1000}\n")
    assert Box.objects.get().pk == box.pk
    assert importing(KeyedImport, f"name,id\nred,{box.pk}\n").rows.unchanged == 1


@pytest.fixture
def cache(settings: SettingsWrapper) -> Iterator[Any]:
    """A cache in the database."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache_table"}}
    call_command("createcachetable", verbosity=0)
    yield caches["default"]
    _execute("DROP TABLE cache_table")


def test_a_hook_may_write_to_a_cache_in_the_database(
    importing: Importer, hook: Callable[[Callable[[], Any]], None], cache: Any
) -> None:
    """A key that is there, and one that is new."""
    cache.set("heard", 0)
    hook(lambda: (cache.set("heard", cache.get("heard") + 1), cache.set("new", 1)))
    importing(HeardImport, "name\na\nb\n")
    assert (cache.get("heard"), cache.get("new")) == (2, 1)


def test_a_hook_that_deletes_from_a_cache_in_the_database_is_told_its_table(
    importing: Importer, hook: Callable[[Callable[[], Any]], None], cache: Any
) -> None:
    """A cache is a table like any other."""
    cache.set("heard", 0)
    hook(lambda: cache.delete("heard"))
    with pytest.raises(DeletionDetected, match="cache_table"):
        importing(HeardImport, "name\na\n")
    assert cache.get("heard") == 0


def test_models_are_what_the_tests_take_them_for() -> None:
    """The partitioned table is made by a test alone, or its flush would look for it."""
    assert Measure._meta.managed is False
    assert isinstance(Measure._meta.pk, models.BigAutoField)


@pytest.mark.sqlite
def test_a_hook_that_replaces_around_django_is_found_by_the_count(
    importing: Importer, hook: Callable[[Callable[[], Any]], None]
) -> None:
    """No authorizer is asked about the row in the way; but there are fewer rows than before."""
    for name in ("kept", "gone"):
        Token.objects.create(name=name)
    hook(lambda: connection.connection.execute("UPDATE OR REPLACE testapp_token SET name = 'kept'"))
    with pytest.raises(DeletionDetected, match="testapp_token"):
        importing(HeardImport, "name\na\n")
    assert Token.objects.count() == 2
    assert not Heard.objects.exists()
