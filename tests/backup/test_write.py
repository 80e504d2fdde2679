"""A backup is of one moment, and whole or absent."""

from __future__ import annotations

import errno
import os
import random
import threading
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from django.db import OperationalError, connection

from safe_import.backup import chunks
from safe_import.backup.restore import restore_backup
from safe_import.backup.store import list_backups
from safe_import.backup.verify import verify_backup
from safe_import.backup.write import write_backup
from safe_import.errors import BackupError
from safe_import.failpoints import FailpointReached, failing, watching
from tests.backup.conftest import content, execute, other_connection, query

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_django.fixtures import SettingsWrapper


def transfer(stop: threading.Event) -> None:
    """Move points between two tables, back and forth; their sum is always the same."""
    session = other_connection()
    chance = random.Random(1)
    while not stop.is_set():
        amount = chance.randint(-50, 50)
        cursor = session.cursor()
        cursor.execute("BEGIN IMMEDIATE" if connection.vendor == "sqlite" else "BEGIN")
        cursor.execute(f"UPDATE bk_left SET points = points - ({amount}) WHERE id = {chance.randint(1, 2000)}")
        cursor.execute(f"UPDATE bk_right SET points = points + ({amount}) WHERE id = {chance.randint(1, 2000)}")
        cursor.execute("COMMIT")
    session.close()


def test_all_tables_are_of_one_moment_while_others_write(tables: Callable[..., list[str]]) -> None:
    """Concurrent transfers between two tables: the sum over both is the same in every backup."""
    names = tables(
        bk_left="id integer PRIMARY KEY, points integer NOT NULL",
        bk_right="id integer PRIMARY KEY, points integer NOT NULL",
    )
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT i, 100 FROM n"
    execute(*(f"INSERT INTO {name} {numbers}" for name in names))
    stop = threading.Event()
    writer = threading.Thread(target=transfer, args=[stop])
    writer.start()
    try:
        backups = [write_backup(connection, names) for _ in range(10)]
    finally:
        stop.set()
        writer.join()
    sums, states = set(), set()
    for backup in backups:
        restore_backup(connection, backup.path, mode="exact")
        sums.add(query("SELECT (SELECT sum(points) FROM bk_left) + (SELECT sum(points) FROM bk_right)")[0][0])
        states.add(str(content("bk_left")))
    assert sums == {400_000}
    assert len(states) > 1  # the writer did write


@pytest.mark.postgresql
@pytest.mark.parametrize("change", ["TRUNCATE bk_player", "ALTER TABLE bk_player ALTER points TYPE text"])
def test_nobody_truncates_or_alters_a_table_while_it_is_backed_up(change: str, team: list[str]) -> None:
    """No snapshot stands against these: the table would be backed up empty, and call itself complete."""
    others = other_connection()
    with others.cursor() as cursor:
        cursor.execute("SET lock_timeout = '100ms'")
    refused: list[str] = []

    def attempt(place: str) -> None:
        if place == "backup.chunk_written" and not refused:
            with others.cursor() as cursor, pytest.raises(OperationalError, match="lock timeout"):
                cursor.execute(change)
            refused.append(place)

    with watching(attempt):
        backup = write_backup(connection, team)
    others.close()
    assert refused
    assert backup.tables == {"bk_team": 3, "bk_player": 6}


@pytest.mark.postgresql
def test_a_backup_waits_no_longer_than_the_lock_timeout(team: list[str], settings: SettingsWrapper) -> None:
    """Somebody alters a table for hours: the backup says so instead of hanging."""
    settings.SAFE_IMPORT = {**settings.SAFE_IMPORT, "LOCK_TIMEOUT": 0.1}
    others = other_connection()
    with others.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("LOCK TABLE bk_player IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(BackupError, match="a lock timeout"):
            write_backup(connection, team)
    others.close()
    assert not list_backups()


@pytest.mark.parametrize(
    "error", [FailpointReached("any"), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), MemoryError()]
)
def test_a_failure_at_any_step_leaves_no_backup_or_a_whole_one(
    error: Exception, team: list[str], backup_root: Path
) -> None:
    """Disk full, no memory, or whatever else, at every step one after the other; the older backup stays good."""
    older = write_backup(connection, team)
    before = {name: content(name) for name in team}
    step = 0
    while True:
        step += 1
        with failing(step, error) as points:
            try:
                write_backup(connection, team)
            except (BackupError, FailpointReached, MemoryError) as caught:
                assert caught is error or "No space left on device" in str(caught)  # noqa: PT017
        assert [path.name for path in backup_root.iterdir() if path.name.endswith(".partial")] == []
        for backup in list_backups():
            assert verify_backup(backup.path).id >= older.id
        if len(points.reached) < step:
            break
    assert step > 10
    assert {name: content(name) for name in team} == before
    write_backup(connection, team)


def test_an_fsync_that_fails_ends_the_backup(team: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not repeated: after a failed fsync the kernel may call the pages clean that never reached the disk.

    Whether it is a chunk, the manifest, the directory, or the root, where the backup has its name by then.
    """
    older = write_backup(connection, team)
    fails_at, calls = 0, 0

    def fails_once(_: int) -> None:
        nonlocal calls
        calls += 1
        if calls == fails_at:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fails_once)
    for fails_at in range(1, len(team) + 4):
        calls = 0
        with pytest.raises(BackupError, match="Input/output error"):
            write_backup(connection, team)
        assert calls == fails_at
        assert [backup.id for backup in list_backups()] == [older.id]
        assert [path.name for path in older.path.parent.glob("*.partial")] == []
    calls, fails_at = 0, 0
    write_backup(connection, team)
    assert calls == len(team) + 3


def test_bytes_that_changed_on_their_way_to_the_disk_are_found(
    team: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written is read back before it is called a backup."""
    written = chunks.write_file
    monkeypatch.setattr(chunks, "write_file", lambda path, data: written(path, data[:-1] + b"?"))
    with pytest.raises(BackupError, match=r"bk_team\.jsonl\.zst"):
        write_backup(connection, team)
    assert list_backups() == []


def test_a_large_table_is_cut_into_chunks(tables: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is read back by itself; together they are the table."""
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 3000)
    monkeypatch.setattr(chunks, "_BLOCK", 1000)
    tables(bk_large="id integer PRIMARY KEY, value text")
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i, i FROM n"
    execute(f"INSERT INTO bk_large {numbers}")
    before = content("bk_large")
    backup = write_backup(connection, ["bk_large"])
    [entry] = verify_backup(backup.path).tables
    assert len(entry.chunks) > 2
    assert sum(chunk.rows for chunk in entry.chunks) == entry.rows == 1000
    execute("DELETE FROM bk_large")
    restore_backup(connection, backup.path)
    assert content("bk_large") == before


@pytest.mark.sqlite
@pytest.mark.postgresql
def test_neither_backup_nor_restore_holds_a_table_in_memory(tables: Callable[..., list[str]]) -> None:
    """Thirty million bytes of rows pass through a few blocks, however well they are compressed."""
    tables(bk_large="id integer PRIMARY KEY, value text")
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) SELECT i FROM n"
    execute(f"INSERT INTO bk_large SELECT i, '{'a long note, ' * 77}' || i FROM ({numbers}) n")
    before = content("bk_large")

    tracemalloc.start()
    try:
        backup = write_backup(connection, ["bk_large"])
        for damage in ("DELETE FROM bk_large", "UPDATE bk_large SET value = value || '!'"):
            execute(damage)
            restore_backup(connection, backup.path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10_000_000
    assert content("bk_large") == before


def test_rows_can_be_chosen_by_a_temporary_table(team: list[str]) -> None:
    """For very large tables: only the records that a plan touches."""
    execute("CREATE TEMPORARY TABLE bk_plan (pk bigint)", "INSERT INTO bk_plan VALUES (1), (3)")
    backup = write_backup(connection, team, where={"bk_player": "t.id IN (SELECT pk FROM bk_plan)"})
    execute("DROP TABLE bk_plan")
    assert backup.tables == {"bk_team": 3, "bk_player": 2}
    scopes = {table.name: table.scope for table in verify_backup(backup.path).tables}
    assert scopes == {"bk_team": "all", "bk_player": "rows"}


@pytest.mark.parametrize("names", [["bk_missing"], ["bk_view"], []])
def test_what_is_no_table_is_refused(names: list[str], team: list[str]) -> None:
    """A view holds no rows of its own; a backup of nothing is a mistake."""
    execute("CREATE VIEW bk_view AS SELECT * FROM bk_player")
    try:
        with pytest.raises(
            BackupError, match=r"no table 'bk_missing'|'bk_view' is no ordinary table|nothing to back up"
        ):
            write_backup(connection, names)
    finally:
        execute("DROP VIEW bk_view")
    assert list_backups() == []


def test_errors_of_the_database_do_not_show_values(team: list[str]) -> None:
    """The driver's message may quote a row; ours names its kind."""
    with pytest.raises(BackupError, match="could not be written: ") as caught:
        write_backup(connection, team, where={"bk_player": "no_such_column = 'canary'"})
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None
