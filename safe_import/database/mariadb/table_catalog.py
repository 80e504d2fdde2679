"""What MariaDB's catalog says of a table: columns, key, constraints, foreign keys, AUTO_INCREMENT."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from safe_import.database.mariadb.columns import CATALOG, StoredColumn, stored_columns
from safe_import.database.mariadb.links import foreign_keys
from safe_import.database.tables import Column, Constraint, ForeignKey, SequencePosition
from safe_import.errors import BackupError, GuardUnavailable, SpecError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from safe_import.database.mariadb.dialect import MariaDB

_COLUMNS = """
    SELECT column_name, column_type, is_nullable = 'YES', is_generated <> 'NEVER',
           column_default IS NOT NULL OR extra LIKE '%%auto_increment%%'
    FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = %s ORDER BY ordinal_position"""

# Those over whole columns that can't be NULL; the primary key first.
_KEYS = """
    SELECT index_name, group_concat(column_name ORDER BY seq_in_index SEPARATOR '\n')
    FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = %s AND non_unique = 0
    GROUP BY index_name HAVING max(nullable = 'YES') = 0 AND count(sub_part) = 0
    ORDER BY index_name <> 'PRIMARY', index_name"""

_INCREMENTED = """
    SELECT c.column_name, t.auto_increment FROM information_schema.columns c
    JOIN information_schema.tables t USING (table_schema, table_name)
    WHERE t.table_schema = DATABASE() AND t.table_name = %s AND c.extra LIKE '%%auto_increment%%'"""

_CASCADES = (
    """
    SELECT constraint_name FROM information_schema.referential_constraints
    WHERE constraint_schema = DATABASE() AND table_name = %s
      AND delete_rule IN ('CASCADE', 'SET NULL', 'SET DEFAULT')"""
    ""
)

_CONSTRAINT = re.compile(r"^  (PRIMARY KEY .*|UNIQUE KEY `.*|CONSTRAINT `.*)$")
_NAME = re.compile(r"(?:UNIQUE KEY|CONSTRAINT) `((?:[^`]|``)+)` ?(.*)")


class Catalog:
    """Questions to the catalog of the dialect's connection."""

    def __init__(self, dialect: MariaDB) -> None:
        self._dialect = dialect

    def all_tables(self) -> list[str]:
        found = self._dialect.rows(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
            " AND table_type = 'BASE TABLE' ORDER BY table_name"
        )
        return [name for (name,) in found]

    def require(self, name: str) -> None:
        """Refuse what is no table of InnoDB: nothing else has snapshots and transactions."""
        try:
            self._dialect.table_named(name)
        except SpecError:
            raise BackupError(f"there is no table {name!r} in this database") from None
        except GuardUnavailable as error:
            raise BackupError(f"{name!r} is no ordinary table: {error}") from None

    def stored(self, name: str) -> dict[str, StoredColumn]:
        try:
            return stored_columns(name, self._dialect.rows(CATALOG, [name]))
        except SpecError as error:
            raise BackupError(str(error)) from None

    def columns(self, name: str) -> tuple[Column, ...]:
        rows = self._dialect.rows(_COLUMNS, [name])
        return tuple(
            Column(column, type_, bool(null), bool(made), bool(default)) for column, type_, null, made, default in rows
        )

    def key(self, name: str) -> tuple[str, ...]:
        found = self._dialect.rows(_KEYS, [name])
        return tuple(found[0][1].split("\n")) if found else ()

    def definition(self, name: str) -> list[str]:
        """The lines of the statement that makes the table."""
        return str(self._dialect.rows(f"SHOW CREATE TABLE {self._dialect.quote(name)}")[0][1]).splitlines()

    def constraints(self, name: str) -> tuple[Constraint, ...]:
        lines = [found[1].rstrip(",") for line in self.definition(name) if (found := _CONSTRAINT.match(line))]
        return tuple(_constraint(line) for line in lines)

    def foreign_keys(self, names: Sequence[str]) -> list[ForeignKey]:
        """With the deferral that a restore gives to all of them."""
        found = {each.name: each for name in names for each in foreign_keys(self._dialect, name)}
        cascading = {
            constraint
            for source in {each.source for each in found.values()}
            for (constraint,) in self._dialect.rows(_CASCADES, [source])
        }
        return [ForeignKey(e.name, e.source, e.target, True, e.name in cascading) for e in found.values()]

    def sequences(self, name: str) -> list[SequencePosition]:
        return [
            SequencePosition(column, "AUTO_INCREMENT", following - 1 or None)
            for column, following in self._dialect.rows(_INCREMENTED, [name])
        ]

    def triggers(self, name: str) -> list[str]:
        found = self._dialect.rows(
            "SELECT trigger_name FROM information_schema.triggers WHERE event_object_schema = DATABASE()"
            " AND event_object_table = %s ORDER BY trigger_name",
            [name],
        )
        return [trigger for (trigger,) in found]


def _constraint(line: str) -> Constraint:
    named = _NAME.match(line)
    if named is None:
        return Constraint("PRIMARY", line)
    kind = "UNIQUE KEY " if line.startswith("UNIQUE") else ""
    return Constraint(named[1], f"{kind}{named[2]}")
