"""The temporary tables of a plan, as a database is at its quickest with them."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection

from safe_import.database import dialect

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


def test_records_of_a_table_are_looked_up_by_an_index_made_for_it() -> None:
    """Else each would be looked for among all, which takes the square of the time."""
    d = dialect(connection)
    d.create_temp("si_one", {"id": "bigint", "k": "text"})
    found = d.looked_up("t.id", "lower(t.name)", "main.testapp_box t", f"SELECT k FROM {d.temp('si_one')}")
    joined = f"FROM {d.temp('si_one')} s LEFT JOIN ({found}) b ON b.si_key = s.k"
    steps = [step for *_, step in d.rows(f"EXPLAIN QUERY PLAN SELECT b.id {joined}")]
    assert any("SEARCH" in step and "AUTOMATIC" in step and "si_key=?" in step for step in steps)


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
