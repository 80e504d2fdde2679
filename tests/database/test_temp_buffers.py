"""How much of its temporary tables a session of PostgreSQL keeps in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection

from safe_import.database import dialect
from safe_import.database.dialect import Timeouts

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]


@pytest.fixture(autouse=True)
def _new_session() -> Iterator[None]:
    connection.close()
    yield
    connection.close()


@pytest.mark.parametrize(("before", "after"), [("1MB", "256MB"), ("512MB", "512MB")])
def test_a_run_raises_what_a_session_has_and_never_lowers_it(before: str, after: str) -> None:
    assert _in_a_run(before) == after


def test_a_session_that_had_temporary_tables_stays_as_it_is() -> None:
    """PostgreSQL refuses to change it by then, which must not stop a run."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE si_one (id int)")
    before = dialect(connection).value("SHOW temp_buffers")
    with dialect(connection).reading_only(Timeouts(1, 1, 1)):
        assert dialect(connection).value("SHOW temp_buffers") == before


def _in_a_run(before: str) -> str:
    d = dialect(connection)
    d.execute(f"SET temp_buffers = '{before}'")
    with d.reading_only(Timeouts(1, 1, 1)):
        return str(d.value("SHOW temp_buffers"))
