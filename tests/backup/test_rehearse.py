"""A rehearsal proves that a backup can be restored here, and leaves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection

from safe_import.backup.rehearse import rehearse_restore
from safe_import.backup.write import write_backup
from safe_import.database.tables import tables_of
from safe_import.errors import BackupError
from tests.backup.conftest import content, execute, query

if TYPE_CHECKING:
    from collections.abc import Callable


def schemas() -> list[object]:
    """Return all there is of tables and schemas."""
    if connection.vendor == "postgresql":
        return query("SELECT oid, relname FROM pg_class WHERE relpersistence <> 't' ORDER BY 1") + query(
            "SELECT oid, nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg_%' ORDER BY 1"
        )
    if connection.vendor == "mysql":
        return query("SELECT table_schema, table_name FROM information_schema.tables ORDER BY 1, 2")
    return query("SELECT name, sql FROM sqlite_schema UNION ALL SELECT name, sql FROM sqlite_temp_schema")


def test_a_rehearsal_compares_every_row_and_leaves_nothing(team: list[str], tables: Callable[..., list[str]]) -> None:
    """Neither a table nor a row, whatever the tables hold now; generated columns and tables without a key included."""
    key = (
        "id integer PRIMARY KEY AUTO_INCREMENT, " if connection.vendor == "mysql" else ""
    )  # without, see tests.mariadb
    tables(bk_extra=f"{key}a integer, b integer GENERATED ALWAYS AS (a * 2) STORED")
    execute("INSERT INTO bk_extra (a) VALUES (1), (1), (NULL)")
    backup = write_backup(connection, [*team, "bk_extra"])
    execute("DELETE FROM bk_player", "UPDATE bk_team SET name = upper(name)")
    before = [content(name) for name in team], schemas()

    rehearse_restore(connection, backup.path)

    assert ([content(name) for name in team], schemas()) == before


def test_a_backup_that_could_not_be_restored_is_found(team: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """When what lands is not what the backup holds."""
    backup = write_backup(connection, team)
    operations = type(tables_of(connection))
    fill = operations.fill

    def fill_badly(self: object, table: object, blocks: object) -> None:
        fill(self, table, (block.replace(b"Ada", b"Eda") for block in blocks))  # type: ignore[arg-type, attr-defined]

    monkeypatch.setattr(operations, "fill", fill_badly)
    before = schemas()
    with pytest.raises(BackupError, match="'bk_player' does not hold what was restored into it"):
        rehearse_restore(connection, backup.path)
    assert schemas() == before


def test_another_schema_is_found_by_a_rehearsal(team: list[str]) -> None:
    """With the same words as by the restore itself."""
    backup = write_backup(connection, team)
    execute("ALTER TABLE bk_team ADD size integer")
    with pytest.raises(BackupError, match="is of another schema"):
        rehearse_restore(connection, backup.path)
