"""Whole tables on MariaDB: every value travels in its text form, bytes as hexadecimal digits."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import orjson
from django.db import IntegrityError, transaction

from safe_import.database.dialect import Timeouts
from safe_import.database.mariadb import row_sql
from safe_import.database.mariadb.dialect import MariaDB
from safe_import.database.mariadb.links import NO_PARENT, foreign_keys, orphans
from safe_import.database.mariadb.session import ONE_SNAPSHOT, READ_ONLY, READ_WRITE, limits, session
from safe_import.database.mariadb.spool import chunks
from safe_import.database.mariadb.table_catalog import Catalog
from safe_import.database.tables import Difference, SequencePosition, Table, require_no_transaction
from safe_import.errors import BackupError
from safe_import.failpoints import failpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper

    from safe_import.database.mariadb.columns import StoredColumn
    from safe_import.database.tables import ForeignKey, Staged, Tables

_NO_LIMIT = {"max_statement_time": 0.0}
_BATCH = 1000


class MariaDBTables:
    """See :class:`safe_import.database.tables.Tables`."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection
        self._dialect = MariaDB(connection)
        self._catalog = Catalog(self._dialect)
        self._stages: list[str] = []
        self._positions: dict[str, int] = {}

    def server_version(self) -> str:
        return str(self._dialect.value("SELECT VERSION()"))

    def all_tables(self) -> list[str]:
        return self._catalog.all_tables()

    @contextmanager
    def snapshot(self, names: Sequence[str], *, lock_timeout: float) -> Iterator[None]:
        require_no_transaction(self._connection)
        with session(self._dialect, READ_ONLY, ONE_SNAPSHOT, _NO_LIMIT), self._transaction():
            self._dialect.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            yield

    @contextmanager
    def counting(self) -> Iterator[None]:
        require_no_transaction(self._connection)
        with session(self._dialect, READ_WRITE, ONE_SNAPSHOT, _NO_LIMIT):
            try:
                with self._transaction():
                    yield
                    transaction.set_rollback(True, using=self._connection.alias)
            finally:
                self._drop_stages()

    @contextmanager
    def restoring(self, names: Sequence[str], *, lock_timeout: float) -> Iterator[None]:
        require_no_transaction(self._connection)
        self._refuse_triggers(names)
        seconds = limits(Timeouts(lock_timeout, 0))
        checks_off = {**READ_WRITE, "foreign_key_checks": 0}
        with session(self._dialect, checks_off, ONE_SNAPSHOT, seconds):
            try:
                with self._transaction():
                    for name in sorted(names):  # every row, and the gaps between them
                        self._dialect.value(f"SELECT count(*) FROM (SELECT 1 FROM {row_sql.quoted(name)} FOR UPDATE) l")
                    yield
                    self._judge_foreign_keys(names)
            finally:
                self._drop_stages()
        self._move_positions()

    @contextmanager
    def scratch(self, names: Sequence[str]) -> Iterator[Tables]:
        """Temporary tables hide those of the same names."""
        with self.counting():
            for name in names:
                self._catalog.require(name)
                first, *body, last = self._catalog.definition(name)
                own = "\n".join(line.rstrip(",") + "," for line in body if " FOREIGN KEY " not in line).rstrip(",")
                self._dialect.execute(f"{first.replace('CREATE', 'CREATE TEMPORARY', 1)}\n{own}\n{last}")
                self._stages.append(name)
            yield self

    def forbid_writes(self) -> None:
        """The next transaction may only read. What ends here wrote nothing but temporary tables."""
        self._dialect.execute("SET SESSION tx_read_only = 1")
        self._dialect.execute("COMMIT")

    def describe(self, name: str) -> Table:
        self._catalog.require(name)
        return Table(name, self._catalog.columns(name), self._catalog.key(name), self._catalog.constraints(name))

    def foreign_keys(self, names: Sequence[str]) -> list[ForeignKey]:
        return self._catalog.foreign_keys(names)

    def sequences(self, name: str) -> list[SequencePosition]:
        return self._catalog.sequences(name)

    def advance(self, name: str, position: SequencePosition) -> None:
        """InnoDB itself advances to the highest number that is inserted. What is left commits, so it comes last."""
        [current] = [each.position for each in self.sequences(name)]
        if position.position is not None and (current is None or current < position.position):
            failpoint("restore.sequence")
            self._positions[name] = position.position + 1

    def read(self, name: str, columns: Sequence[str], where: str | None, sink: Callable[[bytes], object]) -> None:
        stored = self._catalog.stored(name)
        texts = ", ".join(stored[column].text(f"t.{row_sql.quoted(column)}") for column in columns) or "1"
        sql = f"SELECT {texts} FROM {row_sql.quoted(name)} t WHERE {where or 'TRUE'}"
        for rows in chunks(self._connection, sql):
            for row in rows:
                sink(orjson.dumps(row) + b"\n")

    def is_empty(self, name: str) -> bool:
        return not self._dialect.value(f"SELECT EXISTS (SELECT 1 FROM {row_sql.quoted(name)})")

    def fill(self, table: Staged, blocks: Iterable[bytes]) -> None:
        self._load(row_sql.quoted(table.name), table, blocks)

    def stage(self, table: Staged, blocks: Iterable[bytes]) -> None:
        if not table.key:
            raise BackupError(
                f"table {table.name!r} has no key by which its rows could be told apart; on MariaDB it can be restored "
                "only where it is empty"
            )
        self._dialect.execute(f"DROP TEMPORARY TABLE IF EXISTS {table.stage}")
        self._dialect.execute(row_sql.create_stage(table, self._catalog.stored(table.name)))
        self._stages.append(table.stage)
        self._load(table.stage, table, blocks)

    def difference(self, table: Staged) -> Difference:
        queries = row_sql.differences(table, self._catalog.stored(table.name))
        return Difference(*(self._dialect.value(query) for query in queries))

    def delete_surplus(self, table: Staged) -> None:
        self._dialect.execute(row_sql.delete_surplus(table))

    def update_changed(self, table: Staged) -> None:
        self._dialect.execute(row_sql.update_changed(table, self._catalog.stored(table.name)))

    def delete_changed(self, table: Staged) -> None:
        self._dialect.execute(row_sql.delete_changed(table, self._catalog.stored(table.name)))

    def insert_missing(self, table: Staged) -> None:
        self._dialect.execute(row_sql.insert_missing(table))

    # -- how

    def _transaction(self) -> Any:
        return transaction.atomic(using=self._connection.alias)

    def _load(self, relation: str, table: Staged, blocks: Iterable[bytes]) -> None:
        stored = self._catalog.stored(table.name)
        names = ", ".join(map(row_sql.quoted, table.columns))
        sql = f"INSERT INTO {relation} ({names}) VALUES ({', '.join(['%s'] * len(table.columns))})"
        columns = [stored[name] for name in table.columns]
        with self._connection.cursor() as cursor:
            for block in blocks:
                rows = [_row(line, columns) for line in block.splitlines()]
                for start in range(0, len(rows), _BATCH):
                    cursor.executemany(sql, rows[start : start + _BATCH])

    def _refuse_triggers(self, names: Sequence[str]) -> None:
        for name in names:
            if triggers := self._catalog.triggers(name):
                raise BackupError(
                    f"table {name!r} has triggers, which MariaDB can't switch off for a restore: "
                    f"{', '.join(triggers)}. Drop them, restore, and make them again"
                )

    def _judge_foreign_keys(self, names: Sequence[str]) -> None:
        for each in {key.name: key for name in names for key in foreign_keys(self._dialect, name)}.values():
            if self._dialect.value(f"SELECT count(*) {orphans(each, row_sql.quoted(each.source))}"):
                raise IntegrityError(NO_PARENT, f"CONSTRAINT `{each.name}`")

    def _drop_stages(self) -> None:
        if self._connection.is_usable():
            self._dialect.execute("SET SESSION tx_read_only = 0")
            for name in self._stages:
                self._dialect.execute(f"DROP TEMPORARY TABLE IF EXISTS {row_sql.quoted(name)}")
        self._stages.clear()

    def _move_positions(self) -> None:
        for name, following in self._positions.items():
            self._dialect.execute(f"ALTER TABLE {row_sql.quoted(name)} AUTO_INCREMENT = {following}")
        self._positions.clear()


def _row(line: bytes, columns: Sequence[StoredColumn]) -> list[Any]:
    values = orjson.loads(line)
    return [
        bytes.fromhex(text) if text is not None and column.holds_bytes else text
        for text, column in zip(values, columns, strict=True)
    ]
