"""SQLite, 3.35 and later. Why these forms: see ``docs/architecture.md``, "The SQL of a plan"."""

from __future__ import annotations

import sqlite3
import time
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from django.db import models, transaction

from safe_import.database.dialect import Deadline, Dialect, Digest, Field, Timeouts, Witness, marks, restored
from safe_import.database.fields import pk_of
from safe_import.database.sqlite import guard
from safe_import.database.sqlite.functions import register
from safe_import.database.sqlite.locks import file_lock
from safe_import.errors import StalePlan

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper

_NUMBERS = ("id", "rec")  # see Note [Tables of a plan]
_ROWS_A_STATEMENT = 20
_CACHE = (
    16_000  # KiB of the database at least, while a run writes: with the usual 2,000 a million rows take a tenth longer
)


class SQLite(Dialect):
    """See Dialect."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        super().__init__(connection)
        connection.ensure_connection()
        register(connection.connection)
        self._data_version: int | None = None

    def table(self, model: type[models.Model]) -> str:
        return f"main.{self.quote(model._meta.db_table)}"

    def temp(self, name: str) -> str:
        return f"temp.{self.quote(name)}"

    # -- types and values

    def base_type(self, field: Field) -> str:
        return "BLOB"  # no affinity: what is staged stays what it is

    def cast(self, field: Field, sql: str) -> str:
        return f"CAST({sql} AS NUMERIC)" if _target(field).get_internal_type() == "DecimalField" else sql

    def lossy(self, field: Field, sql: str) -> str | None:
        return None  # a column has no length or precision here; the encoders hold to the field's own

    def differs(self, field: Field, left: str, right: str) -> str:
        return f"{left} COLLATE BINARY IS NOT {right}"

    def text(self, field: Field, sql: str) -> str:
        return f"nullif(quote({sql}), 'NULL')"

    def shown(self, field: Field, sql: str) -> str:
        return f"CASE typeof({sql}) WHEN 'text' THEN {sql} ELSE {self.text(field, sql)} END"

    def from_text(self, field: Field, sql: str) -> str:
        return f"si_unquote({sql})"

    def json_string(self, sql: str) -> str:
        return f"json_quote({sql})"

    def json_get(self, sql: str, member: str) -> str:
        return f"json_extract({sql}, '$.\"{member}\"')"

    def json_has(self, sql: str, member: str) -> str:
        return f"json_type({sql}, '$.\"{member}\"') IS NOT NULL"

    def json_keys(self, sql: str) -> str:
        return f"json_each({sql})"

    def json_list(self, sql: str) -> str:
        return f"'[' || group_concat({sql}, ',') || ']'"

    def json_elements(self, sql: str) -> str:
        return f"json_each({sql}) AS e"

    def json_item(self, sql: str, position: int) -> str:
        return f"json_extract(e.value, '$[{position}]')"

    def fingerprint(self, fields: Sequence[Field], alias: str) -> str:
        return f"si_hash({', '.join(f'{alias}.{self.column(field)}' for field in fields)})"

    def any_value(self, sql: str, type_: str) -> str:
        return f"min({sql})"

    def made_apart(self, query: str) -> str:
        """There is no offset without a limit."""
        return f"({query} LIMIT -1 OFFSET 0)"

    # -- keys

    def folded_column(self, sql: str, casefold: bool) -> str:
        """A call of Python takes several times as long as SQLite's own functions, which are good enough for ASCII."""
        ascii_text = f"typeof({sql}) = 'text' AND length({sql}) = length(CAST({sql} AS blob))"
        folded = f"lower({sql})" if casefold else sql
        return f"CASE WHEN {ascii_text} THEN {folded} ELSE si_fold({sql}, {int(casefold)}) END"

    def foldable(self, sql: str, casefold: bool) -> str | None:
        return None

    def count_distinct(self, name: str, key: str) -> int | None:
        """The index is not unique: what is staged anew may bring a key twice, and is told of it later."""
        self.execute(f"CREATE INDEX IF NOT EXISTS {self.temp(f'{name}_by_key')} ON {self.quote(name)} ({key})")
        return super().count_distinct(name, key)

    def pairs(self, staged: str, key: str, existing: str, *, wanted: str, paired: str) -> Iterator[str]:
        """The large table is read once, as it lies, and copied nowhere; what it has no record for comes behind.

        In a LEFT JOIN it would be read by a key that it has no index for, so SQLite would copy it into one. The left
        side of a CROSS JOIN is the outer loop (https://sqlite.org/optoverview.html, "Manual Control Of Query Plans
        Using CROSS JOIN").
        """
        yield f"({existing}) t CROSS JOIN ({staged}) s WHERE {key} = t.si_key"
        yield f"({staged}) s LEFT JOIN ({existing} LIMIT 0) t ON TRUE WHERE s.id NOT IN ({paired})"

    # -- temporary tables

    def create_temp(self, name: str, columns: Mapping[str, str]) -> None:
        """What numbers the rows of a table and stands first is its row number: to join by it takes no index."""
        first = next(iter(columns))
        types = {**columns, first: "integer PRIMARY KEY"} if first in _NUMBERS else columns
        body = ", ".join(f"{self.quote(column)} {type_}" for column, type_ in types.items())
        self.execute(f"CREATE TEMP TABLE {self.quote(name)} ({body})")

    def create_numbered_temp_of(self, name: str, number: str, select: str) -> None:
        """What is made of a SELECT has no key, and would be copied into an index wherever it is joined."""
        with self.connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM ({select}) LIMIT 0")
            _, *others = (self.quote(column) for column, *_ in cursor.description)
        columns = ", ".join([f"{number} integer PRIMARY KEY", *others])  # no type: no affinity changes a value
        self.execute(f"CREATE TEMP TABLE {self.quote(name)} ({columns})")
        self.execute(f"INSERT INTO {self.temp(name)} {select}")

    def add_temp_column(self, name: str, column: str, type_: str) -> None:
        self.execute(f"ALTER TABLE {self.temp(name)} ADD COLUMN {self.quote(column)} {type_}")

    def drop_temp(self, names: Iterable[str]) -> None:
        for name in names:
            self.execute(f"DROP TABLE IF EXISTS {self.temp(name)}")

    def write_columns(self, name: str, columns: Mapping[str, Sequence[Any]], digest: Digest | None = None) -> None:
        with self._in_one_transaction():
            super().write_columns(name, columns, digest)

    def insert_columns(self, cursor: Any, insert: str, columns: Sequence[Sequence[Any]]) -> None:
        """As many rows a statement as go into all of them evenly: one by one they take a third longer."""
        width, rows = len(columns), len(columns[0])
        parameters = self.connection.connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
        most = max(1, min(_ROWS_A_STATEMENT, parameters // width))
        together = next(number for number in range(most, 0, -1) if rows % number == 0)
        row_by_row = [iter(column) for column in columns] * together
        cursor.executemany(f"{insert} {', '.join([marks(width)] * together)}", list(zip(*row_by_row, strict=True)))

    @contextmanager
    def _in_one_transaction(self) -> Iterator[None]:
        """Else each row would be one of its own. It takes no lock, as nothing but temporary tables is written."""
        raw = self.connection.connection
        if raw.in_transaction:
            yield
            return
        raw.isolation_level = "DEFERRED"  # the driver begins a transaction by itself
        try:
            yield
            raw.commit()
        except BaseException:
            raw.rollback()
            raise
        finally:
            raw.isolation_level = None

    def stream(self, sql: str, params: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, params or None)
            while chunk := cursor.fetchmany(2000):
                yield from chunk

    # -- transactions

    @contextmanager
    def reading_only(self, timeouts: Timeouts) -> Iterator[None]:
        self.execute("PRAGMA temp_store = 1")  # on file: in memory, a million rows took 400 MB. Drops temporary tables.
        # Their file has no name by which anybody could open it, and ends with the connection: nothing to wipe in it.
        self.execute("PRAGMA temp.secure_delete = 0")
        self._data_version = self.value("PRAGMA main.data_version")
        with self._statement_timeout(timeouts.statement), guard.reading_only(self):
            yield

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        with transaction.atomic(using=self.connection.alias, durable=True):  # within reading_only, which refuses writes
            yield

    @contextmanager
    def writing(self, timeouts: Timeouts, *, locks_tables: bool = False) -> Iterator[None]:
        before = self.value("PRAGMA busy_timeout")
        self.execute(f"PRAGMA busy_timeout = {int(timeouts.lock * 1000)}")
        try:
            with (
                restored(self.connection, "transaction_mode", "IMMEDIATE"),
                self._larger_cache(),
                self._statement_timeout(timeouts.statement, timeouts.transaction),
                transaction.atomic(using=self.connection.alias, durable=True),
            ):
                yield
        finally:
            self.execute(f"PRAGMA busy_timeout = {before}")

    @contextmanager
    def _larger_cache(self) -> Iterator[None]:
        """In an index, records of a file lie far apart: its pages are come back to again and again."""
        before = self.value("PRAGMA main.cache_size")  # KiB where it is negative, else pages
        kibibytes = -before if before < 0 else before * self.value("PRAGMA main.page_size") // 1024
        self.execute(f"PRAGMA main.cache_size = {before if kibibytes > _CACHE else -_CACHE}")
        try:
            yield
        finally:
            self.execute(f"PRAGMA main.cache_size = {before}")

    @contextmanager
    def _statement_timeout(self, seconds: float, all_of_them: float | None = None) -> Iterator[None]:
        """SQLite has no such setting; it asks now and then whether it should go on."""
        began, deadline = time.monotonic(), Deadline(all_of_them)

        def start_clock(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
            nonlocal began
            began = time.monotonic()
            return execute(sql, params, many, context)

        raw = self.connection.connection
        raw.set_progress_handler(lambda: int(deadline.passed or time.monotonic() - began > seconds), 100_000)
        try:
            with self.connection.execute_wrapper(start_clock), self.connection.execute_wrapper(deadline):
                yield
        finally:
            raw.set_progress_handler(None, 0)

    def assert_unchanged(self) -> None:
        if self._data_version not in (None, self.value("PRAGMA main.data_version")):
            raise StalePlan("Somebody wrote to the database between plan and apply.")

    # -- writing

    def lock_rows(self, model: type[models.Model], condition: str) -> str:
        pk = self.column(pk_of(model))
        return (
            f"SELECT {pk} AS pk, NULL AS ver FROM {self.table(model)} t WHERE {condition}"  # the write lock covers all
        )

    def lock_and_count_stale(self, model: type[models.Model], seen: str) -> str:
        """What the rows hold is covered by ``assert_unchanged``, so each is only looked for, by its key."""
        pk = f"t.{self.column(pk_of(model))}"
        return f"SELECT count(*) FROM ({seen}) p LEFT JOIN {self.table(model)} t ON {pk} = p.pk WHERE {pk} IS NULL"

    def next_keys(self, model: type[models.Model], ordered: str) -> str:
        pk = self.column(pk_of(model))
        highest = self.value(f"SELECT coalesce(max({pk}), 0) FROM {self.table(model)}")
        if self.rows("SELECT 1 FROM main.sqlite_master WHERE name = 'sqlite_sequence'"):
            # AUTOINCREMENT never gives a key again, not even one whose record is gone.
            given = self.rows("SELECT seq FROM main.sqlite_sequence WHERE name = %s", [model._meta.db_table])
            highest = max([highest, *(seq for (seq,) in given)])
        return f"SELECT q.*, {int(highest)} + row_number() OVER (ORDER BY rec) AS pk FROM ({ordered}) q"

    # -- runs

    def run_lock(self, tables: Sequence[str], holder: str) -> AbstractContextManager[None]:
        files = {name: file for _, name, file in self.rows("PRAGMA database_list")}
        return file_lock(files["main"], holder)

    def witness(
        self, may_delete: Collection[str] = (), targets: Collection[type[models.Model]] = ()
    ) -> AbstractContextManager[Witness]:
        return guard.witness(self, may_delete, targets)


def _target(field: Field) -> Field:
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    return field
