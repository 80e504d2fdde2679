"""MariaDB, 10.6 and later. Why these forms: see ``docs/other-databases.md``."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError, models, transaction

from safe_import.database.dialect import Deadline, Dialect, Field, Timeouts, Witness
from safe_import.database.fields import column_name, pk_of
from safe_import.database.mariadb import guard
from safe_import.database.mariadb.columns import CATALOG, EXACT, StoredColumn, exact, stored_columns, target_of
from safe_import.database.mariadb.links import DeferredLinks
from safe_import.database.mariadb.locks import named_locks
from safe_import.database.mariadb.session import EACH_STATEMENT, GAPS_LOCKED, READ_ONLY, READ_WRITE, limits, session
from safe_import.database.mariadb.spool import spooled
from safe_import.database.mariadb.temporary import TemporaryTables
from safe_import.errors import GuardUnavailable, SpecError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper

_OLDEST = (10, 6)


class MariaDB(Dialect):
    """See Dialect.

    Raises:
        GuardUnavailable: the server is MySQL, or too old.
    """

    bytes_type = "longblob"
    key_type = f"varchar(768) COLLATE {EXACT}"  # as long as an index takes
    holds_every_key = False
    char_length = "char_length"
    null_safe_equal = "<=>"
    current = "LOCK IN SHARE MODE"
    records_a_page = 1  # as no text can be longer than max_allowed_packet, which is small

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        super().__init__(connection)
        require_supported(connection)
        self._temporary = TemporaryTables(self)
        self._links = DeferredLinks(self)

    def table(self, model: type[models.Model]) -> str:
        return self.table_named(model._meta.db_table)

    @lru_cache  # noqa: B019  # a dialect lives as long as one run
    def table_named(self, name: str) -> str:
        """The quoted name of a table of InnoDB.

        A temporary table hides one of the same name, however that is qualified.
        """
        try:
            definition = str(self.rows(f"SHOW CREATE TABLE {self.quote(name)}")[0][1])
        except DatabaseError:
            raise SpecError(f"The table {name} does not exist. Run migrate first.") from None
        if definition.startswith("CREATE TEMPORARY"):
            raise SpecError(f"A temporary table hides the table {name}. Drop the temporary one.")
        engine = re.search(r"^\) ENGINE=(\w+)", definition, re.MULTILINE)
        if engine is None or engine[1] != "InnoDB":
            kept = f"is kept by the engine {engine[1]}" if engine else "is a view"
            raise GuardUnavailable(
                f"{name} {kept}, so what is written to it can't be rolled back. On MariaDB every table of an import "
                f"must be one of InnoDB: ALTER TABLE {name} ENGINE = InnoDB."
            )
        return self.quote(name)

    def temp(self, name: str) -> str:
        return self.quote(name)

    # -- types and values

    def _column(self, field: Field) -> StoredColumn:
        try:
            return self._columns(field.model._meta.db_table)[column_name(field)]
        except KeyError:
            raise SpecError(
                f"The table of {field.model._meta.label} has no column {field.column}. Run migrate."
            ) from None

    @lru_cache  # noqa: B019  # a dialect lives as long as one run
    def _columns(self, table: str) -> dict[str, StoredColumn]:
        return stored_columns(table, self.rows(CATALOG, [table]))

    def base_type(self, field: Field) -> str:
        return self._column(field).base_type(getattr(target_of(field), "decimal_places", None) or 0)

    def column_type(self, field: Field) -> str:
        return self._column(field).own_type()

    def tells_apart(self, field: Field) -> bool:
        return self._column(field).tells_apart()

    def cast(self, field: Field, sql: str) -> str:
        return self._column(field).cast(sql)

    def from_base(self, field: Field, sql: str) -> str:
        return self._column(field).cast(sql)

    def lossy(self, field: Field, sql: str) -> str | None:
        return self._column(field).lossy(sql)

    def differs(self, field: Field, left: str, right: str) -> str:
        return self._column(field).differs(left, right)

    def text(self, field: Field, sql: str) -> str:
        return self._column(field).text(sql)

    def from_text(self, field: Field, sql: str) -> str:
        return self._column(field).from_text(sql)

    def json_string(self, sql: str) -> str:
        return f"coalesce({exact(f'json_quote({sql})')}, 'null')"

    def json_get(self, sql: str, member: str) -> str:
        return f"json_value({sql}, '$.\"{member}\"')"

    def json_has(self, sql: str, member: str) -> str:
        return f"coalesce(json_exists({sql}, '$.\"{member}\"'), FALSE)"

    def json_keys(self, sql: str) -> str:
        return f"json_table(json_keys({sql}), '$[*]' COLUMNS (`key` varchar(64) PATH '$'))"

    def json_list(self, sql: str) -> str:
        return f"'[' || group_concat({sql} SEPARATOR ',') || ']'"

    def json_elements(self, sql: str) -> str:
        return f"json_table({sql}, '$[*]' COLUMNS (n FOR ORDINALITY)) AS e"

    def json_item(self, sql: str, position: int) -> str:
        item = f"json_extract({sql}, concat('$[', e.n - 1, '][{position}]'))"  # json_table has no column for an object
        return f"CASE json_type({item}) WHEN 'NULL' THEN NULL ELSE {exact(f'json_unquote({item})')} END"

    def fingerprint(self, fields: Sequence[Field], alias: str) -> str:
        texts = [self._column(field).printed(f"{alias}.{self.column(field)}") for field in fields]
        hashed = ", ".join(f"coalesce({text}, '-')" for text in texts)
        return f"md5(concat_ws(',', {hashed}))"

    def as_text(self, sql: str) -> str:
        return exact(sql)

    def whole_number(self, value: int) -> str:
        return f"CAST({value} AS signed)"

    def null(self, type_: str) -> str:
        return "NULL"

    def any_value(self, sql: str, type_: str) -> str:
        return f"min({sql})"

    # -- keys

    def version(self, model: type[models.Model]) -> str:
        return self.fingerprint(model._meta.concrete_fields, "t")

    def folded_column(self, sql: str, casefold: bool) -> str:
        return f"lower({exact(sql)})" if casefold else exact(sql)

    def foldable(self, sql: str, casefold: bool) -> str | None:
        return f"octet_length({exact(sql)}) = char_length({exact(sql)})"

    def pairs(self, staged: str, key: str, existing: str, *, wanted: str, paired: str) -> Iterator[str]:
        """With a limit it is not merged, and gets an index for the join; InnoDB has no hash join by default.

        https://mariadb.com/kb/en/derived-table-with-key-optimization/
        """
        found = f"SELECT * FROM ({existing}) y WHERE y.si_key IN ({wanted}) LIMIT {2**64 - 1}"
        yield from super().pairs(staged, key, found, wanted=wanted, paired=paired)

    def made_apart(self, query: str) -> str:
        """There is no word for it, but what is grouped is made first."""
        return f"({query})"

    # -- temporary tables

    def create_temp(self, name: str, columns: Mapping[str, str]) -> None:
        self._temporary.create(name, columns)

    def create_temp_of(self, name: str, select: str, params: Sequence[Any] = ()) -> None:
        self._temporary.create_of(name, select, params)

    def create_numbered_temp_of(self, name: str, number: str, select: str) -> None:
        self._temporary.create_of(name, select, (), key=number)

    def add_temp_column(self, name: str, column: str, type_: str) -> None:
        self._temporary.add_column(name, column, type_)

    def index_temp(self, name: str, column: str) -> None:
        self._temporary.index(name, column)

    def drop_temp(self, names: Iterable[str]) -> None:
        self._temporary.drop(names)

    # -- statements

    def insertion_order(self, number: str, keys: Mapping[str, Field]) -> str:
        """The first primary key moves AUTO_INCREMENT beyond all others, so nobody gets in between."""
        return f"{number} DESC"

    def update(self, table: str, assignments: Sequence[str], source: str, condition: str) -> str:
        alias = table.rpartition(" ")[2]
        assigned = ", ".join(f"{alias}.{each}" for each in assignments)
        return f"UPDATE {table} JOIN ({source}) ON {condition} SET {assigned}"

    def stream(self, sql: str, params: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        return spooled(self.connection, sql, params)

    # -- transactions

    @contextmanager
    def reading_only(self, timeouts: Timeouts) -> Iterator[None]:
        with session(self, READ_ONLY, EACH_STATEMENT, limits(timeouts)):
            yield

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        with session(self, READ_ONLY, EACH_STATEMENT), transaction.atomic(using=self.connection.alias, durable=True):
            yield

    @contextmanager
    def writing(self, timeouts: Timeouts, *, locks_tables: bool = False) -> Iterator[None]:
        isolation = GAPS_LOCKED if locks_tables else EACH_STATEMENT
        deadline, before = Deadline(timeouts.transaction), self._temporary.names
        with session(self, READ_WRITE, isolation, limits(timeouts)):
            try:
                with (
                    self.connection.execute_wrapper(deadline),
                    transaction.atomic(using=self.connection.alias, durable=True),
                ):
                    yield
            except BaseException:
                if self.connection.is_usable():
                    self._temporary.drop(self._temporary.names - before)  # they are not rolled back with the rest
                raise

    # -- writing

    def lock_rows(self, model: type[models.Model], condition: str) -> str:
        pk = self.column(pk_of(model))
        return (
            f"SELECT {pk} AS pk, {self.version(model)} AS ver FROM {self.table(model)} t"
            f" WHERE {condition} ORDER BY {pk} FOR UPDATE"
        )

    def lock_table(self, model: type[models.Model]) -> None:
        """With every row the gap before it is locked, and the one behind the last: see GAPS_LOCKED."""
        self.value(f"SELECT count(*) FROM (SELECT {self.column(pk_of(model))} FROM {self.table(model)} FOR UPDATE) l")

    def enforces(self, constraint: models.BaseConstraint) -> bool:
        """Django leaves out unique constraints over expressions, as MariaDB has no index for them."""
        return not getattr(constraint, "expressions", ())

    def next_keys(self, model: type[models.Model], ordered: str) -> str:
        name, pk = model._meta.db_table, self.column(pk_of(model))
        following, step, offset = self.rows(
            "SELECT auto_increment, @@auto_increment_increment, @@auto_increment_offset FROM information_schema.tables"
            " WHERE table_schema = DATABASE() AND table_name = %s",
            [name],
        )[0]
        if following is None:
            raise SpecError(f"The primary key of {model._meta.label} has no AUTO_INCREMENT.")
        highest = self.value(f"SELECT coalesce(max({pk}), 0) FROM {self.table(model)}")
        free = max(int(following), int(highest) + 1)
        first = free + (int(offset) - free) % int(step)  # servers that replicate each other give out every n-th number
        return f"SELECT q.*, {first} + (row_number() OVER (ORDER BY rec) - 1) * {int(step)} AS pk FROM ({ordered}) q"

    def links_deferred(self, model: type[models.Model], keys: str) -> AbstractContextManager[None]:
        return self._links.within(model, keys)

    def settle_constraints(self) -> None:
        self._links.settle()

    # -- runs

    def run_lock(self, tables: Sequence[str], holder: str) -> AbstractContextManager[None]:
        return named_locks(self, tables)

    def refused(self, sql: str) -> str | None:
        return guard.refusal(sql, self._temporary)

    def witness(
        self, may_delete: Collection[str] = (), targets: Collection[type[models.Model]] = ()
    ) -> AbstractContextManager[Witness]:
        return guard.witness(self, self._temporary)


def require_supported(connection: BaseDatabaseWrapper) -> None:
    """Refuse MySQL, which can't read a temporary table twice in one statement, and old versions of MariaDB.

    Raises:
        GuardUnavailable: the server is one of these.
    """
    if not connection.mysql_is_mariadb:  # type: ignore[attr-defined]  # of this backend
        raise GuardUnavailable(
            "MySQL is not supported: it can't read a temporary table twice in one statement. MariaDB, PostgreSQL and "
            "SQLite are."
        )
    if connection.mysql_version < _OLDEST:  # type: ignore[attr-defined]  # of this backend
        raise GuardUnavailable(f"MariaDB is supported from version {'.'.join(map(str, _OLDEST))} on.")
