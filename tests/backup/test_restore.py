"""A restore brings back what the backup has, all or nothing, and touches nothing else."""

from __future__ import annotations

import errno
import os
import shutil
from typing import TYPE_CHECKING

import pytest
from django.db import DatabaseError, OperationalError, connection, connections, transaction
from django.db.migrations.recorder import MigrationRecorder

from safe_import.backup.format import MANIFEST, parse, render
from safe_import.backup.load import Restored
from safe_import.backup.restore import restore_backup
from safe_import.backup.store import list_backups
from safe_import.backup.verify import verify_backup
from safe_import.backup.write import write_backup
from safe_import.database import dialect
from safe_import.database.tables import tables_of
from safe_import.errors import BackupError, LockHeld, Refused
from safe_import.failpoints import FailpointReached, failing, watching
from tests.backup.conftest import content, execute, other_connection, query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from safe_import.backup.format import Manifest

SPOIL = (
    "DELETE FROM bk_player WHERE name = 'Flo'",
    "UPDATE bk_player SET points = 99 WHERE name = 'Ada'",
    "INSERT INTO bk_player (name, team_id) VALUES ('Gus', 1)",
)


def both(names: list[str]) -> list[list[object]]:
    return [content(name) for name in names]


def test_upsert_brings_back_missing_and_changed_rows_and_deletes_none(team: list[str]) -> None:
    """What was added since stays."""
    backup = write_backup(connection, team)
    execute(*SPOIL)

    result = restore_backup(connection, backup.path)

    assert result.tables == {"bk_team": Restored(0, 0, 0, 3), "bk_player": Restored(1, 1, 0, 4)}
    names = {name for (name,) in query("SELECT name FROM bk_player")}
    assert names == {"Ada", "Bob", "Cy", "Di", "Eve", "Flo", "Gus"}
    assert query("SELECT points FROM bk_player WHERE name = 'Ada'") == [(1,)]


def test_exact_also_removes_what_the_backup_does_not_have(team: list[str]) -> None:
    """Afterwards the tables are the backup, bit for bit."""
    before = both(team)
    backup = write_backup(connection, team)
    execute(*SPOIL, "INSERT INTO bk_team (name) VALUES ('pink')", "UPDATE bk_player SET team_id = 4 WHERE name = 'Gus'")

    result = restore_backup(connection, backup.path, mode="exact")

    assert result.tables == {"bk_team": Restored(0, 0, 1, 3), "bk_player": Restored(1, 1, 1, 4)}
    assert both(team) == before


def test_a_dry_run_counts_the_same_and_changes_nothing(team: list[str]) -> None:
    """No row, no backup of the state before, no sequence."""
    backup = write_backup(connection, team)
    execute(*SPOIL)
    spoilt = both(team)

    counted = restore_backup(connection, backup.path, mode="exact", dry_run=True)

    assert both(team) == spoilt
    assert [each.id for each in list_backups()] == [backup.id]
    assert restore_backup(connection, backup.path, mode="exact").tables == counted.tables


def test_the_state_before_is_kept_and_leads_back(team: list[str]) -> None:
    """The backup that a restore takes holds exactly what it replaced."""
    backup = write_backup(connection, team)
    execute(*SPOIL)
    spoilt = both(team)

    result = restore_backup(connection, backup.path, mode="exact")

    assert result.before is not None
    assert result.before.name == f"before restoring {backup.id}"
    restore_backup(connection, result.before.path, mode="exact")
    assert both(team) == spoilt


def test_only_the_named_tables_are_restored(team: list[str]) -> None:
    """The others keep what they have."""
    backup = write_backup(connection, team)
    execute("UPDATE bk_team SET name = upper(name)", "UPDATE bk_player SET points = 0")
    teams = content("bk_team")

    result = restore_backup(connection, backup.path, tables=["bk_player"])

    assert list(result.tables) == ["bk_player"]
    assert content("bk_team") == teams
    with pytest.raises(BackupError, match="holds no table 'bk_payer'; it has bk_team, bk_player"):
        restore_backup(connection, backup.path, tables=["bk_payer"])


def test_unique_values_that_changed_places_come_back(team: list[str]) -> None:
    """Row by row each update would collide with the other row."""
    before = both(team)
    backup = write_backup(connection, team)
    execute(
        "UPDATE bk_player SET name = 'x' WHERE name = 'Ada'",
        "UPDATE bk_player SET name = 'Ada' WHERE name = 'Bob'",
        "UPDATE bk_player SET name = 'Bob' WHERE name = 'x'",
    )
    restore_backup(connection, backup.path)
    assert both(team) == before


def test_a_row_that_stands_in_the_way_is_named_by_constraint_only(team: list[str]) -> None:
    """Somebody else has the unique value now: nothing is restored, and the message does not show the value."""
    backup = write_backup(connection, team)
    execute("DELETE FROM bk_player WHERE name = 'Flo'", "INSERT INTO bk_player (name) VALUES ('Flo')")
    spoilt = both(team)
    with pytest.raises(BackupError, match="a row stands in the way") as caught:
        restore_backup(connection, backup.path)
    assert "Flo" not in str(caught.value)
    assert caught.value.__cause__ is None
    named = {
        "postgresql": "constraint bk_player_name_key",
        "sqlite": "UNIQUE constraint failed: bk_player.name",
        "mysql": "constraint name",
    }[connection.vendor]
    assert named in str(caught.value)
    assert both(team) == spoilt
    restore_backup(connection, backup.path, mode="exact")


def test_sequences_advance_and_are_never_rewound(team: list[str]) -> None:
    """The next number is above every number of the backup and every number ever given out."""
    execute(
        "INSERT INTO bk_player (name) VALUES ('Hal')", "DELETE FROM bk_player WHERE name = 'Hal'"
    )  # number 7 is used
    backup = write_backup(connection, team)
    rewind = {
        "postgresql": "ALTER TABLE bk_player ALTER id RESTART",
        "sqlite": "DELETE FROM sqlite_sequence WHERE name = 'bk_player'",
        "mysql": "ALTER TABLE bk_player AUTO_INCREMENT = 1",
    }[connection.vendor]
    execute("DELETE FROM bk_player", rewind)

    restore_backup(connection, backup.path)
    execute("INSERT INTO bk_player (name) VALUES ('Ida')")
    assert query("SELECT id FROM bk_player WHERE name = 'Ida'") == [(8,)]

    for _ in range(3):
        execute("DELETE FROM bk_player WHERE name = 'Ida'", "INSERT INTO bk_player (name) VALUES ('Ida')")
    restore_backup(connection, backup.path, mode="exact")
    execute("INSERT INTO bk_player (name) VALUES ('Jo')")
    assert query("SELECT id FROM bk_player WHERE name = 'Jo'") == [(12,)]


@pytest.mark.postgresql
@pytest.mark.sqlite
def test_triggers_rewrite_nothing_that_is_restored_and_work_afterwards(team: list[str], is_postgresql: bool) -> None:
    """A trigger that stamps rows would otherwise change what the backup holds."""
    if is_postgresql:
        execute(
            "CREATE FUNCTION bk_stamp() RETURNS trigger LANGUAGE plpgsql"
            " AS 'BEGIN NEW.points := 1000; RETURN NEW; END'",
            "CREATE TRIGGER bk_stamp BEFORE UPDATE ON bk_player FOR EACH ROW EXECUTE FUNCTION bk_stamp()",
            "CREATE TRIGGER bk_off BEFORE UPDATE ON bk_player FOR EACH ROW EXECUTE FUNCTION bk_stamp()",
            "ALTER TABLE bk_player DISABLE TRIGGER bk_off",
        )
    else:
        execute(
            "CREATE TRIGGER bk_stamp AFTER UPDATE OF name ON bk_player"
            " BEGIN UPDATE bk_player SET points = 1000 WHERE id = NEW.id; END"
        )
    before = both(team)
    backup = write_backup(connection, team)
    execute("UPDATE bk_player SET name = upper(name)")
    state = (
        "SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal"
        if is_postgresql
        else ("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
    )
    triggers = query(f"{state} ORDER BY 1")

    restore_backup(connection, backup.path)

    assert both(team) == before
    assert query(f"{state} ORDER BY 1") == triggers
    execute("UPDATE bk_player SET name = 'Ada' WHERE name = 'Ada'")
    assert query("SELECT points FROM bk_player WHERE name = 'Ada'") == [(1000,)]
    if is_postgresql:
        execute("DROP FUNCTION bk_stamp CASCADE")


@pytest.mark.postgresql
@pytest.mark.parametrize("event", ["UPDATE", "INSERT"])
def test_what_did_not_land_is_found_before_the_commit(event: str, team: list[str]) -> None:
    """A rule swallows the write without a word; the rows are read again and compared."""
    backup = write_backup(connection, team)
    execute(*SPOIL, f"CREATE RULE bk_rule AS ON {event} TO bk_player DO INSTEAD NOTHING")
    spoilt = both(team)
    with pytest.raises(BackupError, match="'bk_player' does not hold what was restored into it"):
        restore_backup(connection, backup.path)
    assert both(team) == spoilt


def test_foreign_keys_in_a_circle_and_to_the_same_table_are_restored(tables: Callable[..., list[str]]) -> None:
    """Deferrable ones wait for the end; a table that points to itself is written in one statement."""
    tables(
        bk_a="id integer PRIMARY KEY, b_id integer, parent_id integer REFERENCES bk_a (id)",
        bk_b="id integer PRIMARY KEY, a_id integer NOT NULL REFERENCES bk_a (id) DEFERRABLE INITIALLY DEFERRED",
    )
    if connection.vendor == "postgresql":
        execute("ALTER TABLE bk_a ADD FOREIGN KEY (b_id) REFERENCES bk_b (id) DEFERRABLE")
    execute(
        "INSERT INTO bk_a VALUES (1, NULL, NULL), (2, NULL, 1)",
        "INSERT INTO bk_b VALUES (1, 1), (2, 2)",
        "UPDATE bk_a SET b_id = id, parent_id = 3 - id",
    )
    before = both(["bk_a", "bk_b"])
    backup = write_backup(connection, ["bk_a", "bk_b"])
    with transaction.atomic():
        if connection.vendor == "postgresql":
            execute("SET CONSTRAINTS ALL DEFERRED")
        if connection.vendor == "mysql":
            execute("UPDATE bk_a SET parent_id = NULL")
        execute("DELETE FROM bk_b", "DELETE FROM bk_a")
    restore_backup(connection, backup.path)
    assert both(["bk_a", "bk_b"]) == before
    execute("INSERT INTO bk_a VALUES (3, NULL, NULL)")
    restore_backup(connection, backup.path, mode="exact")
    assert both(["bk_a", "bk_b"]) == before


@pytest.mark.postgresql
def test_foreign_keys_in_a_circle_that_can_not_wait_are_refused(tables: Callable[..., list[str]]) -> None:
    """With the way out: one of them made deferrable."""
    tables(
        bk_a="id integer PRIMARY KEY, b_id integer", bk_b="id integer PRIMARY KEY, a_id integer REFERENCES bk_a (id)"
    )
    execute("ALTER TABLE bk_a ADD CONSTRAINT bk_circle FOREIGN KEY (b_id) REFERENCES bk_b (id)")
    backup = write_backup(connection, ["bk_a", "bk_b"])
    with pytest.raises(BackupError, match="form a cycle and can't be deferred: make one of them DEFERRABLE"):
        restore_backup(connection, backup.path)


def test_a_row_whose_foreign_key_finds_nothing_rolls_all_back(team: list[str]) -> None:
    """The violation is found before anything is committed."""
    backup = write_backup(connection, team)
    execute("DELETE FROM bk_player", "DELETE FROM bk_team")
    with pytest.raises(BackupError, match=r"a row refers to nothing: .* Restore the tables that it refers to as well"):
        restore_backup(connection, backup.path, tables=["bk_player"])
    assert both(team) == [[], []]


def test_exact_is_refused_where_it_would_change_a_table_outside(
    team: list[str], tables: Callable[..., list[str]]
) -> None:
    """ON DELETE CASCADE would reach a table that the restore does not hold."""
    tables(bk_medal="id integer PRIMARY KEY, player_id bigint REFERENCES bk_player (id) ON DELETE CASCADE")
    backup = write_backup(connection, team)
    with pytest.raises(BackupError, match="exact would change table 'bk_medal' too"):
        restore_backup(connection, backup.path, mode="exact")
    restore_backup(connection, backup.path)


def test_exact_is_refused_for_a_backup_of_some_rows(team: list[str]) -> None:
    """It would delete all the rows that were never asked for. Upsert brings the others back."""
    before = content("bk_player")
    backup = write_backup(connection, ["bk_player"], where={"bk_player": "t.points > 3"})
    execute("UPDATE bk_player SET points = 0 WHERE points > 3")
    assert backup.tables == {"bk_player": 3}
    with pytest.raises(BackupError, match="holds only some rows of table 'bk_player'"):
        restore_backup(connection, backup.path, mode="exact")
    restore_backup(connection, backup.path)
    assert content("bk_player") == before


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            "ALTER TABLE bk_team ADD size integer",
            r"table bk_team: column size \((?i:integer|int\(11\))\) was added after the backup",
        ),
        (
            "ALTER TABLE bk_team RENAME COLUMN name TO title",
            r"table bk_team: column name \(.*varying.50.|.*varchar.50..*\) is not",
        ),
        ("CREATE UNIQUE INDEX bk_more ON bk_player (points)", "table bk_player: constraint bk_more was added"),
        ("DROP TABLE bk_player", "there is no table 'bk_player'"),
    ],
)
def test_another_schema_is_refused_with_the_difference(change: str, line: str, team: list[str]) -> None:
    """Before anything is written, and in words."""
    backup = write_backup(connection, team)
    execute(change)
    with pytest.raises(BackupError, match=line):
        restore_backup(connection, backup.path)
    assert [each.id for each in list_backups()] == [backup.id]


@pytest.mark.postgresql
@pytest.mark.parametrize(
    ("change", "line"),
    [
        ("ALTER TABLE bk_team ALTER name TYPE text", r"column name was character varying\(50\), now it is text"),
        ("ALTER TABLE bk_team ALTER name DROP NOT NULL", "column name could not be null, now it is the other way"),
        ("ALTER TABLE bk_player DROP CONSTRAINT bk_player_pkey", r"the key was \(id\), now it is \(name\)"),
        ("ALTER TABLE bk_player ADD CHECK (points > 0)", "constraint bk_player_points_check was added"),
    ],
)
def test_changes_of_type_key_and_check_are_refused(change: str, line: str, team: list[str]) -> None:
    """Of each column the type and the nullability count, of each table the key and the constraints."""
    backup = write_backup(connection, team)
    execute(change)
    with pytest.raises(BackupError, match=line):
        restore_backup(connection, backup.path)


def test_added_columns_can_be_left_alone_when_asked_for(team: list[str]) -> None:
    """They keep what they hold; one that must be filled is refused all the same."""
    backup = write_backup(connection, team)
    execute("ALTER TABLE bk_team ADD size integer", "UPDATE bk_team SET size = id, name = upper(name)")
    execute("DELETE FROM bk_team WHERE id = 3 AND 1 = 0", "UPDATE bk_player SET points = 0")

    restore_backup(connection, backup.path, allow_added_columns=True)

    assert query("SELECT name, size FROM bk_team ORDER BY id") == [("red", 1), ("green", 2), ("blue", 3)]
    assert query("SELECT sum(points) FROM bk_player") == [(18,)]


@pytest.mark.postgresql
def test_an_added_column_that_must_be_filled_is_refused(team: list[str]) -> None:
    """There is nothing to fill it with."""
    backup = write_backup(connection, team)
    execute("ALTER TABLE bk_team ADD size integer NOT NULL DEFAULT 0", "ALTER TABLE bk_team ALTER size DROP DEFAULT")
    with pytest.raises(BackupError, match=r"column size \(integer, not null\) was added"):
        restore_backup(connection, backup.path, allow_added_columns=True)


def rewritten(path: Path, **values: object) -> Path:
    """Edit a manifest as its writer would, hash included."""
    manifest: Manifest = parse((path / MANIFEST).read_bytes(), path)
    (path / MANIFEST).write_bytes(render(manifest.model_copy(update=values)))
    return path


@pytest.fixture
def later_migration(transactional_db: None) -> Iterator[None]:
    """One more migration of the test app than the code has."""
    recorder = MigrationRecorder(connection)
    recorder.record_applied("testapp", "9999_later")
    yield
    recorder.record_unapplied("testapp", "9999_later")


def test_a_newer_database_is_refused_and_its_migrations_are_named(
    team: list[str], later_migration: None, backup_root: Path
) -> None:
    """A migration is a change of meaning, even where the columns are the same; other apps' tables have none of it."""
    path = rewritten(write_backup(connection, ["testapp_box", *team]).path, migrations=[])
    with pytest.raises(BackupError, match=r"migration testapp\.9999_later was applied after the backup"):
        restore_backup(connection, path)
    restore_backup(connection, path, tables=team)
    restore_backup(connection, path, allow_added_columns=True)


def test_an_older_database_is_refused_whatever_is_allowed(later_migration: None, backup_root: Path) -> None:
    """What the backup has may have no place here."""
    path = write_backup(connection, ["testapp_box"]).path
    MigrationRecorder(connection).record_unapplied("testapp", "9999_later")
    with pytest.raises(BackupError, match=r"migration testapp\.9999_later is in the backup, but not applied here"):
        restore_backup(connection, path, allow_added_columns=True)


def test_a_backup_of_another_vendor_is_refused(team: list[str]) -> None:
    """The text of a value means another thing there."""
    backup = write_backup(connection, team)
    database = verify_backup(backup.path).database.model_copy(update={"vendor": "oracle"})
    with pytest.raises(BackupError, match=f"is of a oracle database, this one is {connection.vendor}"):
        restore_backup(connection, rewritten(backup.path, database=database))


def test_a_restore_waits_for_no_run_and_refuses(team: list[str]) -> None:
    """While an import works on a table, nobody restores it."""
    backup = write_backup(connection, team)
    other = connections.create_connection("default")
    try:
        with dialect(other).run_lock(["bk_team"], "an import"), pytest.raises(LockHeld):
            restore_backup(connection, backup.path)
    finally:
        other.close()


def test_names_in_capitals_are_restored(tables: Callable[..., list[str]]) -> None:
    """Wherever a table is named: in SQL, in a lock, in a file."""
    quoted = connection.ops.quote_name("Bk_Capital")
    tables(**{quoted: "id integer PRIMARY KEY"})
    execute(f"INSERT INTO {quoted} VALUES (1)")
    backup = write_backup(connection, ["Bk_Capital"])
    execute(f"DELETE FROM {quoted}")
    restore_backup(connection, backup.path)
    assert query(f"SELECT id FROM {quoted}") == [(1,)]


def test_the_database_itself_refuses_writes_of_a_dry_run(team: list[str]) -> None:
    """Not only our care."""

    def write_in_a_dry_run() -> None:
        operations = tables_of(connection)
        with operations.counting():
            operations.forbid_writes()
            execute("DELETE FROM bk_player")

    before = both(team)
    with pytest.raises((DatabaseError, Refused)):
        write_in_a_dry_run()
    assert both(team) == before


@pytest.mark.postgresql
@pytest.mark.parametrize("place", ["restore.backed_up", "restore.updated", "restore.before_commit"])
def test_a_session_that_is_terminated_leaves_all_as_it_was(place: str, team: list[str]) -> None:
    """The administrator ends it, or the server restarts; over a new connection the same command works."""
    backup = write_backup(connection, team)
    good = both(team)
    execute(*SPOIL)
    spoilt = both(team)
    other = other_connection()

    def terminate(reached: str) -> None:
        if reached == place:
            with other.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])

    with watching(terminate), pytest.raises(BackupError, match="the restore was rolled back: "):
        restore_backup(connection, backup.path, mode="exact")
    other.close()
    connection.close()
    assert both(team) == spoilt
    restore_backup(connection, backup.path, mode="exact")
    assert both(team) == good


@pytest.mark.parametrize(
    "error", [FailpointReached("any"), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), MemoryError()]
)
def test_a_failure_at_any_step_leaves_all_as_it_was(error: Exception, team: list[str], backup_root: Path) -> None:
    """For N = 1 until it is committed: a full disk, no memory, or whatever else; the same restore works then."""
    good = both(team)
    backup = write_backup(connection, team)
    execute(*SPOIL)
    spoilt = both(team)
    for step in range(1, 100):
        with failing(step, error) as points, pytest.raises((BackupError, type(error))):
            restore_backup(connection, backup.path, mode="exact")
        assert not list(backup_root.glob("*.partial"))
        if points.reached[-1] == "restore.committed":
            break
        assert both(team) == spoilt, points.reached[-1]
    assert step > 20
    assert both(team) == good
    assert restore_backup(connection, backup.path).tables["bk_player"] == Restored(0, 0, 0, 6)


def test_a_backup_that_was_damaged_changes_nothing(team: list[str]) -> None:
    """Every hash is compared before the restore begins."""
    backup = write_backup(connection, team)
    execute(*SPOIL)
    spoilt = both(team)
    chunk = backup.path / "bk_player.jsonl.zst"
    chunk.write_bytes(chunk.read_bytes()[:-1])
    with pytest.raises(BackupError, match=r"bk_player\.jsonl\.zst: it is \d+ bytes long"):
        restore_backup(connection, backup.path)
    assert both(team) == spoilt
    shutil.rmtree(backup.path)


def test_neither_backup_nor_restore_joins_a_transaction(team: list[str]) -> None:
    """Its snapshot would not be ours, and its end neither."""
    backup = write_backup(connection, team)
    with transaction.atomic():
        with pytest.raises(BackupError, match="outside of any atomic block"):
            write_backup(connection, team)
        with pytest.raises(BackupError, match="outside of any atomic block"):
            restore_backup(connection, backup.path)


def test_nobody_else_writes_between_the_look_and_the_commit(team: list[str]) -> None:
    """What the backup of the state before has not seen can't be overwritten."""
    backup = write_backup(connection, team)
    writer = other_connection()
    with writer.cursor() as cursor:
        limit = {
            "postgresql": "SET lock_timeout = '100ms'",
            "sqlite": "PRAGMA busy_timeout = 100",
            "mysql": "SET innodb_lock_wait_timeout = 1",
        }
        cursor.execute(limit[connection.vendor])
    refused: list[str] = []

    def write(place: str) -> None:
        try:
            with writer.cursor() as cursor:
                cursor.execute("UPDATE bk_player SET points = 7")
        except OperationalError:
            refused.append(place)

    with watching(lambda place: write(place) if place in ("restore.locked", "restore.before_commit") else None):
        restore_backup(connection, backup.path)
    writer.close()
    assert refused == ["restore.locked", "restore.before_commit"]


def test_others_read_while_a_restore_writes(team: list[str]) -> None:
    """Readers see the state before until the commit; they never wait."""
    backup = write_backup(connection, team)
    execute(*SPOIL)
    reader = other_connection()
    seen: list[int] = []

    def look(place: str) -> None:
        if place == "restore.before_commit":
            cursor = reader.cursor()
            cursor.execute("SELECT count(*) FROM bk_player WHERE name = 'Flo'")
            seen.append(cursor.fetchone()[0])

    with watching(look):
        restore_backup(connection, backup.path)
    reader.close()
    assert seen == [0]
