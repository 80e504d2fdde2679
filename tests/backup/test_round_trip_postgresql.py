"""What PostgreSQL stored comes back bit for bit, of every type."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from safe_import.backup.restore import restore_backup
from safe_import.backup.write import write_backup
from tests.backup.conftest import content, execute, query
from tests.backup.postgresql_types import EQUAL, TYPES

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.postgresql
EXTENSIONS = ("hstore", "citext")


@pytest.fixture
def typed(tables: Callable[..., list[str]]) -> Callable[[str, str], None]:
    """Make the table bk_typed, with a column of a type, which may be one of an extension."""

    def make(type_: str, column: str) -> None:
        if type_ in EXTENSIONS:
            execute(f"CREATE EXTENSION IF NOT EXISTS {type_}")
        tables(bk_typed=f"{column} {type_}")

    return make


def round_trip(table: str) -> None:
    """Back up, empty, restore; back up, spoil, restore exactly. Both times the table is what it was."""
    before = content(table)
    backup = write_backup(connection, [table])
    execute(f"DELETE FROM {table}")
    restore_backup(connection, backup.path)
    assert content(table) == before
    execute(f"DELETE FROM {table} WHERE ctid IN (SELECT ctid FROM {table} LIMIT 1)")
    restore_backup(connection, backup.path, mode="exact")
    assert content(table) == before


@pytest.mark.parametrize("type_", TYPES)
def test_values_of_every_type_come_back_bit_for_bit(type_: str, typed: Callable[[str, str], None]) -> None:
    """COPY writes the same lines before the backup and after the restore."""
    typed(type_, "id integer PRIMARY KEY, value")
    for number, value in enumerate(["NULL", *TYPES[type_]]):
        execute(f"INSERT INTO bk_typed VALUES ({number}, {value})")

    round_trip("bk_typed")


@pytest.mark.parametrize("type_", TYPES)
def test_values_without_a_key_come_back_bit_for_bit(type_: str, typed: Callable[[str, str], None]) -> None:
    """Rows of a table without a key are told apart by their values, and doubled rows stay doubled."""
    typed(type_, "value")
    for value in ["NULL", *TYPES[type_]]:
        execute(*[f"INSERT INTO bk_typed VALUES ({value})"] * 2)

    round_trip("bk_typed")


@pytest.mark.parametrize("type_", EQUAL)
def test_a_change_that_equality_hides_is_taken_back(type_: str, typed: Callable[[str, str], None]) -> None:
    """1.0 and 1.00 are equal, and so are words of citext in another case; they are not the same."""
    typed(type_, "id integer PRIMARY KEY, value")
    stored, spoilt = EQUAL[type_]
    execute(f"INSERT INTO bk_typed VALUES (1, {stored})")
    before = content("bk_typed")
    backup = write_backup(connection, ["bk_typed"])
    execute(f"UPDATE bk_typed SET value = {spoilt}")
    assert content("bk_typed") != before
    restore_backup(connection, backup.path)
    assert content("bk_typed") == before


TEXT = st.none() | st.text(st.characters(exclude_characters="\x00", codec="utf-8"))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(TEXT, TEXT, st.none() | st.floats(), st.none() | st.binary()), max_size=8))
@pytest.mark.parametrize("keyed", [True, False])
def test_any_table_comes_back(keyed: bool, rows: list[tuple[object, ...]], tables: Callable[..., list[str]]) -> None:
    """Whatever stands in it, also doubled rows of a table without a key."""
    execute("DROP TABLE IF EXISTS bk_any")
    tables(bk_any=f"{'id serial PRIMARY KEY, ' if keyed else ''}a text, b text, c double precision, d bytea")
    with connection.cursor() as cursor:
        for row in rows * 2:
            cursor.execute("INSERT INTO bk_any (a, b, c, d) VALUES (%s, %s, %s, %s)", row)
    round_trip("bk_any")


def test_types_of_users_come_back(tables: Callable[..., list[str]]) -> None:
    """Enumerations, domains over char(n) and composite types with empty fields are no exception."""
    execute(
        "CREATE TYPE bk_mood AS ENUM ('sad', 'ok''ay')",
        "CREATE DOMAIN bk_code AS char(4) NOT NULL",
        "CREATE TYPE bk_pair AS (a text, b integer)",
    )
    try:
        tables(bk_own="id integer PRIMARY KEY, mood bk_mood, code bk_code, pair bk_pair, pairs bk_pair[]")
        execute(
            """INSERT INTO bk_own VALUES (1, 'ok''ay', 'ab', ROW('x "y"', 1), ARRAY[ROW('a', NULL)::bk_pair]),
               (2, NULL, 'b', ROW(NULL, NULL), '{}')"""
        )
        round_trip("bk_own")
        execute("DROP TABLE bk_own")
    finally:
        execute("DROP TYPE bk_mood, bk_pair", "DROP DOMAIN bk_code")


def test_generated_columns_and_identities_come_back(tables: Callable[..., list[str]]) -> None:
    """Generated columns are computed again and compared; identity ALWAYS takes the old numbers."""
    virtual = connection.pg_version >= 180000
    tables(
        bk_computed="id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, net numeric(10, 2),"
        " gross numeric(10, 4) GENERATED ALWAYS AS (net * 1.19) STORED"
        + (", half numeric GENERATED ALWAYS AS (net / 2) VIRTUAL" if virtual else "")
    )
    execute("INSERT INTO bk_computed (net) VALUES (1), (2.5), (NULL)", "DELETE FROM bk_computed WHERE id = 1")
    before = content("bk_computed")

    round_trip("bk_computed")

    backup = write_backup(connection, ["bk_computed"])
    execute("UPDATE bk_computed SET net = 7 WHERE id = 2")
    restore_backup(connection, backup.path)
    assert content("bk_computed") == before


@pytest.mark.parametrize(
    ("name", "definition", "values"),
    [
        (
            '"Odd ""table"" %s; ü"',
            '"a ""b"" %s" text, "select" integer PRIMARY KEY, "line" text, "n" text',
            "i, i, i, i",
        ),
        ("bk_one", "value text", "i"),
        ("bk_composite", 'a integer, b "char", value text, PRIMARY KEY (b, a)', "i, 'x', i"),
        ("bk_unique", "a integer NOT NULL UNIQUE, value text", "i, i"),
        ("bk_nullable", "a integer UNIQUE, value text", "NULL, i"),
    ],
)
def test_names_and_keys_of_any_kind_come_back(
    name: str, definition: str, values: str, tables: Callable[..., list[str]]
) -> None:
    """Names that need quoting, composite keys, unique keys instead of primary ones, no key at all."""
    tables(**{name: definition})
    execute(f"INSERT INTO {name} SELECT {values} FROM generate_series(1, 9) i")
    round_trip(name)


@pytest.mark.parametrize("rows", [0, 3])
def test_tables_without_columns_or_rows_come_back(rows: int, tables: Callable[..., list[str]]) -> None:
    """A table without a column still has a number of rows."""
    tables(bk_bare="", bk_none="id integer PRIMARY KEY")
    for _ in range(rows):
        execute("INSERT INTO bk_bare DEFAULT VALUES")
    backup = write_backup(connection, ["bk_bare", "bk_none"])
    execute("DELETE FROM bk_bare")
    restore_backup(connection, backup.path)
    assert query("SELECT count(*) FROM bk_bare") == [(rows,)]
    assert query("SELECT count(*) FROM bk_none") == [(0,)]


def test_partitions_come_back_through_their_table(tables: Callable[..., list[str]]) -> None:
    """A partitioned table is backed up and restored as one."""
    execute("CREATE TABLE bk_parted (id integer PRIMARY KEY, value text) PARTITION BY RANGE (id)")
    try:
        execute(
            "CREATE TABLE bk_parted_1 PARTITION OF bk_parted FOR VALUES FROM (0) TO (5)",
            "CREATE TABLE bk_parted_2 PARTITION OF bk_parted DEFAULT",
            "INSERT INTO bk_parted SELECT i, i FROM generate_series(1, 9) i",
        )
        before = content("bk_parted")
        backup = write_backup(connection, ["bk_parted"])
        execute("DELETE FROM bk_parted WHERE id % 2 = 0", "UPDATE bk_parted SET value = 'x' WHERE id = 7")
        restore_backup(connection, backup.path)
        assert content("bk_parted") == before
    finally:
        execute("DROP TABLE bk_parted")
