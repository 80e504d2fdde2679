"""One run a table at a time: advisory locks of the session, which the server frees when the session ends."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from safe_import.errors import LockHeld

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from safe_import.database.dialect import Dialect

GRACE = 1.0  # seconds: the session of a client that is gone takes a moment to notice, and to let go of its locks
_PAUSE = 0.05
_SPACE = 0x5AFE1  # the first key of our advisory locks; the second is the table's oid

_HOLDER = """
    SELECT a.pid, a.usename, a.application_name, to_char(a.backend_start, 'YYYY-MM-DD HH24:MI:SS TZ')
    FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND l.classid = %s::bigint::oid AND l.objid = %s::regclass::oid
"""

_WRITERS = """
    SELECT DISTINCT a.pid, a.usename, a.application_name, to_char(a.xact_start, 'YYYY-MM-DD HH24:MI:SS TZ'),
      l.relation::regclass::text
    FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'relation' AND l.granted AND l.mode <> 'AccessShareLock' AND l.pid <> pg_backend_pid()
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND l.relation = ANY (SELECT name::regclass FROM unnest(%s) name)
    ORDER BY 4, 1 LIMIT 5
"""


@contextmanager
def advisory_locks(dialect: Dialect, tables: Sequence[str]) -> Iterator[None]:
    """Holds one session lock a table, taken in one order so that two runs can't wait for each other.

    Args:
        dialect: of the session that holds them.
        tables: as ``Meta.db_table`` spells them, capitals and dots included.
    """
    taken: list[str] = []
    try:
        for table in sorted(tables):
            name = dialect.quote(table)
            if not _taken(dialect, name):
                raise LockHeld(_held_by(dialect, table))
            taken.append(name)
        yield
    finally:
        # A session that was ended holds nothing any more, and what ended it must not be lost behind another failure.
        if not dialect.connection.is_usable():
            dialect.connection.close()
            taken = []
        for name in reversed(taken):
            dialect.execute(f"SELECT pg_advisory_unlock({_SPACE}, %s::regclass::oid::bigint::int4)", [name])


def _taken(dialect: Dialect, name: str) -> bool:
    """Whether the lock could be had, now or within a moment."""
    ends = time.monotonic() + GRACE
    while not dialect.value(f"SELECT pg_try_advisory_lock({_SPACE}, %s::regclass::oid::bigint::int4)", [name]):
        if time.monotonic() >= ends:
            return False
        time.sleep(_PAUSE)
    return True


def _held_by(dialect: Dialect, table: str) -> str:
    holders = dialect.rows(_HOLDER, [_SPACE, dialect.quote(table)])
    who = "; ".join(
        f"process {pid} of {user} ({app or 'no name'}), connected {since}" for pid, user, app, since in holders
    )
    return f"Another run works on {table}: {who or 'it has just ended'}. Try again when it has finished."


def holders_of_locks(dialect: Dialect, tables: Sequence[str]) -> list[str]:
    """Return who holds locks on ``tables`` that go with writing, the oldest transaction first."""
    quoted = [dialect.quote(table) for table in tables]
    return [
        f"{user}, process {pid} {f'({application}) ' if application else ''}on {table} since {since}"
        for pid, user, application, since, table in dialect.rows(_WRITERS, [quoted])
    ]
