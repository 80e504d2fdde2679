"""Foreign keys that are judged at the end: InnoDB itself judges them row by row, and can't wait."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from django.db import IntegrityError, models

if TYPE_CHECKING:
    from collections.abc import Iterator

    from safe_import.database.dialect import Dialect

NO_PARENT = 1452
"""The number of the error by which InnoDB refuses a record that refers to none."""

_FOREIGN_KEYS = """
    SELECT constraint_name, table_name, column_name, referenced_table_name, referenced_column_name
    FROM information_schema.key_column_usage
    WHERE table_schema = DATABASE() AND referenced_table_schema = DATABASE()
      AND (table_name = %s OR referenced_table_name = %s)
    ORDER BY table_name, constraint_name, ordinal_position"""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A reference: its columns, and those that they refer to."""

    name: str
    source: str
    columns: tuple[str, ...]
    target: str
    referenced: tuple[str, ...]


def foreign_keys(dialect: Dialect, table: str) -> Iterator[ForeignKey]:
    """The references from a table and to it."""
    rows = dialect.rows(_FOREIGN_KEYS, [table, table])
    for (name, source, target), parts in groupby(rows, key=lambda row: (row[0], row[1], row[3])):
        pairs = [(column, referenced) for _, _, column, _, referenced in parts]
        yield ForeignKey(name, source, tuple(c for c, _ in pairs), target, tuple(r for _, r in pairs))


def orphans(link: ForeignKey, source: str) -> str:
    """A FROM: the rows c of ``source`` that refer to nothing."""
    pairs = zip(link.columns, link.referenced, strict=True)
    joined = " AND ".join(f"p.{_quoted(referenced)} = c.{_quoted(column)}" for column, referenced in pairs)
    given = " AND ".join(f"c.{_quoted(column)} IS NOT NULL" for column in link.columns)
    missing = f"p.{_quoted(link.referenced[0])} IS NULL"
    return f"FROM {source} c LEFT JOIN {_quoted(link.target)} p ON {joined} WHERE {given} AND {missing}"


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"


class DeferredLinks:
    """The records whose links are still to be judged."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._pending: list[tuple[type[models.Model], str]] = []

    @contextmanager
    def within(self, model: type[models.Model], keys: str) -> Iterator[None]:
        """Let InnoDB judge no foreign key; ``settle`` judges those of the records of the SELECT ``keys``."""
        before = self._dialect.value("SELECT @@SESSION.foreign_key_checks")
        self._dialect.execute("SET SESSION foreign_key_checks = 0")
        self._pending.append((model, keys))
        try:
            yield
        finally:
            self._dialect.execute(f"SET SESSION foreign_key_checks = {before}")

    def settle(self) -> None:
        """Judge them, and keep what they refer to from being deleted until the transaction ends.

        Raises:
            IntegrityError: one refers to nothing, or is gone although others refer to it.
        """
        pending, self._pending = self._pending, []
        for model, keys in pending:
            gone = self._dialect.value(f"SELECT count(*) FROM {self._gone(model, keys)}")
            table, pk = self._table(model), self._pk(model)
            written = f"SELECT c.* FROM {table} c JOIN ({keys}) w ON w.pk = c.{pk}"
            for each in foreign_keys(self._dialect, model._meta.db_table):
                if each.source == model._meta.db_table:
                    self._judge(each, written)
                if gone and each.target == model._meta.db_table:
                    self._judge_those_left(each, self._gone(model, keys))

    def _judge(self, link: ForeignKey, written: str) -> None:
        self._assert_none(link, f"SELECT count(*) {orphans(link, f'({written})')} LOCK IN SHARE MODE")

    def _judge_those_left(self, link: ForeignKey, gone: str) -> None:
        """The records that refer to deleted ones. A reference to another column than the primary key is none here."""
        if len(link.columns) > 1:
            return
        column = self._dialect.quote(link.columns[0])
        table = self._dialect.quote(link.source)
        self._assert_none(link, f"SELECT count(*) FROM {table} c JOIN {gone} ON g.pk = c.{column} LOCK IN SHARE MODE")

    def _assert_none(self, link: ForeignKey, sql: str) -> None:
        if self._dialect.value(sql):
            raise IntegrityError(NO_PARENT, f"CONSTRAINT `{link.name}`")

    def _gone(self, model: type[models.Model], keys: str) -> str:
        """A FROM: the keys g of records that are not there any more."""
        table, pk = self._table(model), self._pk(model)
        return f"(SELECT w.pk FROM ({keys}) w LEFT JOIN {table} t ON t.{pk} = w.pk WHERE t.{pk} IS NULL) g"

    def _table(self, model: type[models.Model]) -> str:
        return self._dialect.table(model)

    def _pk(self, model: type[models.Model]) -> str:
        return self._dialect.column(model._meta.pk)
