"""What SQLite's authorizer refuses while a run reads or writes, and the count that proves it.

# Note [Authorizer]
SQLite asks the authorizer when a statement is prepared, for the statements inside triggers too
(https://sqlite.org/c3ref/set_authorizer.html). SQLITE_DENY fails the statement; SQLITE_IGNORE would let it go on
without effect. A REPLACE removes rows without asking, so the witness counts the rows of every table, too: under the
write lock, nobody else can change the counts.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import DatabaseError

from safe_import.database.dialect import NOTHING, Witness
from safe_import.errors import DeletionDetected, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from safe_import.database.dialect import Dialect

_DROPS = {sqlite3.SQLITE_DROP_TABLE, sqlite3.SQLITE_DROP_VTABLE}
_WRITES = {sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE} | _DROPS | {
    sqlite3.SQLITE_CREATE_TABLE, sqlite3.SQLITE_CREATE_INDEX, sqlite3.SQLITE_CREATE_TRIGGER, sqlite3.SQLITE_CREATE_VIEW,
    sqlite3.SQLITE_DROP_INDEX, sqlite3.SQLITE_DROP_TRIGGER, sqlite3.SQLITE_DROP_VIEW, sqlite3.SQLITE_CREATE_VTABLE,
}  # fmt: skip
_REMOVES = {sqlite3.SQLITE_DELETE} | _DROPS

Denied = list[tuple[str, str | None]]  # table, and the trigger it happened in


def _denying(actions: set[int], denied: Denied, may_delete: Collection[str] = ()) -> Callable[..., int]:
    def authorize(action: int, first: str | None, second: str | None, database: str | None, trigger: str | None) -> int:
        # ALTER TABLE names the database first; everything else names it in its place.
        where = first if action == sqlite3.SQLITE_ALTER_TABLE else database
        if action == sqlite3.SQLITE_DELETE and first in may_delete:
            return sqlite3.SQLITE_OK
        if (action in actions or action == sqlite3.SQLITE_ALTER_TABLE) and where not in ("temp", None):
            denied.append(((second if action == sqlite3.SQLITE_ALTER_TABLE else first) or "?", trigger))
            return sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK

    return authorize


@contextmanager
def reading_only(dialect: Dialect) -> Iterator[None]:
    """SQLite refuses every write outside temporary tables."""
    denied: Denied = []
    raw = dialect.connection.connection
    raw.set_authorizer(_denying(_WRITES, denied))
    try:
        yield
    except DatabaseError as error:
        if denied:
            raise Refused(
                f"Something tried to write to {denied[-1][0]} before the plan was made. Nothing was written."
            ) from error
        raise
    finally:
        raw.set_authorizer(None)


@contextmanager
def witness(dialect: Dialect, may_delete: Collection[str]) -> Iterator[Witness]:
    """Guards the data transaction that has just begun. See Note [Authorizer]."""
    denied: Denied = []
    raw = dialect.connection.connection
    guard = SQLiteWitness(dialect)
    raw.set_authorizer(_denying(_REMOVES, denied, may_delete))
    try:
        yield guard
    except DatabaseError as error:
        if denied:
            table, trigger = denied[-1]
            by = f" by the trigger {trigger}" if trigger else ""
            raise DeletionDetected(
                f"A deletion from {table}{by} was refused while the import was writing. Everything was rolled back."
            ) from error
        raise
    finally:
        raw.set_authorizer(None)


class SQLiteWitness(Witness):
    """Rows before + inserted = rows after, for every table."""

    proof = "proven"

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.before = self._counts()

    def assert_nothing_deleted(self, inserted: Mapping[str, int], besides: Mapping[str, int] = NOTHING) -> None:
        """See Witness. Tables that the run did not insert into may have grown by triggers, but not shrunk."""
        after = self._counts()
        guilty = [
            table
            for table, count in self.before.items()
            if after.get(table, -1) < count + inserted.get(table, 0) - besides.get(table, 0)
        ]
        if guilty:
            raise DeletionDetected(
                f"Rows were removed while the import was writing: {', '.join(sorted(guilty))}. Everything was rolled "
                "back. Look for a REPLACE in a trigger or a hook on these tables."
            )

    def _counts(self) -> dict[str, int]:
        tables = self.dialect.rows(
            "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        )
        return {name: self.dialect.value(f"SELECT count(*) FROM main.{self.dialect.quote(name)}") for (name,) in tables}
