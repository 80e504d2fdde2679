"""What SQLite says of a table: columns, key, constraints, foreign keys, the AUTOINCREMENT position."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from safe_import.database.tables import Column, Constraint, ForeignKey, SequencePosition
from safe_import.errors import BackupError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper

_COLUMNS = """
    SELECT name, type, NOT "notnull" AND NOT (pk = 1 AND upper(type) = 'INTEGER'), hidden IN (2, 3),
           dflt_value IS NOT NULL, pk
    FROM pragma_table_xinfo(%s, 'main') WHERE hidden <> 1 ORDER BY cid"""

_UNIQUE = """
    SELECT name, partial FROM pragma_index_list(%s, 'main') WHERE "unique" AND origin <> 'pk' ORDER BY name"""

_FOREIGN = """
    SELECT "table", group_concat("from", ', '), group_concat(coalesce("to", ''), ', '), on_delete
    FROM (SELECT * FROM pragma_foreign_key_list(%s, 'main') ORDER BY id, seq) GROUP BY id ORDER BY 2, 1"""

_TABLES = """
    SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
    AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"""

_CASCADES = ("CASCADE", "SET NULL", "SET DEFAULT")


class Catalog:
    """Questions to the schema on one connection."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection

    def columns(self, name: str) -> list[Column]:
        self._require(name)
        return [
            Column(column, kind, bool(nullable), bool(generated), bool(default))
            for column, kind, nullable, generated, default, _ in self.rows(_COLUMNS, name)
        ]

    def key(self, name: str, columns: Sequence[Column]) -> tuple[str, ...]:
        required = {column.name for column in columns if not column.nullable}
        for names in [self._primary(name), *(names for _, names in self._unique(name))]:
            if names and required.issuperset(names):
                return names
        return ()

    def constraints(self, name: str) -> tuple[Constraint, ...]:
        """Return keys, unique indexes and foreign keys. A check stands in the table's text only."""
        unique = [
            Constraint(index, self._definition(index) or f"UNIQUE ({', '.join(names)})")
            for index, names in self._unique(name)
        ]
        foreign = [
            Constraint(
                f"{name}.{columns}", f"FOREIGN KEY ({columns}) REFERENCES {target} ({targets}) ON DELETE {action}"
            )
            for target, columns, targets, action in self.rows(_FOREIGN, name)
        ]
        primary = self._primary(name)
        return (*([Constraint(name, f"PRIMARY KEY ({', '.join(primary)})")] if primary else []), *unique, *foreign)

    def foreign_keys(self, names: Sequence[str]) -> list[ForeignKey]:
        """Return them with the deferral that a restore gives to all: ``PRAGMA defer_foreign_keys``."""
        found = self.rows(
            'SELECT DISTINCT s.name, f.id, f."table", f.on_delete FROM main.sqlite_schema s'
            " JOIN pragma_foreign_key_list(s.name, 'main') f WHERE s.type = 'table' ORDER BY 1, 2"
        )
        spelled = {name.lower(): name for name in names}
        return [
            ForeignKey(f"{source}.{number}", source, spelled.get(target.lower(), target), True, action in _CASCADES)
            for source, number, target, action in found
            if source in names or target.lower() in spelled
        ]

    def sequences(self, name: str) -> list[SequencePosition]:
        definition = self.rows("SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND name = %s", name)[0][0]
        if not re.search(r"\bautoincrement\b", definition, re.IGNORECASE):
            return []
        position = self.rows("SELECT seq FROM main.sqlite_sequence WHERE name = %s", name)
        [column] = self._primary(name)
        return [SequencePosition(column, "sqlite_sequence", position[0][0] if position else None)]

    def definitions(self, name: str) -> list[str]:
        """Return the statements that make the table and its unique indexes."""
        rows = self.rows(
            "SELECT sql FROM main.sqlite_schema WHERE tbl_name = %s AND sql IS NOT NULL"
            " AND (type = 'table' OR (type = 'index' AND sql LIKE 'CREATE UNIQUE%%')) ORDER BY type DESC",
            name,
        )
        return [definition for (definition,) in rows]

    def triggers(self, name: str) -> list[tuple[str, str]]:
        return self.rows("SELECT name, sql FROM main.sqlite_schema WHERE type = 'trigger' AND tbl_name = %s", name)

    def temporary_tables(self, prefix: str) -> list[str]:
        return [
            name
            for (name,) in self.rows("SELECT name FROM temp.sqlite_schema WHERE type = 'table'")
            if name.startswith(prefix)
        ]

    def all_tables(self) -> list[str]:
        return [name for (name,) in self.rows(_TABLES)]

    def rows(self, sql: str, *params: Any) -> list[Any]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, params or None)
            return list(cursor.fetchall())

    def _primary(self, name: str) -> tuple[str, ...]:
        return tuple(column for _, column in sorted((row[5], row[0]) for row in self.rows(_COLUMNS, name) if row[5]))

    def _unique(self, name: str) -> list[tuple[str, tuple[str, ...]]]:
        """Return the unique indexes with their columns; none for one that is partial or holds an expression."""
        found = []
        for index, partial in self.rows(_UNIQUE, name):
            names = [column for (column,) in self.rows("SELECT name FROM pragma_index_info(%s, 'main')", index)]
            found.append((index, () if partial or None in names else tuple(names)))
        return found

    def _definition(self, index: str) -> str | None:
        definition: str | None = self.rows("SELECT sql FROM main.sqlite_schema WHERE name = %s", index)[0][0]
        return definition

    def _require(self, name: str) -> None:
        found = self.rows("SELECT type, sql FROM main.sqlite_schema WHERE name = %s", name)
        if not found:
            raise BackupError(f"there is no table {name!r} in this database")
        if found[0][0] != "table" or found[0][1].upper().startswith("CREATE VIRTUAL"):
            raise BackupError(f"{name!r} is no ordinary table: views and virtual tables are not backed up")
