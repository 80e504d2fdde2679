"""What the database does on its own while a run is undone: nothing is undone, and the reason is named."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection

from safe_import.database import dialect
from safe_import.errors import DatabaseFailure, DeletionDetected, LockHeld, SafeImportError, VerificationFailed
from safe_import.models import Run
from safe_import.runs.undo import undo
from tests.testapp.models import Box, Node, Tag, Thing
from tests.testapp.specs import NodesImport, ThingsImport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.testapp.importing import Importer

    Content = Callable[[Any], list[tuple[Any, ...]]]

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def _trigger(event: str, model: type[Any], action: str) -> Iterator[None]:
    """A trigger that does something after each row of a table is written."""
    table = model._meta.db_table
    if connection.vendor == "sqlite":
        make = [f"CREATE TRIGGER hostile AFTER {event} ON {table} BEGIN {action}; END"]
        remove = ["DROP TRIGGER hostile"]
    elif connection.vendor == "mysql":
        make = [f"CREATE TRIGGER hostile AFTER {event} ON {table} FOR EACH ROW {action}"]
        remove = ["DROP TRIGGER hostile"]
    else:
        body = f"BEGIN {action}; RETURN NULL; END"
        make = [
            f"CREATE FUNCTION hostile() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$",
            (
                f"CREATE TRIGGER hostile AFTER {event} ON {table} FOR EACH ROW WHEN (pg_trigger_depth() = 0)"
                " EXECUTE FUNCTION hostile()"
            ),
        ]
        remove = [f"DROP TRIGGER hostile ON {table}", "DROP FUNCTION hostile"]
    try:
        _execute(*make)
        yield
    finally:
        _execute(*remove)


def _execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@pytest.fixture
def run(importing: Importer) -> str:
    """A run that updated a thing, links included, and created another."""
    old, new = Box.objects.create(name="old"), Box.objects.create(name="new")
    Thing.objects.create(code="a", name="before", box=old)
    done = importing(ThingsImport, f"code,name,box\na,after,{new.name}\nb,created,\n", force_update=True).run
    assert done is not None
    return done


@pytest.fixture
def refused(run: str, content: Content) -> Callable[..., str]:
    """Undo the run, which must fail and change nothing; returns the message."""

    def refuse(kind: type[SafeImportError], **options: Any) -> str:
        before = [content(model) for model in (Thing, Box, Tag)]
        with pytest.raises(kind) as error:
            undo(run, **options)
        assert [content(model) for model in (Thing, Box, Tag)] == before
        assert Run.objects.get(id=run).state == "verified"
        return str(error.value)

    return refuse


@pytest.mark.postgresql
@pytest.mark.sqlite
def test_a_trigger_that_rewrites_what_was_put_back(refused: Callable[..., str]) -> None:
    """The undo would not be exact; the column is named."""
    with _trigger("UPDATE", Thing, "UPDATE testapp_thing SET name = 'rewritten' WHERE name = 'before'"):
        assert "name" in refused(VerificationFailed)


def test_a_trigger_that_deletes_elsewhere(refused: Callable[..., str]) -> None:
    """An undo deletes only what it is asked to, and nothing at all unless it is."""
    Tag.objects.create(name="innocent")
    with _trigger("UPDATE", Thing, "DELETE FROM testapp_tag"):
        message = refused(DeletionDetected)
    assert "testapp_tag" in message or connection.vendor == "mysql"  # which only counts


@pytest.mark.postgresql
@pytest.mark.sqlite
def test_a_trigger_that_deletes_more_of_the_same_table(refused: Callable[..., str]) -> None:
    """Exactly those that the run created may go, not one more."""
    Thing.objects.create(code="innocent")
    with _trigger("DELETE", Thing, "DELETE FROM testapp_thing WHERE code = 'innocent'"):
        assert "testapp_thing" in refused(DeletionDetected, delete_created=True)


@pytest.mark.postgresql
@pytest.mark.sqlite
def test_a_trigger_that_deletes_may_not_when_nothing_is_to_be_deleted(refused: Callable[..., str]) -> None:
    """Without delete_created a deletion from the run's own table is refused as well."""
    Thing.objects.create(code="innocent")
    with _trigger("UPDATE", Thing, "DELETE FROM testapp_thing WHERE code = 'innocent'"):
        assert "testapp_thing" in refused(DeletionDetected)


def test_a_link_that_would_lead_to_nothing(refused: Callable[..., str]) -> None:
    """What the record was linked to before the run has been deleted since."""
    Box.objects.filter(name="old").delete()
    refused(DatabaseFailure)


def test_a_table_that_only_the_database_knows_of(refused: Callable[..., str]) -> None:
    """It refers to a created record, and no model tells."""
    key = Thing.objects.get(code="b").pk
    deferred = "" if connection.vendor == "mysql" else " DEFERRABLE INITIALLY DEFERRED"
    _execute(
        f"CREATE TABLE unknown (thing bigint REFERENCES testapp_thing (id){deferred})",
        f"INSERT INTO unknown VALUES ({key})",
    )
    try:
        refused(DatabaseFailure, delete_created=True)
    finally:
        _execute("DROP TABLE unknown")


def test_a_run_on_the_same_target_goes_first(refused: Callable[..., str]) -> None:
    """It holds the lock; the undo does not wait, and says so."""
    with closing(connection.copy()) as other, dialect(other).run_lock([Thing._meta.db_table], "a test"):
        assert "Another run works on" in refused(LockHeld)


def test_an_undo_that_was_cut_off_can_begin_again(run: str, content: Content) -> None:
    """The data is as before, and so is everything that the undo needs."""
    Run.objects.filter(id=run).update(state="undoing")
    assert undo(run).restored == {"testapp.Thing": 1}


def test_a_circle_with_what_was_there_before(importing: Importer, content: Content) -> None:
    """An old record links to a new one and the new one to the old one: both ways are undone."""
    Node.objects.create(code="old")
    before = content(Node)
    done = importing(NodesImport, "code,parent\nold,new\nnew,old\n").run
    assert done is not None
    undo(done, delete_created=True)
    assert content(Node) == before
