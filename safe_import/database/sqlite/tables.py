"""Whole tables on SQLite: every value travels as an SQL literal, so that its storage class comes back too."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import orjson
from django.db import DEFAULT_DB_ALIAS, OperationalError, transaction
from django.db.utils import ConnectionHandler

from safe_import.database import dialect
from safe_import.database.dialect import restored
from safe_import.database.sqlite import guard, row_sql
from safe_import.database.sqlite.literals import Value, literals, value_of
from safe_import.database.sqlite.row_sql import plain_select, quoted
from safe_import.database.sqlite.table_catalog import Catalog
from safe_import.database.tables import Difference, SequencePosition, Table, require_no_transaction
from safe_import.errors import BackupError
from safe_import.failpoints import failpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper

    from safe_import.database.tables import ForeignKey, Staged, Tables

_AT_A_TIME = 100  # rows that are read together: few, as each may be large


class SQLiteTables:
    """See :class:`safe_import.database.tables.Tables`."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection
        self._catalog = Catalog(connection)

    def server_version(self) -> str:
        return sqlite3.sqlite_version

    def all_tables(self) -> list[str]:
        return self._catalog.all_tables()

    @contextmanager
    def snapshot(self, names: Sequence[str], *, lock_timeout: float) -> Iterator[None]:
        """Everything in the file is of one moment: there is nothing to lock."""
        require_no_transaction(self._connection)
        with transaction.atomic(using=self._connection.alias):
            self._catalog.rows("SELECT count(*) FROM main.sqlite_schema")  # a snapshot begins with the first read
            yield

    @contextmanager
    def counting(self) -> Iterator[None]:
        require_no_transaction(self._connection)
        with transaction.atomic(using=self._connection.alias), guard.reading_only(dialect(self._connection)):
            yield
            transaction.set_rollback(True, using=self._connection.alias)

    @contextmanager
    def restoring(self, names: Sequence[str], *, lock_timeout: float) -> Iterator[None]:
        require_no_transaction(self._connection)
        with self._write_lock(lock_timeout), transaction.atomic(using=self._connection.alias):
            self._execute("PRAGMA defer_foreign_keys = ON")
            triggers = [each for name in names for each in self._catalog.triggers(name)]
            for name, _ in triggers:
                self._execute(f"DROP TRIGGER main.{quoted(name)}")
            yield
            for _, definition in triggers:
                self._execute(definition)
            for stage in self._catalog.temporary_tables("safe_import_restore_"):
                self._execute(f"DROP TABLE temp.{quoted(stage)}")

    @contextmanager
    def scratch(self, names: Sequence[str]) -> Iterator[Tables]:
        with TemporaryDirectory() as directory:  # made with mode 0700
            settings = {
                **self._connection.settings_dict,
                "NAME": Path(directory) / "scratch.sqlite3",
                "ATOMIC_REQUESTS": False,
            }
            connection = ConnectionHandler({DEFAULT_DB_ALIAS: settings})[DEFAULT_DB_ALIAS]
            try:
                with connection.cursor() as cursor:
                    cursor.execute("PRAGMA foreign_keys = OFF")
                    cursor.execute("BEGIN")
                    for definition in (each for name in names for each in self._catalog.definitions(name)):
                        cursor.execute(definition)
                yield SQLiteTables(connection)
            finally:
                connection.close()

    def forbid_writes(self) -> None:
        """Nothing to do: ``counting`` had them refused from its beginning."""

    def describe(self, name: str) -> Table:
        columns = tuple(self._catalog.columns(name))
        return Table(name, columns, self._catalog.key(name, columns), self._catalog.constraints(name))

    def foreign_keys(self, names: Sequence[str]) -> list[ForeignKey]:
        return self._catalog.foreign_keys(names)

    def sequences(self, name: str) -> list[SequencePosition]:
        return self._catalog.sequences(name)

    def advance(self, name: str, position: SequencePosition) -> None:
        """SQLite itself advances to the highest number that is inserted; what is left is the position of the backup."""
        [current] = [each.position for each in self.sequences(name)]
        if position.position is None or (current is not None and current >= position.position):
            return
        failpoint("restore.sequence")
        table = name.replace("'", "''")
        if current is None:
            self._execute(f"INSERT INTO main.sqlite_sequence(name, seq) VALUES ('{table}', {position.position})")
        else:
            self._execute(f"UPDATE main.sqlite_sequence SET seq = {position.position} WHERE name = '{table}'")

    def read(self, name: str, columns: Sequence[str], where: str | None, sink: Callable[[bytes], object]) -> None:
        query = plain_select(name, columns) + (f" WHERE {where}" if where else "")
        with self._connection.cursor() as cursor:
            try:
                cursor.execute(query)
                while rows := cursor.fetchmany(_AT_A_TIME):
                    sink(_lines(rows))
            except OperationalError as error:
                if "UTF-8" in str(error):  # the message quotes the value
                    raise BackupError(f"table {name!r} holds text that is not UTF-8: correct it first") from None
                raise

    def is_empty(self, name: str) -> bool:
        return not self._catalog.rows(f"SELECT EXISTS (SELECT 1 FROM main.{quoted(name)})")[0][0]

    def fill(self, table: Staged, blocks: Iterable[bytes]) -> None:
        self._load(f"main.{quoted(table.name)}", table.columns, blocks)

    def stage(self, table: Staged, blocks: Iterable[bytes]) -> None:
        columns = ", ".join(map(quoted, table.columns))
        self._execute(f"DROP TABLE IF EXISTS temp.{table.stage}")
        self._execute(f"CREATE TEMP TABLE {table.stage} ({columns})")  # no type, so no affinity changes a value
        self._load(f"temp.{table.stage}", table.columns, blocks)
        for statement in row_sql.stage_index(table):
            self._execute(statement)

    def difference(self, table: Staged) -> Difference:
        return Difference(*(self._catalog.rows(query)[0][0] for query in row_sql.differences(table)))

    def delete_surplus(self, table: Staged) -> None:
        self._execute(row_sql.delete_surplus(table))

    def update_changed(self, table: Staged) -> None:
        for statement in row_sql.update_changed(table):
            self._execute(statement)

    def delete_changed(self, table: Staged) -> None:
        self._execute(row_sql.delete_changed(table))

    def insert_missing(self, table: Staged) -> None:
        self._execute(row_sql.insert_missing(table))

    def _load(self, relation: str, columns: Sequence[str], blocks: Iterable[bytes]) -> None:
        names, places = ", ".join(map(quoted, columns)), ", ".join("?" * len(columns))
        insert = f"INSERT INTO {relation} ({names}) VALUES ({places})"
        with self._connection.cursor() as wrapped:
            cursor: Any = wrapped.cursor  # the driver's own: values go in as they are
            for block in blocks:
                lines = block.splitlines()
                with self._connection.wrap_database_errors:
                    sqlite3.Cursor.executemany(cursor, insert, map(_row, lines))

    @contextmanager
    def _write_lock(self, timeout: float) -> Iterator[None]:
        """Let Django begin the transaction with the write lock, so that nobody writes between our look and our step."""
        before = self._catalog.rows("PRAGMA busy_timeout")[0][0]
        self._execute(f"PRAGMA busy_timeout = {int(timeout * 1000)}")
        try:
            with restored(self._connection, "transaction_mode", "IMMEDIATE"):
                yield
        finally:
            self._execute(f"PRAGMA busy_timeout = {before}")

    def _execute(self, sql: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)


def _lines(rows: Sequence[Sequence[Value | None]]) -> bytes:
    """Column by column, as the values of one are mostly of one type; and in one piece, where nothing in the first is
    NULL: as no literal ends in a bracket, what begins the next row stands nowhere else.
    """
    columns = list(map(literals, zip(*rows, strict=True)))
    literal_rows = list(zip(*columns, strict=True))
    if None in columns[0]:
        return b"\n".join(map(orjson.dumps, literal_rows)) + b"\n"
    return orjson.dumps(literal_rows)[1:-1].replace(b'],["', b']\n["') + b"\n"


def _row(line: bytes) -> list[Value | None]:
    return [None if literal is None else value_of(literal) for literal in orjson.loads(line)]
