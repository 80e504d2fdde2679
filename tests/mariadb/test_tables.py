"""What MariaDB's tables and columns are like: engines, collations, types, keys."""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection

from safe_import.backup.restore import restore_backup
from safe_import.backup.write import write_backup
from safe_import.database import dialect
from safe_import.errors import BackupError, GuardUnavailable, Refused, SafeImportError, SpecError
from safe_import.runs.undo import undo
from safe_import.spec import ImportSpec, Link, target
from tests.testapp.models import Box, HeardLog, Node, Thing
from tests.testapp.specs import NamedRow, NodeRow, NodesImport, ThingRow, ThingsImport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.testapp.importing import Importer

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]


class ExactThings(ImportSpec, register=False):
    """Keys that differ in case are different keys."""

    row = ThingRow
    model = Thing
    key = "code"


class LogsImport(ImportSpec, register=False):
    """Records that nothing refers to."""

    row = NamedRow
    model = HeardLog
    key = "name"


@contextmanager
def _altered(change: str, back: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE testapp_thing {change}")
    try:
        yield
    finally:
        Thing.objects.all().delete()
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE testapp_thing {back}")


@pytest.mark.parametrize("dry_run", [True, False], ids=["dry run", "real run"])
def test_a_table_that_can_not_be_rolled_back_is_refused_by_name(importing: Importer, dry_run: bool) -> None:
    """With what to do about it, before anything is read."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE testapp_heardlog ENGINE = MyISAM")
    try:
        with pytest.raises(GuardUnavailable) as caught:
            importing(LogsImport, "name\na\n", dry_run=dry_run)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE testapp_heardlog ENGINE = InnoDB")
    assert "testapp_heardlog is kept by the engine MyISAM" in str(caught.value)
    assert "ALTER TABLE testapp_heardlog ENGINE = InnoDB" in str(caught.value)


def test_a_temporary_table_that_hides_a_target_is_refused(importing: Importer) -> None:
    """What would be written would be gone with the session."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE testapp_box (id bigint)")
    try:
        with pytest.raises(SpecError, match="A temporary table hides the table testapp_box"):
            importing(ThingsImport, "code,box\na,red\n")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TEMPORARY TABLE IF EXISTS testapp_box")


def test_keys_that_the_unique_index_takes_for_the_same_are_reported_by_line(importing: Importer) -> None:
    """The collation ignores case and accents, the spec does not: both lines are named, and nothing is written."""
    with pytest.raises(Refused) as refused:
        importing(ExactThings, "code,name\na,x\nA,y\nb,z\n")
    assert [(problem.line, problem.code) for problem in refused.value.problems] == [
        (2, "not_unique"),
        (3, "not_unique"),
    ]


def test_a_key_that_the_unique_index_takes_for_an_existing_one_is_reported_by_line(importing: Importer) -> None:
    """A record of its own to the spec, but the database would not take it."""
    Thing.objects.create(code="Josée")
    with pytest.raises(Refused) as refused:
        importing(ExactThings, "code,name\njosee,x\n")
    assert [(problem.line, problem.code) for problem in refused.value.problems] == [(2, "not_unique")]
    assert "another thing of the database has the same" in str(refused.value.problems[0])


def test_a_value_that_differs_in_case_alone_is_a_change(importing: Importer) -> None:
    """Although the column's collation takes it for the same; blanks at its end as well."""
    Thing.objects.create(code="a", name="straße", note="x ")
    result = importing(ThingsImport, "code,name,note\na,Straße,x\n")
    assert result.rows.updated == 1
    assert Thing.objects.values_list("name", "note").get() == ("Straße", "x")
    undo(result.run or "")
    assert Thing.objects.values_list("name", "note").get() == ("straße", "x ")


def test_a_key_that_matches_two_records_is_an_error_where_the_collation_lets_them_be(importing: Importer) -> None:
    """Nobody knows which one is meant."""
    exact = "MODIFY code varchar(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL"
    with _altered(exact, "MODIFY code varchar(32) NOT NULL"):
        Thing.objects.create(code="a")
        Thing.objects.create(code="A")
        with pytest.raises(Refused) as refused:
            importing(ThingsImport, "code,name\na,x\n")
    assert [problem.code for problem in refused.value.problems] == ["key_ambiguous"]


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("name varchar(64) CHARACTER SET latin1", "Ω", "refused_by_database"),
        ("name varchar(64) CHARACTER SET utf8mb3", "🙂", "refused_by_database"),
        ("name varchar(3)", "four", "would_be_cut"),
    ],
)
def test_what_the_column_would_cut_or_replace_is_reported_by_line(
    importing: Importer, column: str, value: str, code: str
) -> None:
    """Narrower in the database than in Django; what fits is imported, and stays as it is the second time."""
    with _altered(f"MODIFY {column} NOT NULL", "MODIFY name varchar(64) NOT NULL"):
        with pytest.raises(Refused) as refused:
            importing(ThingsImport, f"code,name\na,fit\nb,{value}\n")
        assert importing(ThingsImport, "code,name\na,fit\n").rows.created == 1
        assert importing(ThingsImport, "code,name\na,fit\n").rows.unchanged == 1
        assert importing(ThingsImport, "code,name\na,Fit\n").rows.updated == 1
    assert [(problem.line, problem.code) for problem in refused.value.problems] == [(3, code)]


def test_links_within_the_file_lead_forward_in_a_circle_and_to_themselves(importing: Importer) -> None:
    """InnoDB judges foreign keys row by row; the run lets it judge them at the end."""
    result = importing(NodesImport, "code,parent\na,c\nb,a\nc,b\nd,d\n")
    assert dict(Node.objects.values_list("code", "parent__code")) == {"a": "c", "b": "a", "c": "b", "d": "d"}
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@foreign_key_checks")
        assert cursor.fetchone() == (1,)
    undo(result.run or "", delete_created=True)
    assert not Node.objects.exists()


def test_the_session_is_afterwards_as_it_was(importing: Importer) -> None:
    """Its modes, limits and collation belong to whoever uses the connection."""
    names = ("sql_mode", "collation_connection", "tx_isolation", "tx_read_only", "foreign_key_checks",
             "innodb_lock_wait_timeout", "lock_wait_timeout", "max_statement_time")  # fmt: skip
    asked = f"SELECT {', '.join(f'@@{name}' for name in names)}"
    before = dialect(connection).rows(asked)
    importing(ThingsImport, "code,name\na,x\n")
    with pytest.raises(Refused):
        importing(ThingsImport, "code,price\nb,x\n")
    assert dialect(connection).rows(asked) == before


def test_keys_step_as_the_server_says(importing: Importer) -> None:
    """Servers that replicate each other give out every n-th number each."""
    with connection.cursor() as cursor:
        cursor.execute("SET auto_increment_increment = 10, auto_increment_offset = 3")
    try:
        importing(ThingsImport, "code\na\nb\nc\n")
        Thing.objects.create(code="d")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET auto_increment_increment = 1, auto_increment_offset = 1")
    keys = list(Thing.objects.order_by("code").values_list("pk", flat=True))
    assert [key % 10 for key in keys] == [3] * 4
    assert keys == sorted(keys)
    assert [b - a for a, b in itertools.pairwise(keys)] == [10] * 3


def test_a_type_without_a_text_form_is_refused_by_name(backup_root: Any) -> None:
    """A backup that could not be restored bit for bit is none."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE odd (id int PRIMARY KEY, place point)")
    try:
        with pytest.raises(BackupError, match=r"odd\.place is of the type point, which is not supported on MariaDB"):
            write_backup(connection, ["odd"])
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE odd")


@pytest.mark.parametrize(
    ("attribute", "value", "reason"),
    [("mysql_is_mariadb", False, "MySQL is not supported"), ("mysql_version", (10, 5, 9), "from version 10.6 on")],
)
def test_other_servers_are_refused_with_the_reason(attribute: str, value: Any, reason: str) -> None:
    """Before anything is read."""
    other = connection.copy()
    setattr(other, attribute, value)
    try:
        with pytest.raises(GuardUnavailable, match=reason):
            dialect(other)
    finally:
        other.close()


class SavedNodes(ImportSpec, register=False):
    """Saved one by one."""

    row = NodeRow

    @target(Node, key="code", write="save", links={"parent": Link("self", "code")})
    def nodes(self, row: Any) -> Iterator[Any]:
        """The node."""
        yield row.brought("code", "parent")


def test_with_save_a_record_must_stand_behind_those_that_it_links_to(importing: Importer) -> None:
    """InnoDB judges each as it is saved; nothing is written, and in the right order everything is."""
    with pytest.raises(SafeImportError) as failed:
        importing(SavedNodes, "code,parent\na,b\nb,\n")
    assert "a record would refer to one that does not exist" in str(failed.value)
    assert not Node.objects.exists()
    assert importing(SavedNodes, "code,parent\nb,\na,b\n").rows.created == 2


def test_rows_without_a_key_are_backed_up_but_restored_into_an_empty_table_alone(backup_root: Any) -> None:
    """MariaDB numbers no rows, so equal ones can't be told apart."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE keyless (a int)")
        cursor.execute("INSERT INTO keyless VALUES (1), (1), (NULL)")
    try:
        backup = write_backup(connection, ["keyless"])
        with pytest.raises(BackupError, match="'keyless' has no key by which its rows could be told apart"):
            restore_backup(connection, backup.path)
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM keyless")
        restore_backup(connection, backup.path)
        assert dialect(connection).rows("SELECT a, count(*) FROM keyless GROUP BY a ORDER BY a") == [(None, 1), (1, 2)]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE keyless")


def test_a_table_with_triggers_is_not_restored(importing: Importer) -> None:
    """They can't be switched off inside a transaction, and would rewrite what is restored."""
    result = importing(ThingsImport, "code\na\n")
    backup = write_backup(connection, [Thing._meta.db_table])
    with connection.cursor() as cursor:
        cursor.execute("CREATE TRIGGER stamps BEFORE UPDATE ON testapp_thing FOR EACH ROW SET NEW.note = 'stamped'")
    try:
        with pytest.raises(BackupError, match="has triggers, which MariaDB can't switch off for a restore: stamps"):
            restore_backup(connection, backup.path)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER stamps")
    assert result.rows.created == 1


def test_records_of_a_table_are_looked_up_by_an_index_made_for_it() -> None:
    """Else each would be looked for among all, which takes the square of the time."""
    d = dialect(connection)
    d.create_temp("si_one", {"id": "bigint", "k": d.key_type})
    d.write_rows("si_one", ("id", "k"), [(1, "a"), (2, "b")])
    key, table = d.folded_column("t.name", casefold=False), d.table(Box)
    one = d.temp("si_one")
    [pairs] = d.pairs(
        f"SELECT * FROM {one}",
        "s.k",
        f"SELECT {key} AS si_key, t.id FROM {table} t",
        wanted=f"SELECT k FROM {one}",
        paired="",
    )
    steps = d.rows(f"EXPLAIN SELECT t.id FROM {pairs}")
    d.drop_temp(["si_one"])
    assert any("<derived" in str(step) and "key0" in step for step in steps)
