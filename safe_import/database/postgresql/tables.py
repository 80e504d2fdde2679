"""Whole tables on PostgreSQL: rows leave by COPY as lines of JSON, and come back by COPY."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import transaction

from safe_import.database.commit import committing
from safe_import.database.postgresql.copy_stream import copy_in, copy_out
from safe_import.database.postgresql.row_sql import RowSQL, literal, quoted
from safe_import.database.postgresql.table_catalog import Catalog
from safe_import.database.tables import Difference, SequencePosition, Table, require_no_transaction
from safe_import.failpoints import failpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper

    from safe_import.database.tables import ForeignKey, Staged, Tables

# The text of a value depends on these; docs/backup-format.md names them. The last ones: pg_dump sets them as well.
_SETTINGS = {
    "client_encoding": "UTF8",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "lc_monetary": "C",
    "xmloption": "content",
    "row_security": "off",
    "statement_timeout": "0",
}

# A line of JSON never holds these two characters, so CSV passes it through as it is.
_LINES_OUT = "(FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')"
_CSV_IN = "(FORMAT csv, QUOTE '\"', ESCAPE '\\', DELIMITER ',', NULL 'null')"

_ESCAPE = re.compile(rb"\\(u[0-9a-fA-F]{4}|.)")
_ESCAPED = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"/": b"/"}


class PostgreSQLTables:
    """See :class:`safe_import.database.tables.Tables`."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection
        self._catalog = Catalog(connection)
        self._sql = RowSQL(self._catalog)

    def server_version(self) -> str:
        return str(self._catalog.rows("SHOW server_version")[0][0])

    def all_tables(self) -> list[str]:
        return self._catalog.all_tables()

    @contextmanager
    def snapshot(self, names: Sequence[str], *, lock_timeout: float) -> Iterator[None]:
        """Lock the tables against TRUNCATE and ALTER first: after one of these a snapshot shows an empty table."""
        require_no_transaction(self._connection)
        tables = self._names(names)  # outside, because the first question in the transaction takes the snapshot
        with transaction.atomic(using=self._connection.alias):
            self._execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            self._set_local()
            self._execute(f"SET LOCAL lock_timeout = {int(lock_timeout * 1000)}")
            self._execute(f"LOCK TABLE {tables} IN ACCESS SHARE MODE")
            yield

    @contextmanager
    def counting(self) -> Iterator[None]:
        require_no_transaction(self._connection)
        with transaction.atomic(using=self._connection.alias):
            self._execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            self._set_local()
            yield
            transaction.set_rollback(True, using=self._connection.alias)

    @contextmanager
    def restoring(self, names: Sequence[str], *, lock_timeout: float) -> Iterator[None]:
        require_no_transaction(self._connection)
        with committing(self._connection.alias):
            self._set_local()
            self._execute(f"SET LOCAL lock_timeout = {int(lock_timeout * 1000)}")
            # A client that was killed frees its locks at once, not when its statement ends.
            self._execute("SET LOCAL client_connection_check_interval = '1s'")
            self._execute(f"LOCK TABLE {self._names(names)} IN SHARE ROW EXCLUSIVE MODE")
            disabled = [each for name in sorted(names) for each in self._sql.triggers(name)]
            self._switch(disabled, "DISABLE TRIGGER")
            self._execute("SET CONSTRAINTS ALL DEFERRED")
            yield
            self._execute("SET CONSTRAINTS ALL IMMEDIATE")  # a table can't be altered while some of them wait
            self._switch(disabled, "")

    @contextmanager
    def scratch(self, names: Sequence[str]) -> Iterator[Tables]:
        schema = f"safe_import_scratch_{os.getpid()}"
        with self.counting():
            relations = [self._catalog.relation(name).name for name in names]
            self._execute(f"CREATE SCHEMA {schema}")
            self._execute(f"SET LOCAL search_path = {schema}, {self._catalog.rows('SHOW search_path')[0][0]}")
            for name, relation in zip(names, relations, strict=True):
                self._execute(f"CREATE TABLE {schema}.{quoted(name)} (LIKE {relation} INCLUDING ALL)")
            yield self

    def forbid_writes(self) -> None:
        self._execute("SET LOCAL transaction_read_only = on")

    def describe(self, name: str) -> Table:
        relation = self._catalog.relation(name)
        columns = tuple(column for column, _ in self._catalog.columns(relation))
        return Table(name, columns, self._catalog.key(relation), self._catalog.constraints(relation))

    def foreign_keys(self, names: Sequence[str]) -> list[ForeignKey]:
        return self._catalog.foreign_keys(names)

    def sequences(self, name: str) -> list[SequencePosition]:
        return self._catalog.sequences(self._catalog.relation(name))

    def advance(self, name: str, position: SequencePosition) -> None:
        query = self._sql.position_after(name, position)
        if self._catalog.rows(query)[0][0] is None:
            return
        failpoint("restore.sequence")
        # Takes the lock that nextval() waits for, so that nobody can move it between the look and the step.
        self._execute(f"ALTER SEQUENCE {position.sequence} CACHE {self._sql.cache(position.sequence)}")
        sequence = literal(position.sequence)
        self._catalog.rows(f"SELECT setval({sequence}, next) FROM ({query}) q(next) WHERE next IS NOT NULL")

    def read(self, name: str, columns: Sequence[str], where: str | None, sink: Callable[[bytes], object]) -> None:
        source = self._catalog.relation(name).source
        query = f"SELECT {self._sql.line(name, columns, 't')} FROM {source} AS t WHERE {where or 'true'}"
        copy_out(self._connection, f"COPY ({query}) TO STDOUT {_LINES_OUT}", sink)

    def is_empty(self, name: str) -> bool:
        return not self._catalog.rows(f"SELECT EXISTS (SELECT FROM {self._catalog.relation(name).source})")[0][0]

    def fill(self, table: Staged, blocks: Iterable[bytes]) -> None:
        self._load(self._catalog.relation(table.name).name, table.columns, blocks)

    def stage(self, table: Staged, blocks: Iterable[bytes]) -> None:
        columns = self._sql.names(table.columns)
        source = self._catalog.relation(table.name).source
        self._execute(f"CREATE TEMP TABLE {table.stage} ON COMMIT DROP AS SELECT {columns} FROM {source} WITH NO DATA")
        self._load(f"pg_temp.{table.stage}", table.columns, blocks)
        self._execute(f"ANALYZE pg_temp.{table.stage}")

    def difference(self, table: Staged) -> Difference:
        return Difference(*(self._catalog.rows(query)[0][0] for query in self._sql.differences(table)))

    def delete_surplus(self, table: Staged) -> None:
        self._execute(self._sql.delete_surplus(table))

    def update_changed(self, table: Staged) -> None:
        for statement in self._sql.update_changed(table):
            self._execute(statement)

    def delete_changed(self, table: Staged) -> None:
        self._execute(self._sql.delete_changed(table))

    def insert_missing(self, table: Staged) -> None:
        self._execute(self._sql.insert_missing(table))

    def _load(self, relation: str, columns: Sequence[str], blocks: Iterable[bytes]) -> None:
        listed = f"({self._sql.names(columns)})" if columns else ""
        copy_in(self._connection, f"COPY {relation} {listed} FROM STDIN {_CSV_IN}", map(csv_of_lines, blocks))

    def _set_local(self) -> None:
        for name, value in _SETTINGS.items():
            self._execute(f"SET LOCAL {name} = '{value}'")

    def _names(self, names: Sequence[str]) -> str:
        return ", ".join(self._catalog.relation(name).source for name in sorted(names))

    def _switch(self, triggers: Sequence[tuple[str, str, str]], action: str) -> None:
        for relation, trigger, enabled in triggers:
            self._execute(f"ALTER TABLE {relation} {action or enabled} {trigger}")

    def _execute(self, sql: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)


def csv_of_lines(block: bytes) -> bytes:
    r"""Turn whole lines of compact JSON into CSV that PostgreSQL reads, without a look at the single value.

    In CSV with ``ESCAPE '\'`` the two escapes of quote and backslash mean what they mean in JSON, and a bare ``null``
    is NULL. What is left: the brackets, and the other escapes, which become the characters themselves.
    """
    csv = block[1:-2].replace(b"]\n[", b"\n") + b"\n"
    return _ESCAPE.sub(_unescape, csv) if b"\\" in csv else csv


def _unescape(match: re.Match[bytes]) -> bytes:
    escape = match[1]
    if escape[:1] == b"u":
        return chr(int(escape[1:], 16)).encode()
    return _ESCAPED.get(escape, match[0])
