"""Blocks that are sent while the program goes on, and together, land as if each had been sent by itself."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from django.db import DatabaseError, connection, transaction
from pydantic import AfterValidator

from safe_import.database import dialect
from safe_import.errors import Refused
from tests.testapp.models import Box
from tests.testapp.specs import ThingRow, ThingsImport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.testapp.importing import Importer

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@pytest.fixture(params=[1, 2**19])
def d(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A database with a table, to which a block is sent at once, or only with others."""
    monkeypatch.setattr("safe_import.database.postgresql.copy._AT_LEAST", request.param)
    d = dialect(connection)
    d.create_temp("si_sent", {"n": "bigint", "k": "text"})
    yield d
    d.drop_temp(["si_sent"])


def _stored(d: Any) -> list[Any]:
    return list(d.rows(f"SELECT n, k FROM {d.temp('si_sent')} ORDER BY n"))


def test_all_blocks_are_there_in_the_end(d: Any) -> None:
    """Whichever columns they bring."""
    with d.written_behind():
        d.write_columns("si_sent", {"n": [1, 2], "k": ["a", "b"]})
        d.write_columns("si_sent", {"n": [3], "k": ["c"]})
        d.write_columns("si_sent", {"n": [4]})
        d.write_columns("si_sent", {"n": [5], "k": ["e"]})
    assert _stored(d) == [(1, "a"), (2, "b"), (3, "c"), (4, None), (5, "e")]


def test_a_transaction_that_is_rolled_back_takes_nothing_with_it(d: Any) -> None:
    """A validator may begin one of its own, in which the first question would have to wait for what is behind."""
    with d.written_behind():
        d.write_columns("si_sent", {"n": [1], "k": ["a"]})
        with suppress(ValueError), transaction.atomic():
            d.value("SELECT 1")
            raise ValueError
        d.write_columns("si_sent", {"n": [2], "k": ["b"]})
    assert _stored(d) == [(1, "a"), (2, "b")]


def test_an_error_outlives_the_transaction_of_a_validator(importing: Importer) -> None:
    """The invalid row of the first block is refused as well, whatever becomes of the database in the next one."""

    def looked_up(name: str) -> str:
        if name == "unknown":
            with transaction.atomic():
                Box.objects.get(name=name)
        return name

    class CheckedRow(ThingRow):
        clearable = ()
        name: Annotated[str, AfterValidator(_refused_if_missing(looked_up))]

    spec = type("CheckedImport", (ThingsImport,), {"row": CheckedRow}, register=False)
    sound = "".join(f"c{n},x,\n" for n in range(1200))
    with pytest.raises(Refused) as refused:
        importing(spec, f"code,name,born\nwrong,x,yesterday\n{sound}z,unknown,\n")
    assert [problem.line for problem in refused.value.problems] == [2, 1203]


def _refused_if_missing(look_up: Callable[[str], str]) -> Callable[[str], str]:
    def validator(name: str) -> str:
        try:
            return look_up(name)
        except Box.DoesNotExist:
            raise ValueError("there is no such box") from None

    return validator


def test_who_asks_meanwhile_finds_what_was_sent_so_far(d: Any) -> None:
    """And what is sent then lands as well."""
    with d.written_behind():
        d.write_columns("si_sent", {"n": [1], "k": ["a"]})
        assert _stored(d) == [(1, "a")]
        d.write_columns("si_sent", {"n": [2], "k": ["b"]})
    assert _stored(d) == [(1, "a"), (2, "b")]


def test_a_block_that_can_not_be_stored_is_told_of(d: Any) -> None:
    """At the latest in the end; what would have been sent after it is not."""

    def write() -> None:
        with d.written_behind():
            d.write_columns("si_sent", {"n": ["no number"], "k": ["a"]})
            d.write_columns("si_sent", {"n": [2], "k": ["b"]})

    with pytest.raises(DatabaseError):
        write()
    assert _stored(d) == []
    d.write_columns("si_sent", {"n": [3], "k": ["c"]})
    assert _stored(d) == [(3, "c")]
