"""One run a table at a time: named locks of the session, which the server frees when the session ends."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from safe_import.errors import LockHeld

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from safe_import.database.dialect import Dialect

_GRACE = 1  # seconds: the session of a client that is gone takes a moment to notice, and to let go of its locks
_HOLDER = """
    SELECT id, user, host, time, if(command = 'Sleep', 'idle', 'at work')
    FROM information_schema.processlist WHERE id = IS_USED_LOCK(%s)"""


@contextmanager
def named_locks(dialect: Dialect, tables: Sequence[str]) -> Iterator[None]:
    """Holds one lock a table, taken in one order so that two runs can't wait for each other."""
    database = dialect.value("SELECT DATABASE()")
    taken: list[str] = []
    try:
        for table in sorted(tables):
            name = _name(database, table)
            if dialect.value("SELECT GET_LOCK(%s, %s)", [name, _GRACE]) != 1:
                raise LockHeld(_held_by(dialect, table, name))
            taken.append(name)
        yield
    finally:
        # A session that was ended holds nothing any more, and what ended it must not be lost behind another failure.
        if not dialect.connection.is_usable():
            dialect.connection.close()
            taken = []
        for name in reversed(taken):
            dialect.value("SELECT RELEASE_LOCK(%s)", [name])


def _name(database: str, table: str) -> str:
    """The names hold for the whole server, and may have 64 characters only."""
    return f"safe_import.{hashlib.sha256(f'{database}.{table}'.encode()).hexdigest()[:40]}"


def _held_by(dialect: Dialect, table: str, name: str) -> str:
    found = dialect.rows(_HOLDER, [name])
    who = "; ".join(f"process {id_} of {user} from {host}, for {s} s {state}" for id_, user, host, s, state in found)
    return f"Another run works on {table}: {who or 'it has just ended'}. Try again when it has finished."
