"""Kills a backup or a restore at every step, one after the other, and looks at what is left.

    python -m tests.backup.killing backup|restore|prune

Runs on a database of its own, which DATABASE_URL names. Prints how many times it killed.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import django
from django.db import connection

from safe_import import failpoints
from safe_import.backup.prune import prune_backups
from safe_import.backup.restore import restore_backup
from safe_import.backup.store import backup_root, list_backups
from safe_import.backup.verify import verify_backup
from safe_import.backup.write import write_backup
from tests.backup.conftest import content, execute

if TYPE_CHECKING:
    from collections.abc import Callable

TABLES = ["bk_team", "bk_player"]
GOOD = (
    "INSERT INTO bk_team VALUES (1, 'red'), (2, 'green')",
    "INSERT INTO bk_player VALUES (1, 'Ada', 1), (2, 'Bob', 1), (3, 'Cy', 2)",
)
SPOILT = (
    "DELETE FROM bk_player",
    "DELETE FROM bk_team",
    GOOD[0],
    "INSERT INTO bk_player VALUES (1, 'Bob', 2), (9, 'Ada', 2)",
)


def killed_at(step: int, operation: Callable[[], object]) -> bool:
    """Run the operation in a process of its own that dies at a step; returns whether it got that far."""
    connection.close()
    child = os.fork()
    if child == 0:
        failpoints._active = failpoints.Failpoints(step)
        operation()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.waitstatus_to_exitcode(status) == 0
    return False


def main(what: str) -> None:
    """Kill at the first step, the second one, and so on, until there is none left."""
    deferred = "" if connection.vendor == "mysql" else " DEFERRABLE INITIALLY DEFERRED"
    execute(
        "CREATE TABLE bk_team (id integer PRIMARY KEY, name varchar(50) UNIQUE)",
        "CREATE TABLE bk_player (id integer PRIMARY KEY, name varchar(50) UNIQUE,"
        f" team_id integer REFERENCES bk_team (id){deferred})",
        *GOOD,
    )
    good = [content(name) for name in TABLES]
    backup, *_ = [write_backup(connection, TABLES) for _ in range(3)]  # so that there is something to prune
    execute(*SPOILT)
    spoilt = [content(name) for name in TABLES]
    operations: dict[str, Callable[[], object]] = {
        "backup": lambda: write_backup(connection, TABLES),
        "restore": lambda: restore_backup(connection, backup.path, mode="exact"),
        "prune": lambda: prune_backups(keep_last=1, keep_days=0, needed=lambda: {backup.id}),
    }
    kills = 0
    while killed_at(kills + 1, operations[what]):
        kills += 1
        assert [content(name) for name in TABLES] in ([spoilt, good] if what == "restore" else [spoilt]), kills
        assert backup.path.exists(), kills
        for each in list_backups():
            verify_backup(each.path)
        execute(*SPOILT)
        write_backup(connection, TABLES)
        assert not list(Path(backup_root()).glob("*.partial")), kills
    assert [content(name) for name in TABLES] == (good if what == "restore" else spoilt)
    print(kills)  # noqa: T201 - a program


if __name__ == "__main__":
    django.setup()
    main(sys.argv[1])
