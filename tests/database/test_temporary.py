"""The temporary tables of a plan, as a database is at its quickest with them."""

from __future__ import annotations

import pytest
from django.db import connection

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
