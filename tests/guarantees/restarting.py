"""Restarts the server at a commit, as a power cut does, and looks at what is left.

    python -m tests.guarantees.restarting

Runs on a server of its own with the settings of ``SERVER``, which DATABASE_URL names. Prints for each operation and
moment its exit code, whether its message knows what became of it, the state of the newest run after recovery, whether
the data is the new one, and the exit code of the same command again.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import django
from django.core.management import CommandError, call_command
from django.db import connection

from safe_import.failpoints import watching
from tests.runs.killing import FIRST, SECOND, World

if TYPE_CHECKING:
    from collections.abc import Callable

# A commit that has to wait for a standby which does not exist is on the disk, and is answered by nobody.
SERVER = {"synchronous_standby_names": "nobody", "synchronous_commit": "local"}
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


def restart() -> None:
    """Stop the server where it stands, and start it again; it recovers from its log."""
    with closing(connection.copy()) as other, other.cursor() as cursor:
        cursor.execute("SELECT setting, current_setting('data_directory') FROM pg_config WHERE name = 'BINDIR'")
        programs, data = cursor.fetchone()
    subprocess.run(
        [f"{programs}/pg_ctl", "restart", "-D", data, "-m", "immediate", "-w", "-l", f"{data}/restarted.log"],
        check=True, user=Path(data).stat().st_uid, cwd="/",
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def restart_once_committed() -> None:
    """Wait until the commit is on the disk and its answer is not sent, then restart."""
    with closing(connection.copy()) as other, other.cursor() as cursor:
        for _ in range(1000):
            cursor.execute(_WAITING)
            if cursor.fetchone()[0]:
                break
            time.sleep(0.01)
    restart()


def commit_without_answer(others: list[threading.Thread]) -> None:
    """Let the commit that comes next wait for ever, and restart the server meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = on")
    others.append(threading.Thread(target=restart_once_committed))
    others[-1].start()


def outcome(operation: Callable[[], object], act: Callable[[], object] = lambda: None) -> tuple[int, str]:
    """Carry it out, and act when all but the commit is done; return the exit code and how sure the message is."""
    with watching(lambda place: act() if place.endswith(".before_commit") else None):
        try:
            operation()
        except CommandError as error:
            return error.returncode, "unknown" if "went away at the commit" in str(error) else "known"
    return 0, "known"


def main() -> None:
    """An import, an undo and a restore, each before the COMMIT is sent and after it took effect."""
    call_command("migrate", verbosity=0)
    found: dict[str, list[object]] = {}
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        operations = {"import": lambda: world.load(SECOND), "undo": world.undo, "restore": world.restore}
        for name, operation in operations.items():
            for moment in ("before", "after"):
                world.load(FIRST)
                if name != "import":
                    world.load(SECOND)
                old, others = world.content(), list[threading.Thread]()
                act = restart if moment == "before" else lambda others=others: commit_without_answer(others)
                code, certainty = outcome(operation, act)
                for other in others:
                    other.join()
                connection.close()
                world.recover()
                state = world.newest().state
                found[f"{name}, {moment}"] = [code, certainty, state, world.content() != old, outcome(operation)[0]]
    print(json.dumps(found))  # noqa: T201 - a program


if __name__ == "__main__":
    django.setup()
    main()
