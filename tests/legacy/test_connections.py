"""Where the rows come from: any DB-API connection, tuples or dicts, or an alias; streamed, and only read."""

from __future__ import annotations

import os
import sqlite3
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pymysql
import pymysql.cursors
import pytest
from django.db import connection, connections

from safe_import.errors import Refused, SourceError, SpecError, UnexpectedFailure
from safe_import.legacy import Migration
from safe_import.legacy.drivers import streaming_cursor
from safe_import.legacy.part import source_of
from safe_import.legacy.run import migrate
from tests.testapp.models import Box

if TYPE_CHECKING:
    from pathlib import Path

    from safe_import.records import RunResult

pytestmark = pytest.mark.django_db(transaction=True)

Bring = Callable[..., "RunResult"]
QUERY = "SELECT id, name FROM old_boxes ORDER BY id"
TABLE = "CREATE TABLE old_boxes (id integer, name text); INSERT INTO old_boxes VALUES (5, 'red'), (6, 'blue')"


def boxes(opened: Callable[[], Any]) -> type[Migration]:
    """A migration of boxes over the connection that is opened so."""
    opening = classmethod(lambda cls: opened())
    return type("BoxMigration", (Migration,), {"query": QUERY, "model": Box, "open_db_connection": opening})


def landed() -> list[tuple[int, str]]:
    """What is in the database now."""
    return list(Box.objects.order_by("id").values_list("id", "name"))


@pytest.fixture
def old_file(tmp_path: Path) -> Path:
    """An old database of SQLite."""
    with sqlite3.connect(tmp_path / "old.sqlite3") as opened:
        opened.executescript(TABLE)
    opened.close()
    return tmp_path / "old.sqlite3"


@pytest.fixture
def alias(old_file: Path) -> Iterator[str]:
    """The old database under an alias of DATABASES."""
    settings = {**connections.settings["default"], "ENGINE": "django.db.backends.sqlite3", "NAME": str(old_file)}
    connections.settings["old"] = {**settings, "OPTIONS": {}}
    connections["old"].connect()  # tests may not ask Django to do so for an alias that was not there when they began
    try:
        yield "old"
    finally:
        connections["old"].close()
        del connections["old"], connections.settings["old"]


def _as_dict(cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> dict[str, Any]:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}


@pytest.mark.parametrize("factory", [None, sqlite3.Row, _as_dict])
def test_rows_may_be_tuples_or_dicts(old_file: Path, bring: Bring, factory: Any) -> None:
    """Or what else a driver makes of them."""

    def opened() -> sqlite3.Connection:
        made = sqlite3.connect(old_file)
        made.row_factory = factory
        return made

    bring(boxes(opened))
    assert landed() == [(5, "red"), (6, "blue")]


def test_an_alias_is_enough(alias: str, bring: Bring) -> None:
    """As the attribute, as what open_db_connection returns, and as Django's connection."""
    bring(type("BoxMigration", (Migration,), {"query": QUERY, "model": Box, "database": alias}))
    assert landed() == [(5, "red"), (6, "blue")]
    for number, opened in enumerate((lambda: alias, lambda: connections[alias])):
        Box.objects.all().delete()
        migration = boxes(opened)
        migration.__qualname__ = f"Other{number}"
        bring(migration)
        assert landed() == [(5, "red"), (6, "blue")]


def test_the_old_tables_may_be_in_the_same_database(bring: Bring) -> None:
    """An alias that is that of the models: it is written and read."""
    with connection.cursor() as cursor:
        for statement in TABLE.split(";"):
            cursor.execute(statement)
    try:
        bring(boxes(lambda: "default"))
        assert landed() == [(5, "red"), (6, "blue")]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE old_boxes")


@pytest.mark.postgresql
@pytest.mark.parametrize("dicts", [False, True])
def test_psycopg2_streams_from_the_server_and_only_reads(bring: Bring, dicts: bool) -> None:
    """With its usual cursors, and with those that give dicts."""
    import psycopg2.extras  # noqa: PLC0415 - not needed on SQLite

    settings = {name: connection.settings_dict[key] for name, key in (("dbname", "NAME"), ("user", "USER"))}
    settings |= {"host": connection.settings_dict["HOST"], "port": connection.settings_dict["PORT"] or None}
    factory = psycopg2.extras.RealDictCursor if dicts else None
    opened = psycopg2.connect(**settings, cursor_factory=factory)
    with opened.cursor() as cursor:
        cursor.execute(TABLE)
    opened.commit()
    migration = boxes(lambda: opened)
    try:
        bring(migration)
        assert landed() == [(5, "red"), (6, "blue")]
        opened.rollback()
        with opened.cursor() as cursor, pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
            cursor.execute("DELETE FROM old_boxes")
    finally:
        opened.rollback()
        opened.set_session(readonly=False)
        with opened.cursor() as cursor:
            cursor.execute("DROP TABLE old_boxes")
        opened.commit()
        opened.close()


@pytest.fixture
def mysql() -> Iterator[Callable[[], Any]]:
    """Opens connections to a database of its own, on the server of MySQL or MariaDB that the environment names.

    ``SAFE_IMPORT_TEST_MYSQL_PORT`` on this machine, as root without a password; 3306 unless given.
    """
    settings = {"host": "127.0.0.1", "user": "root", "port": int(os.environ.get("SAFE_IMPORT_TEST_MYSQL_PORT", "3306"))}
    name = f"test_safe_import_{os.getpid()}"
    try:
        server = pymysql.connect(**settings)
    except pymysql.err.OperationalError:
        pytest.skip("no server of MySQL or MariaDB answers")
    with closing(server), server.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        try:
            yield lambda **more: pymysql.connect(**settings, database=name, **more)
        finally:
            cursor.execute(f"DROP DATABASE {name}")


@pytest.mark.parametrize("cursor_class", [pymysql.cursors.Cursor, pymysql.cursors.DictCursor, pymysql.cursors.SSCursor])
def test_mysql_streams_from_the_server_and_only_reads(
    mysql: Callable[..., Any], bring: Bring, cursor_class: type
) -> None:
    """With the cursors of MySQLdb, whose interface PyMySQL has: tuples, dicts, and those that stream anyway."""
    with closing(mysql(autocommit=True)) as own, own.cursor() as cursor:
        for statement in TABLE.split(";"):
            cursor.execute(statement)
        opened = mysql(cursorclass=cursor_class)
        with closing(opened):
            bring(boxes(lambda: opened))
            assert landed() == [(5, "red"), (6, "blue")]
            with opened.cursor() as other, pytest.raises(pymysql.err.OperationalError, match="READ ONLY"):
                other.execute("DELETE FROM old_boxes")
            streaming = streaming_cursor(opened)
            assert isinstance(streaming, pymysql.cursors.SSCursor)
            streaming.close()


def test_a_cursor_class_of_ones_own_streams_as_the_one_it_is_made_from() -> None:
    """Tuples or dicts, as before; no connection is needed to see which."""
    for base, streaming in (
        (pymysql.cursors.Cursor, pymysql.cursors.SSCursor),
        (pymysql.cursors.DictCursor, pymysql.cursors.SSDictCursor),
        (pymysql.cursors.SSDictCursor, pymysql.cursors.SSDictCursor),
    ):
        connection = pymysql.connect(defer_connect=True, cursorclass=type("LoggingCursor", (base,), {}))
        assert type(streaming_cursor(connection)) is streaming


def test_the_old_database_is_only_read(old_file: Path, alias: str, bring: Bring) -> None:
    """A hook that writes to it is refused, over a connection of the driver and over an alias."""
    own = sqlite3.connect(old_file)

    def vandalise(migration: type[Migration], _: Any) -> None:
        with connections[alias].cursor() if migration.database else own as cursor:
            cursor.execute("DELETE FROM old_boxes")

    with pytest.raises(UnexpectedFailure, match="OperationalError"):
        migrate([boxes(lambda: own)], announce=vandalise)
    by_alias = type("BoxMigration", (Migration,), {"query": QUERY, "model": Box, "database": alias})
    with pytest.raises(Refused, match="old_boxes"):
        migrate([by_alias], announce=vandalise)
    assert own.execute("SELECT count(*) FROM old_boxes").fetchone() == (2,)
    own.close()


def test_rows_stream(old_file: Path) -> None:
    """Reading a hundred thousand wide rows takes the memory of some thousand."""
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
    wide = f"{numbers} SELECT i AS id, printf('%0500d', i) AS name FROM n"
    migration = type(
        "BoxMigration",
        (Migration,),
        {"query": wide, "model": Box, "open_db_connection": classmethod(lambda cls: sqlite3.connect(old_file))},
    )
    with source_of(migration, "default") as source:
        tracemalloc.start()
        count = sum(1 for _ in source.lines())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert count == 100_000
    assert peak < 10_000_000


def test_a_connection_that_fails_is_an_error_of_the_source(bring: Bring, tmp_path: Path) -> None:
    """With the name of the migration; and one that has no connection at all is an error of the migration."""
    with pytest.raises(SourceError, match="BoxMigration: the connection failed"):
        bring(boxes(lambda: sqlite3.connect(f"file:{os.fspath(tmp_path)}/none.sqlite3?mode=ro", uri=True)))
    with pytest.raises(SpecError, match="open_db_connection"):
        bring(type("BoxMigration", (Migration,), {"query": QUERY, "model": Box}))
