"""What the stages ask of a database: the words of SQL in which the vendors differ, and the two kinds of transaction.

One subclass a vendor. Nothing outside this package asks which vendor it is.
"""

from __future__ import annotations

import abc
import time
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import orjson
from django.db import models

from safe_import.database.encoding import Encoder, encoder
from safe_import.database.fields import column_name, pk_of
from safe_import.database.guard import removal
from safe_import.errors import DatabaseFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper

    Field: TypeAlias = models.Field[Any, Any]
else:
    Field = models.Field

TOO_LATE = "The import was rolled back: it took longer than the transaction timeout."
_HASHED_AT_A_TIME = 1000
NOTHING: Mapping[str, int] = MappingProxyType({})


class Digest(Protocol):
    """What ``hashlib`` makes."""

    def update(self, data: bytes, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Timeouts:
    """In seconds; always set while a run writes, but for that of the whole transaction, which may have no limit."""

    lock: float
    statement: float
    transaction: float | None = None


class Dialect(abc.ABC):
    """The SQL of one vendor, on one connection."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection

    # -- names

    def quote(self, name: str) -> str:
        return self.connection.ops.quote_name(name)

    @abc.abstractmethod
    def table(self, model: type[models.Model]) -> str:
        """The qualified and quoted name of the model's table, which no temporary table can shadow."""

    @abc.abstractmethod
    def temp(self, name: str) -> str:
        """The qualified and quoted name of a temporary table of ours."""

    def column(self, field: Field) -> str:
        return self.quote(column_name(field))

    # -- types and values

    @abc.abstractmethod
    def base_type(self, field: Field) -> str:
        """The type in which values of ``field`` are staged: without length or precision, so that nothing is cut."""

    def column_type(self, field: Field) -> str:
        """The column's own type, for a temporary table in which conditions mean what they mean in the table."""
        return str(field.db_type(self.connection))

    def tells_apart(self, field: Field) -> bool:
        """Whether to the column any two values are different that are different keys."""
        return True

    @abc.abstractmethod
    def cast(self, field: Field, sql: str) -> str:
        """``sql``, a staged value, as the column's own type."""

    def compared(self, field: Field, sql: str) -> str:
        """``sql``, a staged value that is not lossy, in a form that ``differs`` can compare: ``cast``, or less work."""
        return self.cast(field, sql)

    def from_base(self, field: Field, sql: str) -> str:
        """``sql``, a parameter in its encoded form, as the column's own type."""
        return sql

    @abc.abstractmethod
    def lossy(self, field: Field, sql: str) -> str | None:
        """A condition that holds when the cast changes the staged value ``sql``; None when it can't."""

    @abc.abstractmethod
    def differs(self, field: Field, left: str, right: str) -> str:
        """A condition that holds when two values of ``field`` are stored differently; NULL equals NULL."""

    @abc.abstractmethod
    def text(self, field: Field, sql: str) -> str:
        """The database's own lossless text form of a value of ``field``; NULL stays NULL."""

    def shown(self, field: Field, sql: str) -> str:
        """A value of ``field`` as a person reads it, and as text; NULL stays NULL."""
        return self.text(field, sql)

    @abc.abstractmethod
    def from_text(self, field: Field, sql: str) -> str:
        """The inverse of ``text``."""

    @abc.abstractmethod
    def json_string(self, sql: str) -> str:
        """``sql``, a text, as a JSON string; NULL becomes the word null."""

    @abc.abstractmethod
    def json_get(self, sql: str, member: str) -> str:
        """A member of ``sql``, a JSON object of texts, as text; NULL for null and for one that is not there."""

    @abc.abstractmethod
    def json_has(self, sql: str, member: str) -> str:
        """A condition that holds when the JSON object ``sql`` has a member of that name, be it null."""

    @abc.abstractmethod
    def json_keys(self, sql: str) -> str:
        """A table of the names of the members of ``sql``, a JSON object, in its column ``key``; for a FROM."""

    def made_apart(self, query: str) -> str:
        """What stands behind the AS of a WITH: a query made as it stands, not mixed up with what asks for it.

        An offset keeps it apart, and each row is handed on as it is found; MATERIALIZED would keep all, on disk when
        there are many.
        """
        return f"({query} OFFSET 0)"

    records_a_page = 20
    """How many neighbours in the file are kept together in the journal, at most."""

    @abc.abstractmethod
    def json_list(self, sql: str) -> str:
        """An aggregate: the JSON texts ``sql`` as a JSON array of them."""

    @abc.abstractmethod
    def json_elements(self, sql: str) -> str:
        """A table ``e`` with a row for each element of ``sql``, a JSON array of arrays; for a FROM."""

    @abc.abstractmethod
    def json_item(self, sql: str, position: int) -> str:
        """What is at a position of an element of ``json_elements(sql)``, as text; NULL for null."""

    @abc.abstractmethod
    def fingerprint(self, fields: Sequence[Field], alias: str) -> str:
        """A hash, as text, over these columns of the row ``alias``."""

    def as_text(self, sql: str) -> str:
        """A number or a key as text."""
        return f"CAST({sql} AS text)"

    def null(self, type_: str) -> str:
        """NULL of a type that temporary tables are made of."""
        return f"CAST(NULL AS {type_})"

    def whole_number(self, value: int) -> str:
        """A number of the type that the numbers of records have."""
        return f"CAST({value} AS bigint)"

    char_length = "length"
    """The function that counts the characters of a text."""

    null_safe_equal = "IS NOT DISTINCT FROM"
    """The operator by which NULL equals NULL."""

    @abc.abstractmethod
    def any_value(self, sql: str, type_: str) -> str:
        """An aggregate: some value of a group, of this base type."""

    def encoder(self, field: Field) -> Encoder:
        """See ``encoding.encoder``."""
        return encoder(field, self.connection)

    bytes_type = "blob"

    # -- keys

    key_type = "text"
    """The type of folded keys, which compare byte by byte."""

    holds_every_key = True
    """Whether ``key_type`` holds a key of any length: else those that the file does not name may not fit."""

    @abc.abstractmethod
    def folded_column(self, sql: str, casefold: bool) -> str:
        """A text column of the database under ``folding.fold``; only valid where ``foldable`` holds."""

    @abc.abstractmethod
    def foldable(self, sql: str, casefold: bool) -> str | None:
        """A condition under which SQL alone folds the column; the other rows are folded in Python. None: always."""

    def version(self, model: type[models.Model]) -> str:
        """An expression over a row t that changes when the row is written; NULL where the write lock is enough."""
        return "NULL"

    # -- temporary tables

    def defining(self) -> AbstractContextManager[None]:
        """Within, several temporary tables are created, altered and dropped with less to do for each."""
        return nullcontext()

    @abc.abstractmethod
    def create_temp(self, name: str, columns: Mapping[str, str]) -> None:
        """Creates a temporary table; also where the session may only read."""

    def create_temp_of(self, name: str, select: str, params: Sequence[Any] = ()) -> None:
        """Creates a temporary table of the rows of a SELECT, inside a transaction that may write."""
        self.execute(f"CREATE TEMPORARY TABLE {self.quote(name)} AS {select}", params)

    def create_numbered_temp_of(self, name: str, number: str, select: str) -> None:
        """The same, to be joined by ``number``, the first of its columns, which is another number in every row."""
        self.create_temp_of(name, select)
        self.analyze(name, [number])

    @abc.abstractmethod
    def add_temp_column(self, name: str, column: str, type_: str) -> None: ...

    @abc.abstractmethod
    def drop_temp(self, names: Iterable[str]) -> None:
        """Drops temporary tables, those that do not exist as well."""

    def write_columns(self, name: str, columns: Mapping[str, Sequence[Any]], digest: Digest | None = None) -> None:
        """Appends encoded rows, given as {column: values}, to a temporary table.

        ``digest`` takes in what is written, and where.
        """
        if digest is not None:
            digest.update(orjson.dumps((name, columns), default=repr))
        insert = f"INSERT INTO {self.temp(name)} ({', '.join(map(self.quote, columns))}) VALUES"
        with self.connection.cursor() as cursor:
            self.insert_columns(cursor, insert, list(columns.values()))

    def insert_columns(self, cursor: Any, insert: str, columns: Sequence[Sequence[Any]]) -> None:
        """Inserts rows, given as columns; ``insert`` is a statement up to its VALUES."""
        cursor.executemany(f"{insert} {marks(len(columns))}", list(zip(*columns, strict=True)))

    def written_behind(self) -> AbstractContextManager[None]:
        """Within, ``write_columns`` may return before the rows are there; at the end they are, or it raises why not."""
        return nullcontext()

    def write_rows(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """The same for rows."""
        self.write_columns(name, dict(zip(columns, zip(*rows, strict=True), strict=True)))

    def index_temp(self, name: str, column: str) -> None:
        """Indexes a temporary table; only where temporary tables are also created, within a transaction."""
        self.execute(f"CREATE INDEX {self.quote(f'{name}_{column}')} ON {self.quote(name)} ({self.quote(column)})")

    def analyze(self, name: str, columns: Iterable[str] = ()) -> None:  # noqa: B027  # a hook that not every vendor needs
        """Lets the planner know how large a temporary table has become, and what is in some or all of its columns."""

    # -- statements

    def update(self, table: str, assignments: Sequence[str], source: str, condition: str) -> str:
        """An UPDATE of ``table``, a name with its alias, from ``source`` where ``condition`` joins the two.

        Either the assignments or the rest may have parameters, not both: the vendors differ in what comes first.
        """
        return f"UPDATE {table} SET {', '.join(assignments)} FROM {source} WHERE {condition}"

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, params or None)
            return int(cursor.rowcount)

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a small result."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql, params or None)
            return list(cursor.fetchall())

    def value(self, sql: str, params: Sequence[Any] = ()) -> Any:
        """The single value of a result."""
        return self.rows(sql, params)[0][0]

    @abc.abstractmethod
    def stream(self, sql: str, params: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows of a large result at constant memory."""

    def hash_rows(self, sql: str, update: Callable[[bytes], Any]) -> None:
        """Gives the rows of a SELECT to a hash, in some form that only the same rows have."""
        rows = self.stream(sql)
        while some := list(islice(rows, _HASHED_AT_A_TIME)):
            update(orjson.dumps(some, default=str))

    # -- transactions

    @abc.abstractmethod
    def reading_only(self, timeouts: Timeouts) -> AbstractContextManager[None]:
        """The database refuses every write, but to temporary tables. For staging, where a spec's code runs."""

    @abc.abstractmethod
    def snapshot(self) -> AbstractContextManager[None]:
        """One read-only transaction that sees one state of the database. For the plan."""

    @abc.abstractmethod
    def writing(self, timeouts: Timeouts, *, locks_tables: bool = False) -> AbstractContextManager[None]:
        """The data transaction, with its timeouts set. For apply and verify.

        Args:
            timeouts: to be set.
            locks_tables: whether ``lock_table`` may be called in it.
        """

    def assert_unchanged(self) -> None:  # noqa: B027  # a hook that not every vendor needs
        """Raises StalePlan where the database can only tell as a whole that somebody changed it since the plan."""

    # -- writing

    @abc.abstractmethod
    def lock_rows(self, model: type[models.Model], condition: str) -> str:
        """A SELECT of (pk, version) that locks the rows of ``model`` under ``condition``, in key order."""

    def lock_and_count_stale(self, model: type[models.Model], seen: str) -> str:
        """A SELECT that locks the rows of ``model`` and counts those that are not there any more as they were.

        Args:
            model: of the rows.
            seen: a SELECT of (pk, ver) of the rows, as they were.
        """
        locked = self.lock_rows(model, f"t.{self.column(pk_of(model))} IN (SELECT pk FROM ({seen}) k)")
        return (
            f"SELECT count(*) FROM ({seen}) p LEFT JOIN ({locked}) l ON l.pk = p.pk"
            " WHERE l.pk IS NULL OR l.ver <> p.ver"
        )

    def lock_table(self, model: type[models.Model]) -> None:  # noqa: B027  # a hook that not every vendor needs
        """Keeps others from inserting into the table until the transaction ends."""

    def partition_columns(self, model: type[models.Model]) -> frozenset[str]:
        """The columns that decide in which partition a record is stored."""
        return frozenset()

    @abc.abstractmethod
    def next_keys(self, model: type[models.Model], ordered: str) -> str:
        """A SELECT of the columns of the SELECT ``ordered``, each row with the next generated primary key behind them.

        The first of the columns is ``rec``, by which they are ordered.
        """

    insert_overriding = ""
    """What an INSERT needs to write a generated primary key."""

    def insertion_order(self, number: str, keys: Mapping[str, Field]) -> str:
        """What new records are sorted by when they are inserted: that of the file, where nothing else is better.

        Args:
            number: of the record, in the order of the file.
            keys: the columns that hold the parts of its key, with the fields that these are of.
        """
        return number

    def count_distinct(self, name: str, key: str) -> int | None:
        """How many rows a temporary table has, which is readied for ``pairs``; None where two have the same key.

        Args:
            name: of the table.
            key: an expression over its columns.
        """
        by_key = f"SELECT count(*) AS n FROM {self.temp(name)} GROUP BY {key}"
        count, most = self.rows(f"SELECT count(*), max(q.n) FROM ({by_key}) q")[0]
        return None if most and most > 1 else int(count)

    def pairs(self, staged: str, key: str, existing: str, *, wanted: str, paired: str) -> Iterator[str]:
        """What stands behind FROM in the SELECTs that pair each staged record s with the records t of its key, or none.

        Args:
            staged: a SELECT of the staged records, which have an id.
            key: of a record s.
            existing: a SELECT of the records of the database, with their key as si_key.
            wanted: a SELECT of the keys of all staged records.
            paired: a SELECT of the ids that the SELECTs before have paired.
        """
        yield f"({staged}) s LEFT JOIN ({existing}) t ON t.si_key = {key}"

    current = ""
    """What a SELECT ends with that must see what others have committed since the transaction began."""

    def enforces(self, constraint: models.BaseConstraint) -> bool:
        """Whether the database itself holds a constraint of a model; Django leaves out what a vendor does not have."""
        return True

    def links_deferred(self, model: type[models.Model], keys: str) -> AbstractContextManager[None]:
        """Inside, records of ``model`` may be linked to such that are written later, and be deleted before those.

        ``settle_constraints`` judges the records whose primary keys the SELECT ``keys`` gives. Where constraints can
        be deferred, Django has declared them so.
        """
        return nullcontext()

    def settle_constraints(self) -> None:  # noqa: B027  # a hook that not every vendor needs
        """Makes deferred constraints and triggers take effect now, where that does not have to wait for the commit."""

    def defer_constraints(self) -> None:  # noqa: B027  # a hook that not every vendor needs
        """Takes back ``settle_constraints`` for what is written from now on."""

    # -- runs

    @abc.abstractmethod
    def run_lock(self, tables: Sequence[str], holder: str) -> AbstractContextManager[None]:
        """Holds the locks of a run on its tables.

        Raises:
            LockHeld: another run has one of them; the message says which, and who when the database knows.
        """

    def lock_holders(self, tables: Sequence[str]) -> list[str]:
        """The other sessions that hold locks which keep a run from writing to ``tables``, as far as it can be told."""
        return []

    def refused(self, sql: str) -> str | None:
        """Why a statement is refused while a run writes, in words; None for one that is not."""
        return removal(sql)

    @abc.abstractmethod
    def witness(
        self, may_delete: Collection[str] = (), targets: Collection[type[models.Model]] = ()
    ) -> AbstractContextManager[Witness]:
        """Guards a data transaction against deletions. Entered at its beginning.

        Args:
            may_delete: tables from which the transaction itself is going to delete.
            targets: the models whose records have to keep their primary keys.
        """


class Witness(abc.ABC):
    """The proof, taken from the database before the commit, that no row was removed."""

    proof: str
    """What a report says about deletions: ``none, proven``; a database that offers no count would only prevent them."""

    @abc.abstractmethod
    def assert_nothing_deleted(self, inserted: Mapping[str, int], besides: Mapping[str, int] = NOTHING) -> None:
        """Raises DeletionDetected, naming the tables, when rows were removed since the witness was entered.

        Args:
            inserted: how many rows the run itself inserted, by table name.
            besides: how many rows the run itself deleted, by table name.
        """

    @abc.abstractmethod
    def assert_keys_kept(self, updated: Mapping[str, int]) -> None:
        """Raises VerificationFailed, naming the table, when a record of a target got another primary key.

        Args:
            updated: how many rows the run itself updated, by table name.
        """


def marks(width: int) -> str:
    """The places of the values of a row, in parentheses."""
    return f"({', '.join(['%s'] * width)})"


class Deadline:
    """The end of a transaction, held by looking at the clock before each of its statements."""

    def __init__(self, seconds: float | None) -> None:
        self.ends = None if seconds is None else time.monotonic() + seconds

    @property
    def passed(self) -> bool:
        return self.ends is not None and time.monotonic() > self.ends

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        """Wraps the execution of a statement.

        Raises:
            DatabaseFailure: it is too late to begin it.
        """
        if self.passed:
            raise DatabaseFailure(TOO_LATE)
        return execute(sql, params, many, context)


@contextmanager
def restored(connection: BaseDatabaseWrapper, attribute: str, value: Any) -> Iterator[None]:
    """Sets an attribute of a Django connection for a while."""
    before = getattr(connection, attribute)
    setattr(connection, attribute, value)
    try:
        yield
    finally:
        setattr(connection, attribute, before)
