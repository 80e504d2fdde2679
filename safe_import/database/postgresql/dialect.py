"""PostgreSQL, 14 and later. Why these forms: see ``docs/architecture.md``, "The SQL of a plan"."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError, models, transaction

from safe_import.database.dialect import TOO_LATE, Deadline, Dialect, Digest, Field, Timeouts, Witness
from safe_import.database.encoding import holds_to_limits
from safe_import.database.failures import sqlstate
from safe_import.database.fields import column_name, pk_of
from safe_import.database.postgresql.copy import CopyBehind, copy_data, copy_from
from safe_import.database.postgresql.copy_stream import copy_out
from safe_import.database.postgresql.locks import advisory_locks, holders_of_locks
from safe_import.database.postgresql.witness import witness
from safe_import.errors import DatabaseFailure, SpecError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper

_STAGED_AS = {
    "character varying": "text", "character": "text", "text": "text", "citext": "text", "numeric": "numeric",
    "smallint": "bigint", "integer": "bigint", "bigint": "bigint", "real": "double precision",
}  # fmt: skip
# Types whose = tells everything apart that is stored differently; all others are compared as text.
_EQUAL_IS_SAME = {
    "numeric", "smallint", "integer", "bigint", "double precision", "boolean", "date", "timestamp with time zone",
    "timestamp without time zone", "uuid",
}  # fmt: skip
_TEXTS = {"text", "character varying"}
_HELD_UNCHANGED = _TEXTS | {"numeric", "smallint", "integer", "bigint"}
_ORDERED = {"bigint", "text", "numeric", "date"}  # the commonest types that have a min()
# The text forms that the journal keeps must not depend on how a session happens to be set up.
_FORMATS = {
    "TimeZone": "UTC", "DateStyle": "ISO, MDY", "IntervalStyle": "postgres", "bytea_output": "hex",
    "extra_float_digits": "1",
}  # fmt: skip
# The statements of a run are few and large, over temporary tables: hashes that fit into memory; a sample of a few
# thousand rows is enough to plan them, and compiling them takes longer than it saves.
_TUNING = {"work_mem": "64MB", "default_statistics_target": "10", "jit": "off"}
# Pages of 8 kB for temporary tables: as many as a million rows take, which are read again and again. With one table
# there it is too late for more. A session keeps them until its end, but takes only as many as its tables need.
_MORE_TEMP_BUFFERS = """
    SELECT set_config('temp_buffers', '256MB', false) FROM pg_settings
    WHERE name = 'temp_buffers' AND setting::int < 32768 AND pg_my_temp_schema() = 0"""
_HAS_TRANSACTION_TIMEOUT = 17_00_00
_WHOLE = {"smallint": 2**15, "integer": 2**31}


class PostgreSQL(Dialect):
    """See Dialect."""

    bytes_type = "bytea"
    key_type = 'text COLLATE "C"'
    insert_overriding = "OVERRIDING SYSTEM VALUE"

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        super().__init__(connection)
        self._behind: CopyBehind | None = None

    def table(self, model: type[models.Model]) -> str:
        return self._table(model._meta.db_table)

    @lru_cache  # noqa: B019  # a dialect lives as long as one run
    def _table(self, name: str) -> str:
        found = self.rows(
            "SELECT n.nspname, c.relname, c.relpersistence FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass(%s)",
            [self.quote(name)],
        )
        if not found:
            raise SpecError(f"The table {name} does not exist. Run migrate first.")
        schema, table, persistence = found[0]
        if persistence == "t":
            raise SpecError(f"A temporary table hides the table {name}. Drop the temporary one.")
        return f"{self.quote(schema)}.{self.quote(table)}"

    def temp(self, name: str) -> str:
        return f"pg_temp.{self.quote(name)}"

    # -- types and values

    def _type(self, field: Field) -> str:
        """The column's type as the database has it, which may be narrower than Django's."""
        try:
            return self._types(field.model._meta.db_table)[column_name(field)]
        except KeyError:
            raise SpecError(
                f"The table of {field.model._meta.label} has no column {field.column}. Run migrate."
            ) from None

    def _type_name(self, field: Field) -> str:
        """The column's type without length and precision."""
        return re.sub(r"\([\d,-]+\)", "", self._type(field))

    @lru_cache  # noqa: B019  # a dialect lives as long as one run
    def _types(self, table: str) -> dict[str, str]:
        return dict(
            self.rows(
                "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
                " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
                [self._table(table)],
            )
        )

    def base_type(self, field: Field) -> str:
        plain = self._type_name(field)
        return _STAGED_AS.get(plain, plain)

    def cast(self, field: Field, sql: str) -> str:
        return sql if self._type(field) == self.base_type(field) else f"CAST({sql} AS {self._type(field)})"

    def compared(self, field: Field, sql: str) -> str:
        """A value that fits is the same before and after the cast, for most types."""
        return sql if self._type_name(field) in _HELD_UNCHANGED else self.cast(field, sql)

    def from_base(self, field: Field, sql: str) -> str:
        return f"CAST({sql} AS {self._type(field)})"

    def lossy(self, field: Field, sql: str) -> str | None:
        real = self._type(field)
        if self._is_as_declared(field):
            return None  # the encoders have seen to it
        if match := re.fullmatch(r"(?:character varying|character)\((\d+)\)", real):
            return f"char_length({sql}) > {match[1]}"
        if match := re.fullmatch(r"numeric\((\d+),(-?\d+)\)", real):
            whole = int(match[1]) - int(match[2])
            return f"(abs({sql}) >= 10::numeric ^ {whole} OR round({sql}, {match[2]}) <> {sql})"
        if real in _WHOLE:
            return f"{sql} NOT BETWEEN {-_WHOLE[real]} AND {_WHOLE[real] - 1}"
        if real == "real" or "(" in real:  # such as timestamp(0) with time zone
            return f"CAST({sql} AS {real})::{self.base_type(field)} IS DISTINCT FROM {sql}"
        return None

    def _is_as_declared(self, field: Field) -> bool:
        declared = re.sub(", ", ",", field.db_type(self.connection) or "").replace("varchar", "character varying")
        return holds_to_limits(field) and declared == self._type(field)

    def differs(self, field: Field, left: str, right: str) -> str:
        if self._type_name(field) in _EQUAL_IS_SAME:
            return f"{left} IS DISTINCT FROM {right}"
        return f'({left})::text COLLATE "C" IS DISTINCT FROM ({right})::text COLLATE "C"'

    def text(self, field: Field, sql: str) -> str:
        return f'(({sql})::text COLLATE "C")'

    def from_text(self, field: Field, sql: str) -> str:
        return f"CAST({sql} AS {self._type(field)})"

    def json_string(self, sql: str) -> str:
        return f"coalesce(to_json({sql})::text, 'null')"

    def json_get(self, sql: str, member: str) -> str:
        return f"({sql})::jsonb ->> '{member}'"

    def json_has(self, sql: str, member: str) -> str:
        return f"({sql})::jsonb ? '{member}'"

    def json_keys(self, sql: str) -> str:
        return f"json_each_text(({sql})::json)"

    def json_list(self, sql: str) -> str:
        return f"'[' || string_agg({sql}, ',') || ']'"

    def json_elements(self, sql: str) -> str:
        return f"json_array_elements(({sql})::json) AS e(value)"

    def json_item(self, sql: str, position: int) -> str:
        return f"(e.value ->> {position})"

    def fingerprint(self, fields: Sequence[Field], alias: str) -> str:
        """The hash of a record takes a fifth of the time of its text's MD5, and will do where equal is the same."""
        bytewise = {field: ' COLLATE "C"' if self._type_name(field) in _TEXTS else "" for field in fields}
        columns = [f"{alias}.{self.column(field)}{collation}" for field, collation in bytewise.items()]
        if all(self._type_name(field) in _EQUAL_IS_SAME | _TEXTS for field in fields):
            return f"hash_record_extended(ROW({', '.join(columns)}), 0)::text"
        return f"md5(ROW({', '.join(columns)})::text)"

    def any_value(self, sql: str, type_: str) -> str:
        return f"min({sql})" if type_ in _ORDERED else f"(array_agg({sql}))[1]"  # which takes twice as long

    # -- keys

    def version(self, model: type[models.Model]) -> str:
        return "t.xmin::text"

    def folded_column(self, sql: str, casefold: bool) -> str:
        return f'lower({sql}::text COLLATE "C")' if casefold else f'normalize({sql}::text, NFC) COLLATE "C"'

    def foldable(self, sql: str, casefold: bool) -> str | None:
        return f"octet_length({sql}) = char_length({sql})" if casefold else None

    # -- temporary tables

    def create_temp(self, name: str, columns: Mapping[str, str]) -> None:
        body = ", ".join(f"{self.quote(column)} {type_}" for column, type_ in columns.items())
        self._define(f"CREATE TEMP TABLE {self.quote(name)} ({body})")

    def add_temp_column(self, name: str, column: str, type_: str) -> None:
        self._define(f"ALTER TABLE {self.temp(name)} ADD COLUMN {self.quote(column)} {type_}")

    def drop_temp(self, names: Iterable[str]) -> None:
        if tables := ", ".join(map(self.temp, names)):
            self._define(f"DROP TABLE IF EXISTS {tables}")

    def _define(self, sql: str) -> None:
        with self.defining():
            self.execute(sql)

    @contextmanager
    def defining(self) -> Iterator[None]:
        """DDL on temporary tables counts as writing, so it needs a transaction that may write."""
        self._settle()
        if self.connection.in_atomic_block:
            yield
            return
        with transaction.atomic(using=self.connection.alias):
            self.execute("SET LOCAL transaction_read_only = off")
            yield

    def write_columns(self, name: str, columns: Mapping[str, Sequence[Any]], digest: Digest | None = None) -> None:
        names, data = ", ".join(self.quote(column) for column in columns), copy_data(columns.values())
        sql = f"COPY {self.temp(name)} ({names}) FROM STDIN (ENCODING 'UTF8')"
        if digest is not None:
            digest.update(sql.encode())
            digest.update(data)
        with self.connection.wrap_database_errors:
            if self._behind is not None:
                self._behind.send(self.connection.cursor().cursor, sql, data)
                return
            with self.connection.cursor() as cursor:
                copy_from(cursor.cursor, sql, data)

    @contextmanager
    def written_behind(self) -> Iterator[None]:
        self._behind = behind = CopyBehind()
        try:
            with self.connection.execute_wrapper(self._after_what_is_behind), self._settled_before_transactions():
                yield
            self._settle()
        finally:
            self._behind = None
            behind.close()

    @contextmanager
    def _settled_before_transactions(self) -> Iterator[None]:
        """Where a validator, say, begins a transaction, no statement tells of it, and what is behind must stay out."""
        connection: Any = self.connection
        begin = connection.set_autocommit

        def settled(*args: Any, **kwargs: Any) -> None:
            self._settle()
            begin(*args, **kwargs)

        connection.set_autocommit = settled
        try:
            yield
        finally:
            del connection.set_autocommit

    def _after_what_is_behind(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        """Validators, observers and sources may ask the database, too, on the same connection."""
        self._settle()
        return execute(sql, params, many, context)

    def _settle(self) -> None:
        if self._behind is not None:
            with self.connection.wrap_database_errors:
                self._behind.wait()

    def analyze(self, name: str, columns: Iterable[str] = ()) -> None:
        listed = ", ".join(map(self.quote, columns))
        self.execute(f"ANALYZE {self.temp(name)}{f' ({listed})' if listed else ''}")

    def hash_rows(self, sql: str, update: Callable[[bytes], Any]) -> None:
        """In the text format of COPY, which takes a third of the time of fetching them."""
        copy_out(self.connection, f"COPY ({sql}) TO STDOUT", update)

    def stream(self, sql: str, params: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        with self.connection.chunked_cursor() as cursor:  # a server-side cursor
            cursor.execute(sql, params or None)
            while chunk := cursor.fetchmany(2000):
                yield from chunk

    # -- transactions

    @contextmanager
    def reading_only(self, timeouts: Timeouts) -> Iterator[None]:
        settings = {
            "default_transaction_read_only": "on",
            "lock_timeout": f"{int(timeouts.lock * 1000)}ms",
            "statement_timeout": f"{int(timeouts.statement * 1000)}ms",
            **_TUNING,
        }
        self.execute(_MORE_TEMP_BUFFERS)
        before = {name: self.value(f"SHOW {name}") for name in settings}
        self._configure(settings)
        try:
            yield
        finally:
            if self.connection.is_usable():
                self._configure(before)

    def _configure(self, settings: Mapping[str, str]) -> None:
        for name, value in settings.items():
            self.execute("SELECT set_config(%s, %s, false)", [name, value])

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        with transaction.atomic(using=self.connection.alias, durable=True):
            self.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            self._set_up()
            yield

    @contextmanager
    def writing(self, timeouts: Timeouts, *, locks_tables: bool = False) -> Iterator[None]:
        with transaction.atomic(using=self.connection.alias, durable=True):
            self.execute(f"SET LOCAL lock_timeout = '{int(timeouts.lock * 1000)}ms'")
            self.execute(f"SET LOCAL statement_timeout = '{int(timeouts.statement * 1000)}ms'")
            # A client that was killed in the middle of a statement frees its locks at once, not when it ends.
            self.execute("SET LOCAL client_connection_check_interval = '1s'")
            self._set_up()
            with self._ended_in_time(timeouts.transaction):
                yield

    def _set_up(self) -> None:
        settings = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in (_FORMATS | _TUNING).items())
        self.execute(f"SELECT {settings}")

    @contextmanager
    def _ended_in_time(self, seconds: float | None) -> Iterator[None]:
        """By the clock before each statement; from version 17 on also by the server, which ends the session."""
        deadline = Deadline(seconds)
        if seconds is not None and getattr(self.connection, "pg_version", 0) >= _HAS_TRANSACTION_TIMEOUT:
            self.execute(f"SET LOCAL transaction_timeout = '{int(seconds * 1000)}ms'")
        try:
            with self.connection.execute_wrapper(deadline):
                yield
        except DatabaseError as error:
            if deadline.passed and not sqlstate(error):  # the driver loses the server's last words
                raise DatabaseFailure(TOO_LATE) from error
            raise

    # -- writing

    def lock_rows(self, model: type[models.Model], condition: str) -> str:
        pk = self.column(pk_of(model))
        return (
            f"SELECT {pk} AS pk, {self.version(model)} AS ver FROM {self.table(model)} t"
            f" WHERE {condition} ORDER BY {pk} FOR NO KEY UPDATE"
        )

    def insertion_order(self, number: str, keys: Mapping[str, Field]) -> str:
        """By key, so that each record goes beside the one before in the indexes of the key.

        In any other order every index page is come back to again and again: a million records take a fifth longer.
        """
        return ", ".join([*(key for key, field in keys.items() if self.base_type(field) in _ORDERED), number])

    def lock_table(self, model: type[models.Model]) -> None:
        self.execute(f"LOCK TABLE {self.table(model)} IN SHARE ROW EXCLUSIVE MODE")

    def partition_columns(self, model: type[models.Model]) -> frozenset[str]:
        """Those of partitions of partitions as well, and those that an expression of the partition key names."""
        found = self.rows(
            "SELECT pg_get_partkeydef(p.partrelid) FROM pg_partition_tree(%s::regclass) tree"
            " JOIN pg_partitioned_table p ON p.partrelid = tree.relid",
            [self.table(model)],
        )
        columns = self._types(model._meta.db_table)
        return frozenset(
            column
            for column in columns
            for (definition,) in found
            if re.search(rf"(?<!\w){re.escape(self.quote(column))}(?!\w)|\b{re.escape(column)}\b", definition)
        )

    def next_keys(self, model: type[models.Model], ordered: str) -> str:
        column = column_name(pk_of(model))
        sequence = self.value("SELECT pg_get_serial_sequence(%s, %s)", [self.table(model), column])
        if sequence is None:
            raise SpecError(f"{model._meta.label} has no sequence for its primary key.")
        return f"SELECT q.*, nextval('{sequence}'::regclass) AS pk FROM ({ordered}) q"

    def settle_constraints(self) -> None:
        """A deferred trigger may defer another one, so this goes on until nothing more is written."""
        counts = "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_all_tables"
        before = None
        while before != (before := self.value(counts)):
            self.execute("SET CONSTRAINTS ALL IMMEDIATE")

    def defer_constraints(self) -> None:
        self.execute("SET CONSTRAINTS ALL DEFERRED")

    # -- runs

    def run_lock(self, tables: Sequence[str], holder: str) -> AbstractContextManager[None]:
        return advisory_locks(self, tables)

    def lock_holders(self, tables: Sequence[str]) -> list[str]:
        return holders_of_locks(self, tables)

    def witness(
        self, may_delete: Collection[str] = (), targets: Collection[type[models.Model]] = ()
    ) -> AbstractContextManager[Witness]:
        return witness(self, targets)
