"""What SQLite's authorizer refuses while a run reads or writes, and the count that proves it.

# Note [Authorizer]
SQLite asks the authorizer when a statement is prepared, for the statements inside triggers too
(https://sqlite.org/c3ref/set_authorizer.html). SQLITE_DENY fails the statement; SQLITE_IGNORE would let it go on
without effect. A REPLACE removes rows without asking, so triggers and tables that are declared with one are refused
where they would be used, and the witness counts the rows of every table, too: under the write lock, nobody else can
change the counts. The shadow tables in which a virtual table keeps itself (a full-text index, say) are its own affair;
what counts is the virtual table.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import DatabaseError

from safe_import.database.dialect import NOTHING, Witness
from safe_import.database.fields import column_name, pk_of
from safe_import.errors import DeletionDetected, Refused, VerificationFailed
from safe_import.records import PROVEN

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from django.db import models

    from safe_import.database.dialect import Dialect

_DROPS = {sqlite3.SQLITE_DROP_TABLE, sqlite3.SQLITE_DROP_VTABLE}
_WRITES = {sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE} | _DROPS | {
    sqlite3.SQLITE_CREATE_TABLE, sqlite3.SQLITE_CREATE_INDEX, sqlite3.SQLITE_CREATE_TRIGGER, sqlite3.SQLITE_CREATE_VIEW,
    sqlite3.SQLITE_DROP_INDEX, sqlite3.SQLITE_DROP_TRIGGER, sqlite3.SQLITE_DROP_VIEW, sqlite3.SQLITE_CREATE_VTABLE,
}  # fmt: skip
_REMOVES = {sqlite3.SQLITE_DELETE, sqlite3.SQLITE_DROP_INDEX, sqlite3.SQLITE_DROP_TRIGGER} | _DROPS
_MAKES_TRIGGERS = {sqlite3.SQLITE_CREATE_TRIGGER, sqlite3.SQLITE_CREATE_TEMP_TRIGGER}
_SCHEMA = "sqlite_master"  # every DROP asks first whether it may delete from it, and then by its own name
_ADDS = {sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE}
_REPLACES = re.compile(r"\bOR\s+REPLACE\b|\bREPLACE\s+INTO\b|\bON\s+CONFLICT\s+REPLACE\b", re.IGNORECASE)

Denied = list[tuple[str, str | None]]  # table, and the trigger it happened in
Authorizer = Callable[[int, str | None, str | None, str | None, str | None], int]


def _denying(
    actions: set[int], denied: Denied, may_delete: Collection[str] = (), replacing: Collection[str] = ()
) -> Authorizer:
    def authorize(action: int, first: str | None, second: str | None, database: str | None, trigger: str | None) -> int:
        # ALTER TABLE names the database first; everything else names it in its place.
        where = first if action == sqlite3.SQLITE_ALTER_TABLE else database
        if action == sqlite3.SQLITE_DELETE and first in may_delete:
            return sqlite3.SQLITE_OK
        if action in _ADDS and (first in replacing or trigger in replacing):
            denied.append((first or "?", trigger))
            return sqlite3.SQLITE_DENY
        if (action in actions or action == sqlite3.SQLITE_ALTER_TABLE) and where not in ("temp", None):
            denied.append(((second if action == sqlite3.SQLITE_ALTER_TABLE else first) or "?", trigger))
            return sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK

    return authorize


def _keeping_keys(targets: Collection[type[models.Model]], rewritten: Denied, otherwise: Authorizer) -> Authorizer:
    """Refuse every statement that sets the primary key of a target, wherever it stands."""
    keys = {(model._meta.db_table.lower(), column_name(pk_of(model)).lower()) for model in targets}

    def authorize(action: int, first: str | None, second: str | None, database: str | None, trigger: str | None) -> int:
        if action == sqlite3.SQLITE_UPDATE and ((first or "").lower(), (second or "").lower()) in keys:
            rewritten.append((first or "?", trigger))
            return sqlite3.SQLITE_DENY
        return otherwise(action, first, second, database, trigger)

    return authorize


def _making_no_triggers(made: Denied, otherwise: Authorizer) -> Authorizer:
    """Refuse every new trigger: what it does was not looked at when the others were."""

    def authorize(action: int, first: str | None, second: str | None, database: str | None, trigger: str | None) -> int:
        if action in _MAKES_TRIGGERS:
            made.append((first or "?", trigger))
            return sqlite3.SQLITE_DENY
        return otherwise(action, first, second, database, trigger)

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
def witness(
    dialect: Dialect, may_delete: Collection[str], targets: Collection[type[models.Model]]
) -> Iterator[Witness]:
    """Guards the data transaction that has just begun. See Note [Authorizer]."""
    denied, rewritten, made = Denied(), Denied(), Denied()
    raw = dialect.connection.connection
    guard = SQLiteWitness(dialect)
    may_delete = {*may_delete, *_shadow_tables(dialect), _SCHEMA}
    removing = _denying(_REMOVES, denied, may_delete, _replacing(dialect))
    raw.set_authorizer(_making_no_triggers(made, _keeping_keys(targets, rewritten, removing)))
    try:
        yield guard
    except (DatabaseError, sqlite3.DatabaseError) as error:  # the latter when a hook goes around Django
        if rewritten:
            table, trigger = rewritten[-1]
            by = f" by the trigger {trigger}" if trigger else ""
            raise VerificationFailed(
                f"Records of {table} were to get another primary key{by} while the import was writing. Everything was "
                "rolled back. Look for a trigger or a hook that rewrites it."
            ) from error
        if made:
            raise DeletionDetected(
                f"The trigger {made[-1][0]} was to be made while the import was writing, and nobody has looked at what "
                "it removes. Everything was rolled back. Make triggers in a migration."
            ) from error
        if denied:
            table, trigger = denied[-1]
            by = f" by the trigger {trigger}" if trigger else ""
            raise DeletionDetected(
                f"A deletion from {table}{by} (or a REPLACE, which is one) was refused while the import was writing. "
                "Everything was rolled back. Let the trigger or hook update the rows instead, or mark them."
            ) from error
        raise
    finally:
        raw.set_authorizer(None)


def _shadow_tables(dialect: Dialect) -> set[str]:
    """The tables in which virtual tables keep themselves; SQLite tells which they are since 3.37."""
    return {name for _, name, kind, *_ in dialect.rows("PRAGMA main.table_list") if kind == "shadow"}


def _replacing(dialect: Dialect) -> set[str]:
    """Triggers and tables whose declaration resolves conflicts by removing the row in the way."""
    declared = dialect.rows(
        "SELECT name, sql FROM main.sqlite_master WHERE type IN ('table', 'trigger')"
        " UNION ALL SELECT name, sql FROM temp.sqlite_master WHERE type = 'trigger'"
    )
    return {name for name, sql in declared if sql and _REPLACES.search(sql)}


class SQLiteWitness(Witness):
    """Rows before + inserted = rows after, for every table."""

    proof = PROVEN

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

    def assert_keys_kept(self, updated: Mapping[str, int]) -> None:
        """The authorizer has refused every statement that would set one."""

    def _counts(self) -> dict[str, int]:
        tables = self.dialect.rows(
            "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        )
        names = {name for (name,) in tables} - _shadow_tables(self.dialect)
        return {name: self.dialect.value(f"SELECT count(*) FROM main.{self.dialect.quote(name)}") for name in names}
