"""What SQLite stored comes back with its value and its storage class."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from django.db import connection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from safe_import.backup.restore import restore_backup
from safe_import.backup.write import write_backup
from safe_import.database.sqlite.literals import literals, value_of
from safe_import.database.sqlite.tables import _lines
from safe_import.errors import BackupError
from tests.backup.conftest import content, execute

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.sqlite

DECLARED = ["integer", "real", "text", "blob", "numeric", "decimal", "bool", "datetime", "text COLLATE NOCASE", ""]
VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False) | st.floats(1e-6, 1e-3),
    st.text(),
    st.binary(max_size=40),
    st.sampled_from(
        ["", "NULL", "'", "X'00'", "1e5", "a\x00b", " 1 ", "9e999", "],[", '["', '],["', '"],["', "],[null"]
    ),
)


@given(rows=st.lists(st.tuples(*[VALUES] * 3), min_size=1, max_size=4))
def test_every_row_is_a_line_whatever_stands_in_it(rows: list[tuple[Any, ...]]) -> None:
    """Be it what stands between two rows, or nothing in the first column."""
    lines = _lines(rows)
    assert lines.endswith(b"\n")
    assert [orjson.loads(line) for line in lines[:-1].split(b"\n")] == [
        [literals([value])[0] for value in row] for row in rows
    ]


def insert(table: str, rows: list[tuple[Any, ...]]) -> None:
    """Insert values as the driver takes them, with no field of Django in between."""
    with connection.cursor() as cursor:
        for row in rows:
            cursor.execute(f"INSERT INTO {table} VALUES ({', '.join(['%s'] * len(row))})", row)


def round_trip(table: str) -> None:
    """Back up, empty, restore; back up, spoil, restore exactly. Both times the table is what it was."""
    before = content(table)
    backup = write_backup(connection, [table])
    execute(f"DELETE FROM {table}")
    restore_backup(connection, backup.path)
    assert content(table) == before
    execute(f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} LIMIT 1)")
    restore_backup(connection, backup.path, mode="exact")
    assert content(table) == before


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(*[VALUES] * len(DECLARED)), max_size=6))
@pytest.mark.parametrize("keyed", [True, False])
def test_any_table_comes_back_by_value_and_storage_class(
    keyed: bool, rows: list[tuple[Any, ...]], tables: Callable[..., list[str]]
) -> None:
    """Whatever stands in a column of whatever declared type, also doubled rows of a table without a key."""
    execute("DROP TABLE IF EXISTS bk_any")
    columns = ", ".join(f"c{place} {declared}" for place, declared in enumerate(DECLARED))
    tables(bk_any=f"id integer PRIMARY KEY, {columns}" if keyed else columns)
    insert("bk_any", [(number, *row) if keyed else row for number, row in enumerate(rows)])
    if not keyed:
        insert("bk_any", rows)

    round_trip("bk_any")


@example(value=6.103515625e-05)
@given(value=st.one_of(st.integers(), st.floats(allow_nan=False), st.text(), st.binary()))
def test_a_literal_reads_back_to_the_same_value_of_the_same_class(value: float | str | bytes) -> None:
    """Every bit of a REAL, the sign of zero included."""
    literal = literals([value])[0] or ""
    assert literals([value, None, value, 1, "it's"]) == [literal, None, literal, "1", "'it''s'"]
    again = value_of(literal)
    assert type(again) is type(value)
    if isinstance(value, float):
        assert struct.pack("d", again) == struct.pack("d", value) or math.isnan(value)
    assert again == value


def test_generated_columns_come_back(tables: Callable[..., list[str]]) -> None:
    """Stored and virtual ones are computed again and compared."""
    tables(
        bk_computed="id integer PRIMARY KEY, net real, gross real GENERATED ALWAYS AS (net * 1.19) STORED,"
        " half real GENERATED ALWAYS AS (net / 2) VIRTUAL"
    )
    execute("INSERT INTO bk_computed (id, net) VALUES (1, 0.1), (2, 2.5), (3, NULL)")
    round_trip("bk_computed")
    before = content("bk_computed")
    backup = write_backup(connection, ["bk_computed"])
    execute("UPDATE bk_computed SET net = 7 WHERE id = 2")
    restore_backup(connection, backup.path)
    assert content("bk_computed") == before


@pytest.mark.parametrize(
    ("name", "definition", "row"),
    [
        ("Odd table; ü", '"a ""b"" %s" text, "select" integer PRIMARY KEY, "rowid" text', ("a", 1, "b")),
        ("bk_composite", "a integer NOT NULL, b text NOT NULL, PRIMARY KEY (b, a)", (1, "x")),
        ("bk_norow", "a text NOT NULL PRIMARY KEY, b text) WITHOUT ROWID; --", ("x", "y")),
        ("bk_nocase", "a text NOT NULL PRIMARY KEY COLLATE NOCASE, b text COLLATE NOCASE", ("x", "Y")),
        ("bk_strict", "a any NOT NULL PRIMARY KEY, b real) STRICT; --", (b"x", 1.0)),
        ("bk_loose", "a text PRIMARY KEY, b text", (None, "y")),
    ],
)
def test_names_and_keys_of_any_kind_come_back(
    name: str, definition: str, row: tuple[Any, ...], tables: Callable[..., list[str]]
) -> None:
    """Names that need quoting, composite keys, tables without rowid, keys that can be NULL."""
    tables(**{f'"{name}"': definition})
    insert(f'"{name}"', [row])
    before = content(name)
    backup = write_backup(connection, [name])
    execute(f'DELETE FROM "{name}"')
    restore_backup(connection, backup.path)
    assert content(name) == before
    restore_backup(connection, backup.path, mode="exact")
    assert content(name) == before


def test_a_change_of_case_or_class_alone_is_a_change(tables: Callable[..., list[str]]) -> None:
    """Neither the collation nor the affinity of a column hides that a value was changed."""
    tables(bk_hidden="id integer PRIMARY KEY, word text COLLATE NOCASE, free")
    insert("bk_hidden", [(1, "Word", 1), (2, "same", "1")])
    before = content("bk_hidden")
    backup = write_backup(connection, ["bk_hidden"])
    execute("UPDATE bk_hidden SET word = 'WORD', free = 1.0 WHERE id = 1")
    assert restore_backup(connection, backup.path).tables["bk_hidden"].updated == 1
    assert content("bk_hidden") == before


def test_text_that_is_no_utf8_is_refused_by_table_and_not_by_value(tables: Callable[..., list[str]]) -> None:
    """SQLite lets such text in; a backup can't hold it, and does not show it."""
    tables(bk_bytes="id integer PRIMARY KEY, value text")
    execute("INSERT INTO bk_bytes VALUES (1, CAST(X'63616E617279ff' AS TEXT))")
    with pytest.raises(BackupError, match="'bk_bytes' holds text that is not UTF-8") as caught:
        write_backup(connection, ["bk_bytes"])
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None
