"""Guarantee 1: a production run that removed a row from any table does not commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.db.models.signals import post_save

from safe_import.errors import DeletionDetected, GuardUnavailable
from safe_import.models import Run
from tests.testapp.models import Heard, Thing, Token
from tests.testapp.specs import HeardImport, ThingsImport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.testapp.importing import Importer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sql() -> Iterator[Callable[..., None]]:
    """Runs statements; what they created is dropped afterwards."""

    def run(*statements: str) -> None:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    yield run
    for kind, name, table in (("TRIGGER", "eats", "testapp_thing"), ("TRIGGER", "eats_later", "testapp_thing")):
        run(f"DROP {kind} IF EXISTS {name}" + (f" ON {table}" if connection.vendor == "postgresql" else ""))


@pytest.fixture
def listening() -> Iterator[Callable[[Callable[[], Any]], None]]:
    """Calls a function whenever a Heard is saved: the hook of somebody's app."""
    receivers = []

    def listen(act: Callable[[], Any]) -> None:
        def receive(**_: Any) -> None:
            act()

        receivers.append(receive)
        post_save.connect(receive, sender=Heard)

    yield listen
    for receive in receivers:
        post_save.disconnect(receive, sender=Heard)


def _assert_rolled_back(caught: pytest.ExceptionInfo[DeletionDetected], table: str) -> None:
    assert table in str(caught.value)
    assert list(Token.objects.values_list("name", flat=True)) == ["kept"]
    assert not Thing.objects.exists()
    assert not Heard.objects.exists()
    assert Run.objects.get().state == "failed"


@pytest.mark.postgresql
@pytest.mark.parametrize("deferred", ["", "DEFERRABLE INITIALLY DEFERRED"], ids=["at once", "deferred"])
@pytest.mark.parametrize("act", ["DELETE FROM testapp_token", "TRUNCATE testapp_token"], ids=["delete", "truncate"])
def test_a_trigger_that_removes_rows_rolls_the_run_back(
    importing: Importer, sql: Callable[..., None], act: str, deferred: str
) -> None:
    """Of another table, behind the back of Django, with the rights of its owner, and only at the commit."""
    Token.objects.create(name="kept")
    sql(
        f"CREATE OR REPLACE FUNCTION eat() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS "
        f"$$ BEGIN {act}; RETURN NULL; END $$",
        f"CREATE {'CONSTRAINT' if deferred else ''} TRIGGER eats AFTER INSERT ON testapp_thing {deferred} "
        "FOR EACH ROW EXECUTE FUNCTION eat()",
    )
    with pytest.raises(DeletionDetected) as caught:
        importing(ThingsImport, "code,name\na,x\n")
    _assert_rolled_back(caught, "testapp_token")


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "act",
    ["DELETE FROM testapp_token", "UPDATE OR REPLACE testapp_token SET name = 'kept'"],
    ids=["delete", "replace"],
)
def test_a_trigger_that_removes_rows_rolls_the_run_back_on_sqlite(
    importing: Importer, sql: Callable[..., None], act: str
) -> None:
    """REPLACE removes the row in its way without asking the authorizer; the count tells."""
    Token.objects.create(name="kept")
    Token.objects.create(name="also kept")
    sql(f"CREATE TRIGGER eats AFTER INSERT ON testapp_thing BEGIN {act}; END")
    with pytest.raises(DeletionDetected) as caught:
        importing(ThingsImport, "code,name\na,x\n")
    Token.objects.filter(name="also kept").delete()
    _assert_rolled_back(caught, "testapp_token")


def test_a_hook_that_deletes_is_told_so_at_its_own_line(
    importing: Importer, listening: Callable[[Callable[[], Any]], None]
) -> None:
    """By the wrapper around every statement, on every database."""
    Token.objects.create(name="kept")
    listening(lambda: Token.objects.all().delete())
    with pytest.raises(DeletionDetected) as caught:
        importing(HeardImport, "name\na\n")
    _assert_rolled_back(caught, "testapp_token")
    assert "DELETE FROM" in str(caught.value)


@pytest.mark.postgresql
@pytest.mark.parametrize(
    "act",
    ["DO $$ BEGIN TRUNCATE testapp_token; END $$", "DO $$ BEGIN DROP TABLE testapp_computed; END $$",
     "WITH gone AS (DELETE FROM testapp_token RETURNING 1) SELECT * FROM gone"],
    ids=["truncate", "drop", "delete in a query"],
)  # fmt: skip
def test_a_hook_that_hides_its_deletion_is_caught_by_the_witness(
    importing: Importer, listening: Callable[[Callable[[], Any]], None], act: str
) -> None:
    """The wrapper reads statements; the witness asks the database."""
    Token.objects.create(name="kept")

    def hide() -> None:
        with connection.cursor() as cursor:
            cursor.execute(act)

    listening(hide)
    with pytest.raises(DeletionDetected) as caught:
        importing(HeardImport, "name\na\n")
    _assert_rolled_back(caught, "testapp_")


@pytest.mark.postgresql
def test_a_database_that_does_not_count_is_refused(importing: Importer) -> None:
    """What can't be proven is not begun."""
    with connection.cursor() as cursor:
        cursor.execute("SET track_counts = off")
    try:
        with pytest.raises(GuardUnavailable, match="track_counts"):
            importing(ThingsImport, "code,name\na,x\n")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET track_counts")
    assert not Thing.objects.exists()


def test_an_ordinary_import_is_not_disturbed_by_earlier_deletions(importing: Importer) -> None:
    """What the transaction before deleted is not this run's."""
    Thing.objects.create(code="gone")
    Thing.objects.all().delete()
    result = importing(ThingsImport, "code,name\na,x\n")
    assert (result.rows.created, result.deletions) == (1, "none, proven")
    assert importing(ThingsImport, "code,name\na,x\n").deletions is None
