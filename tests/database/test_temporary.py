"""The temporary tables of a plan, as a database is at its quickest with them."""

from __future__ import annotations

import hashlib

import pytest
from django.db import DatabaseError, connection

from safe_import.database import dialect
from safe_import.database.dialect import Timeouts
from tests.testapp.models import Box

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@pytest.mark.parametrize("number", ["id", "rec"])
def test_what_numbers_the_rows_of_a_table_is_joined_by_without_an_index_made_for_it(number: str) -> None:
    d = dialect(connection)
    for name in ("si_one", "si_two"):
        d.create_temp(name, {number: "bigint", "k": "text"})
    d.write_rows("si_one", (number, "k"), [(-3, "c"), (1, "a"), (2, "b")])
    d.write_rows("si_two", (number, "k"), [(2, "B"), (-3, "C")])
    joined = f"FROM {d.temp('si_one')} a JOIN {d.temp('si_two')} b ON b.{number} = a.{number}"
    assert d.rows(f"SELECT a.k, b.k {joined} ORDER BY a.k") == [("b", "B"), ("c", "C")]
    steps = [step for *_, step in d.rows(f"EXPLAIN QUERY PLAN SELECT count(b.k) {joined}")]
    assert any("INTEGER PRIMARY KEY" in step for step in steps)
    assert not any("AUTOMATIC" in step for step in steps)


@pytest.mark.parametrize("key", ["{}k", "length({}k) || ':' || {}k || '1:' || nullif(quote({}n), 'NULL')"])
def test_records_are_paired_by_reading_the_table_once_as_it_lies(key: str) -> None:
    """It is neither copied nor searched; staged records are found by an index, and those without one come behind."""
    Box.objects.bulk_create([Box(name=name) for name in ("A", "other", "c")])
    d = dialect(connection)
    d.create_temp("si_one", {"id": "bigint", "k": "text", "n": "BLOB"})
    d.create_temp("si_paired", {"rec": "bigint", "name": "text"})
    d.write_rows("si_one", ("id", "k", "n"), [(1, "c", 1), (2, "b", 1), (3, "a", 1), (4, None, 1)])
    assert d.count_distinct("si_one", key.replace("{}", "")) == 4
    there = key.replace("{}k", "lower(t.name)").replace("{}n", "t.rank")
    existing = f"SELECT {there} AS si_key, t.name FROM (SELECT name, 1 AS rank FROM main.testapp_box) t"
    staged = f"SELECT s.* FROM {d.temp('si_one')} s LEFT JOIN {d.temp('si_paired')} x ON x.rec = -s.id"
    wanted, paired = f"SELECT k FROM {d.temp('si_one')}", f"SELECT rec FROM {d.temp('si_paired')}"
    pairs = list(d.pairs(staged, key.replace("{}", "s."), existing, wanted=wanted, paired=paired))
    steps = [step for *_, step in d.rows(f"EXPLAIN QUERY PLAN SELECT s.id, t.name FROM {pairs[0]}")]
    assert steps[0].startswith("SCAN")
    assert any("INDEX si_one_by_key" in step for step in steps)
    assert not any("AUTOMATIC" in step or "MATERIALIZE" in step for step in steps)
    for each in pairs:
        d.execute(f"INSERT INTO {d.temp('si_paired')} SELECT s.id, t.name FROM {each}")
    found = d.rows(f"SELECT rec, name FROM {d.temp('si_paired')} ORDER BY rec")
    assert found == [(1, "c"), (2, None), (3, "A"), (4, None)]


@pytest.mark.parametrize("key", ["k", "lower(k) || ':'"])
def test_a_key_that_stands_twice_is_noticed_each_time(key: str) -> None:
    """What is left of the first time must not hide it."""
    d = dialect(connection)
    for name, keys, count in (("si_one", ["b", "a", "c"], 3), ("si_two", ["b", "a", "b"], None)):
        d.create_temp(name, {"id": "bigint", "k": "text"})
        d.write_rows(name, ("id", "k"), list(enumerate(keys)))
        assert [d.count_distinct(name, key), d.count_distinct(name, key)] == [count] * 2


def test_what_is_remembered_of_records_is_joined_by_its_number_without_an_index_made_for_it() -> None:
    """And it is what it was, whatever its type."""
    Box.objects.bulk_create([Box(name=name) for name in ("12", "1e3", "x")])
    d = dialect(connection)
    numbered = "SELECT 10 - id AS si_rec, id, name, x'01' AS b, 1.0 AS r, 1 AS i, NULL AS n FROM testapp_box"
    before = d.rows(f"{numbered} ORDER BY si_rec")
    d.create_numbered_temp_of("si_old", "si_rec", numbered)
    assert d.rows(f"SELECT * FROM {d.temp('si_old')} ORDER BY si_rec") == before
    types = ", ".join(f"typeof({column})" for column in ("name", "b", "r", "i", "n"))
    assert set(d.rows(f"SELECT {types} FROM {d.temp('si_old')}")) == {("text", "blob", "real", "integer", "null")}
    joined = f"SELECT count(*) FROM testapp_box t JOIN {d.temp('si_old')} o ON o.si_rec = 10 - t.id"
    steps = [step for *_, step in d.rows(f"EXPLAIN QUERY PLAN {joined}")]
    assert any("INTEGER PRIMARY KEY" in step for step in steps)
    assert not any("AUTOMATIC" in step for step in steps)


@pytest.mark.parametrize("count", [1, 2, 19, 20, 21, 23, 40, 500])
def test_every_row_is_written_whatever_their_number(count: int) -> None:
    """Several go into one statement."""
    d = dialect(connection)
    d.create_temp("si_one", {"id": "bigint", "k": "text"})
    rows = [(number, f"k{number}") for number in range(count)]
    d.write_rows("si_one", ("id", "k"), rows)
    assert d.rows(f"SELECT id, k FROM {d.temp('si_one')} ORDER BY id") == rows


def test_rows_of_very_many_columns_are_written() -> None:
    """A statement has not as many places as some of them would need."""
    d, width = dialect(connection), 1900
    d.create_temp("si_one", {f"c{number}": "text" for number in range(width)})
    rows = [tuple(f"{row}-{number}" for number in range(width)) for row in range(20)]
    d.write_rows("si_one", [f"c{number}" for number in range(width)], rows)
    assert d.rows(f"SELECT * FROM {d.temp('si_one')}") == rows


def test_fingerprints_are_the_same_with_every_version_of_what_makes_them() -> None:
    """They are kept in journals. What writes JSON has several ways to write an exponent, or does without."""
    fingerprint = dialect(connection).value("SELECT si_hash(1, 'a', 1.5, 1e16, 1e-5, NULL, x'00')")
    text = b'[1,"a",{"real":"1.5"},{"real":"1e+16"},{"real":"1e-05"},null,{"blob":"00"}]'
    assert fingerprint == hashlib.sha256(text).hexdigest()
    assert dialect(connection).value("SELECT si_hash(1.5)") == hashlib.sha256(b"[1.5]").hexdigest()
    small = dialect(connection).value("SELECT si_hash(0.00006103515625)")
    assert small == hashlib.sha256(b'[{"real":"6.103515625e-05"}]').hexdigest()


def test_fingerprints_tell_all_values_apart() -> None:
    """Numbers without end too, for which JSON has no word, and bytes."""
    values = ["NULL", "9e999", "-9e999", "0", "0.0", "1", "'1'", "'inf'", "x'31'", "'null'", "''"]
    prints = [dialect(connection).value(f"SELECT si_hash({value}, 'null')") for value in values]
    assert len(set(prints)) == len(prints)


@pytest.mark.django_db(transaction=True)
def test_rows_that_can_not_be_written_leave_none_of_their_batch_behind() -> None:
    d = dialect(connection)
    d.create_temp("si_one", {"id": "bigint", "k": "text"})
    d.write_rows("si_one", ("id", "k"), [(1, "a")])
    with pytest.raises(DatabaseError):
        d.write_rows("si_one", ("id", "k"), [(2, "b"), (1, "twice")])
    assert d.rows(f"SELECT id, k FROM {d.temp('si_one')}") == [(1, "a")]
    assert not connection.needs_rollback


@pytest.mark.django_db(transaction=True)
def test_writing_to_a_temporary_table_keeps_nobody_from_writing_to_the_database() -> None:
    """Nor does it leave a transaction open."""
    d = dialect(connection)
    statements: list[str] = []
    d.create_temp("si_one", {"id": "bigint"})
    connection.connection.set_trace_callback(statements.append)
    try:
        d.write_rows("si_one", ("id",), [(1,), (2,)])
    finally:
        connection.connection.set_trace_callback(None)
    assert [each.split()[0] for each in statements if not each.startswith("INSERT")] == ["BEGIN", "COMMIT"]
    assert not connection.connection.in_transaction


@pytest.mark.parametrize(("own", "while_writing"), [(-2000, -16_000), (100, -16_000), (-40_000, -40_000), (9000, 9000)])
@pytest.mark.django_db(transaction=True)
def test_the_cache_is_larger_while_a_run_writes_and_then_as_before(own: int, while_writing: int) -> None:
    """KiB below zero, pages above. One that is larger already stays as it is."""
    d = dialect(connection)
    before = d.value("PRAGMA main.cache_size")
    try:
        d.execute(f"PRAGMA main.cache_size = {own}")
        with d.writing(Timeouts(1, 1)):
            assert d.value("PRAGMA main.cache_size") == while_writing
        assert d.value("PRAGMA main.cache_size") == own
    finally:
        d.execute(f"PRAGMA main.cache_size = {before}")
