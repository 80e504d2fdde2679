"""Guarantee 1 on MariaDB: deletions are prevented, not proven, and the report says so."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.db.models.signals import post_save

from safe_import._prod_utils import ProdImportCommand
from safe_import.errors import DeletionDetected, Refused, VerificationFailed
from safe_import.models import Run
from tests.management.running import run
from tests.testapp.models import Box, Heard, HeardLog, Thing, Token
from tests.testapp.specs import HeardImport, ThingsImport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.testapp.importing import Importer

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]


class ThingsCommand(ProdImportCommand):
    """Imports things."""

    spec = ThingsImport


REMOVING = {
    "DELETE FROM testapp_token": "DELETE FROM testapp_token",
    "delete quick from testapp_token where id is not null": "DELETE QUICK FROM testapp_token",
    "DELETE t FROM testapp_token t JOIN testapp_box b ON TRUE": "DELETE t",
    "/* why not */ -- really\n DELETE FROM testapp_token": "DELETE FROM testapp_token",
    "TRUNCATE testapp_token": "TRUNCATE testapp_token",
    "REPLACE INTO testapp_token (id, name) SELECT id, 'b' FROM testapp_token": "REPLACE INTO testapp_token",
    "DROP TABLE testapp_computed": "DROP TABLE testapp_computed",
    "ALTER TABLE testapp_token DROP COLUMN name": "ALTER TABLE testapp_token",
    "SELECT 1; DELETE FROM testapp_token": "DELETE FROM testapp_token",
}
UNSEEN = (
    "/*! DELETE FROM testapp_token */",
    "/*M! DELETE FROM testapp_token */",
    "CREATE TABLE made (id int)",
    "CREATE INDEX made ON testapp_token (name)",
    "RENAME TABLE testapp_token TO elsewhere",
    "CALL removes_everything()",
    "EXECUTE IMMEDIATE 'DELETE FROM testapp_token'",
    "SET autocommit = 1",
    "SET STATEMENT max_statement_time = 1 FOR DELETE FROM testapp_token",
    "COMMIT",
    "LOCK TABLES testapp_token WRITE",
    "ANALYZE DELETE FROM testapp_token",
)
HARMLESS = (
    "SELECT 'DELETE FROM testapp_token; DROP TABLE x'",
    "CREATE TEMPORARY TABLE own (id int)",
    "INSERT INTO own VALUES (1)",
    "DROP TEMPORARY TABLE own",
    "UPDATE testapp_box SET name = 'REPLACE INTO testapp_box'",
    "SAVEPOINT mine",
    "ROLLBACK TO SAVEPOINT mine",
    "(SELECT 1) UNION (SELECT 2)",
    "WITH a AS (SELECT 1 AS n) SELECT n FROM a",
)


@pytest.fixture
def hook() -> Iterator[Callable[[Callable[[], Any]], None]]:
    """Calls a function whenever a Heard is saved: the hook of somebody's app."""
    receivers: list[Callable[..., None]] = []

    def listen(act: Callable[[], Any]) -> None:
        receivers.append(lambda **_: act())
        post_save.connect(receivers[-1], sender=Heard)

    yield listen
    for receive in receivers:
        post_save.disconnect(receive, sender=Heard)


@pytest.fixture
def sql() -> Iterator[Callable[[str], None]]:
    """Runs a statement; a trigger ``eats`` is dropped afterwards."""
    yield _execute
    _execute("DROP TRIGGER IF EXISTS eats")


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _past_django(statement: str) -> None:
    with connection.connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
def kept() -> Token:
    """A record that nobody may remove."""
    return Token.objects.create(name="kept")


def _assert_nothing_happened() -> None:
    assert list(Token.objects.values_list("name", flat=True)) == ["kept"]
    assert not Heard.objects.exists()
    assert not HeardLog.objects.exists()
    assert Run.objects.get().state == "failed"


@pytest.mark.parametrize(("statement", "named"), REMOVING.items())
def test_a_hook_that_removes_rows_is_refused_at_its_own_line(
    importing: Importer, hook: Callable[..., None], kept: Token, statement: str, named: str
) -> None:
    """However it is spelled; the table is named, and everything is rolled back."""
    hook(lambda: _execute(statement))
    with pytest.raises(DeletionDetected) as caught:
        importing(HeardImport, "name\na\n")
    assert f"{named} was refused: an import never deletes" in str(caught.value)
    _assert_nothing_happened()


@pytest.mark.parametrize("statement", UNSEEN)
def test_a_hook_that_could_delete_or_commit_unseen_is_refused(
    importing: Importer, hook: Callable[..., None], kept: Token, statement: str
) -> None:
    """What can't be read from the statement itself is not sent."""
    hook(lambda: _execute(statement))
    with pytest.raises(DeletionDetected, match="was refused: on MariaDB it could"):
        importing(HeardImport, "name\na\n")
    _assert_nothing_happened()


def test_a_hook_may_ask_add_and_use_temporary_tables(importing: Importer, hook: Callable[..., None]) -> None:
    """A word in a text is no statement."""
    Box.objects.create(name="red")
    hook(lambda: [_execute(statement) for statement in HARMLESS])
    assert importing(HeardImport, "name\na\n").rows.created == 1


def test_a_trigger_that_deletes_is_counted(importing: Importer, sql: Callable[[str], None], kept: Token) -> None:
    """No statement tells of it; the server's counter of this session does."""
    sql("CREATE TRIGGER eats AFTER INSERT ON testapp_thing FOR EACH ROW DELETE FROM testapp_token")
    with pytest.raises(DeletionDetected, match="1 rows were removed"):
        importing(ThingsImport, "code,name\na,x\n")
    assert not Thing.objects.exists()
    _assert_nothing_happened()


def test_a_deletion_past_django_is_counted(importing: Importer, hook: Callable[..., None], kept: Token) -> None:
    """By the driver's own cursor, which no wrapper sees."""
    hook(lambda: _past_django("DELETE FROM testapp_token"))
    with pytest.raises(DeletionDetected, match="1 rows were removed"):
        importing(HeardImport, "name\na\n")
    _assert_nothing_happened()


def test_a_commit_in_the_middle_is_noticed(importing: Importer, hook: Callable[..., None]) -> None:
    """DDL past Django can't be prevented, and commits; the run fails and says what to do."""
    hook(lambda: _past_django("CREATE TABLE made_in_the_middle (id int)"))
    try:
        with pytest.raises(VerificationFailed, match=r"committed in the middle.*restore the backup"):
            importing(HeardImport, "name\na\n")
    finally:
        _execute("DROP TABLE IF EXISTS made_in_the_middle")


def test_the_report_says_prevented_not_proven(importing: Importer) -> None:
    """Where PostgreSQL and SQLite say that it is proven."""
    result = importing(ThingsImport, "code,name\na,x\n")
    assert result.deletions == result.as_dict()["deletions"] == "prevented, not proven"


def test_the_report_for_people_says_so_unasked(tmp_path: Path, backup_root: Path) -> None:
    """It is no detail."""
    path = tmp_path / "things.csv"
    path.write_text("code\na\n", encoding="utf-8")
    done = run(ThingsCommand, "--csv", path, "--no-input")
    assert done.code == 0
    assert re.search(r"Deletions +prevented, not proven", done.out)


def test_a_restriction_of_the_server_is_said_without_its_words(
    importing: Importer, hook: Callable[..., None], kept: Token
) -> None:
    """Its own text quotes the value that stands twice."""
    hook(lambda: Token.objects.create(name="kept"))
    with pytest.raises(Refused) as caught:
        importing(HeardImport, "name\na\n")
    (problem,) = caught.value.problems
    assert "two records would have the same unique key (constraint name, error 1062)" in str(problem)
    assert "'kept'" not in str(problem)
