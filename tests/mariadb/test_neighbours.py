"""Guarantees 9 and 10 on MariaDB: who waits, whose edit is kept, and what a session leaves behind that is ended."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection

from safe_import.database import dialect
from safe_import.errors import DatabaseFailure, LockHeld, SafeImportError
from safe_import.failpoints import watching
from safe_import.models import Run
from safe_import.runs.recover import recover
from tests.guarantees.test_neighbours import Meddler, elsewhere
from tests.testapp.models import Box, Thing
from tests.testapp.specs import TaggedImport, ThingsImport

if TYPE_CHECKING:
    from tests.testapp.importing import Importer

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]


def test_others_read_and_add_while_a_run_writes(importing: Importer) -> None:
    """Its keys and theirs do not meet, though both come from one counter; nobody waits."""
    Box.objects.create(name="there")
    seen: list[Any] = []

    def look(place: str) -> None:
        if place == "apply.inserted" and not seen:
            seen.append(elsewhere(lambda: (Box.objects.create(name="theirs").pk, Box.objects.count())))

    with watching(look):
        result = importing(TaggedImport, "code,name,box\n" + "".join(f"c{n},x,box {n}\n" for n in range(50)))
    assert result.rows.created == 50
    (theirs, count), ours = seen[0], Box.objects.filter(name__startswith="box").values_list("pk", flat=True)
    assert count == 2
    assert theirs > max(ours)


def test_an_edit_between_plan_and_apply_is_not_overwritten(importing: Importer) -> None:
    """The run plans once more, with what the other session wrote."""
    Thing.objects.create(code="a", name="old", note="kept")
    edit = Meddler("stage", lambda: elsewhere(lambda: Thing.objects.filter(code="a").update(name="new")), times=1)
    result = importing(ThingsImport, "code,name\na,new\nb,y\n", observers=[edit])
    assert (result.rows.unchanged, result.rows.created) == (1, 1)
    assert Thing.objects.get(code="a").note == "kept"


def test_one_run_a_table_at_a_time(importing: Importer) -> None:
    """The second one does not wait, and says who holds the lock."""
    with closing(connection.copy()) as other, dialect(other).run_lock([Thing._meta.db_table], "a test"):
        with pytest.raises(LockHeld, match=r"Another run works on testapp_thing: process \d+ of "):
            importing(ThingsImport, "code\na\n")
        importing(ThingsImport, "code\na\n", dry_run=True)
    assert importing(ThingsImport, "code\na\n").rows.created == 1


def test_a_row_that_somebody_holds_is_waited_for_no_longer_than_allowed(importing: Importer) -> None:
    """And the run is as if it had not been."""
    Thing.objects.create(code="a", name="old")
    with closing(connection.copy()) as other:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("UPDATE testapp_thing SET note = 'theirs' WHERE code = 'a'")
        with pytest.raises(DatabaseFailure, match="a lock timeout"):
            importing(ThingsImport, "code,name\na,new\n", lock_timeout=1)
        other.rollback()
    assert Thing.objects.get().name == "old"


def test_a_session_that_is_ended_leaves_nothing_behind(importing: Importer) -> None:
    """KILL in the middle of writing: the data is as before, and the record is closed by recovery."""
    Thing.objects.create(code="a", name="old")
    session = dialect(connection).value("SELECT connection_id()")

    def end(place: str) -> None:
        if place == "apply.written":
            with closing(connection.copy()) as other, other.cursor() as cursor:
                cursor.execute(f"KILL {session}")

    with watching(end), pytest.raises(SafeImportError):
        importing(ThingsImport, "code,name\na,new\nb,y\n")
    assert list(Thing.objects.values_list("code", "name")) == [("a", "old")]
    recover()
    assert Run.objects.get().state == "failed"
    assert importing(ThingsImport, "code,name\na,new\nb,y\n").rows.created == 1
