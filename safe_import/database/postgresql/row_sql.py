"""The SQL by which PostgreSQL compares a table with its stage, and brings the one to the other.

``t`` is the table, ``s`` its stage. Rows are compared as lines, the form in which they are backed up, so that ``1.0``
is not ``1``. Rows of a table without a key are recognised by their line and, for equal lines, by their number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from safe_import.database.postgresql.table_catalog import Catalog
    from safe_import.database.tables import SequencePosition, Staged

_INTEGERS = ("smallint", "integer", "bigint", "numeric")


class RowSQL:
    """Statements for one connection; the catalog says what the columns are."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def line(self, table: str, columns: Sequence[str], alias: str) -> str:
        """Return the expression of a row's line: Note [The text of a value]."""
        relation = self._catalog.relation(table)
        by_output = {column.name: special for column, special in self._catalog.columns(relation)}
        texts = []
        for column in columns:
            name = f"{alias}.{quoted(column)}"
            plain = f"{name}::text"
            texts.append(f"CASE num_nulls({name}) WHEN 0 THEN concat({name}) END" if by_output[column] else plain)
        return f"to_json(ARRAY[{', '.join(texts)}]::text[])"

    def names(self, columns: Sequence[str], alias: str = "") -> str:
        return ", ".join(f"{alias}{quoted(column)}" for column in columns)

    def differences(self, table: Staged) -> tuple[str, str, str]:
        """Return three queries: how many rows are missing, changed, surplus."""
        if not table.key:
            want, have = self._numbered(table)
            missing = f"SELECT count(*) FROM {want} s WHERE NOT EXISTS (SELECT FROM {have} t WHERE {_SAME})"
            surplus = f"SELECT count(*) FROM {have} t WHERE NOT EXISTS (SELECT FROM {want} s WHERE {_SAME})"
            return missing, "SELECT 0", surplus
        return (
            f"SELECT count(*) FROM {_stage(table)} s WHERE {self._missing(table)}",
            f"SELECT count(*) FROM {_stage(table)} s JOIN {self._source(table)} t ON {self._changed(table)}",
            f"SELECT count(*) FROM {self._source(table)} t WHERE {self._surplus(table)}",
        )

    def insert_missing(self, table: Staged) -> str:
        relation = self._catalog.relation(table.name).name
        into = f"{relation} ({self.names(table.written)})" if table.written else relation
        if table.key:
            rows, condition = _stage(table), self._missing(table)
        else:
            rows, have = self._numbered(table)
            condition = f"NOT EXISTS (SELECT FROM {have} t WHERE {_SAME})"
        selected = self.names(table.written, "s.")
        return f"INSERT INTO {into} OVERRIDING SYSTEM VALUE SELECT {selected} FROM {rows} s WHERE {condition}"

    def update_changed(self, table: Staged) -> list[str]:
        """Return no statement where there is nothing to update: a row without a key is missing, never changed."""
        settable = [name for name in table.written if name not in self._always_generated(table.name)]
        if not table.key or not settable:
            return []
        values = ", ".join(f"{quoted(name)} = s.{quoted(name)}" for name in settable)
        return [f"UPDATE {self._source(table)} t SET {values} FROM {_stage(table)} s WHERE {self._changed(table)}"]

    def delete_surplus(self, table: Staged) -> str:
        if table.key:
            return f"DELETE FROM {self._source(table)} t WHERE {self._surplus(table)}"
        want, have = self._numbered(table)
        surplus = f"SELECT t.{_PLACE} FROM {have} t WHERE NOT EXISTS (SELECT FROM {want} s WHERE {_SAME})"
        return f"DELETE FROM {self._source(table)} t WHERE ROW(t.tableoid, t.ctid)::text IN ({surplus})"

    def delete_changed(self, table: Staged) -> str:
        return f"DELETE FROM {self._source(table)} t USING {_stage(table)} s WHERE {self._changed(table)}"

    def triggers(self, table: str) -> list[tuple[str, str, str]]:
        """Return the triggers of users that are on: table, name, and the words that switch them on again."""
        relation = self._catalog.relation(table)
        rows = self._catalog.rows(
            "SELECT quote_ident(tgname), CASE tgenabled WHEN 'A' THEN 'ENABLE ALWAYS TRIGGER' ELSE 'ENABLE TRIGGER' END"
            " FROM pg_trigger WHERE tgrelid = %s AND NOT tgisinternal AND tgenabled IN ('O', 'A') ORDER BY tgname",
            relation.oid,
        )
        return [(relation.name, name, enable) for name, enable in rows]

    def position_after(self, table: str, position: SequencePosition) -> str:
        """Return a query for the position the sequence has to move to; NULL when it is there or further."""
        relation = self._catalog.relation(table)
        numeric = next(c.type for c, _ in self._catalog.columns(relation) if c.name == position.column) in _INTEGERS
        column = quoted(position.column)
        highest = f"(SELECT CASE WHEN i > 0 THEN max({column}) ELSE min({column}) END::numeric FROM {relation.source})"
        reached = "CASE WHEN is_called THEN last_value ELSE last_value - i END::numeric"
        return (
            f"SELECT CASE WHEN goal * i > reached * i THEN least(greatest(goal, lowest), most)::bigint END"
            f" FROM (SELECT i, lowest, most, {reached} reached, CASE WHEN i > 0"
            f" THEN greatest({position.position or 'NULL'}, {highest if numeric else 'NULL'})"
            f" ELSE least({position.position or 'NULL'}, {highest if numeric else 'NULL'}) END goal"
            f" FROM {position.sequence}, (SELECT seqincrement i, seqmin lowest, seqmax most FROM pg_sequence"
            f" WHERE seqrelid = {literal(position.sequence)}::regclass) q) p"
        )

    def cache(self, sequence: str) -> int:
        query = f"SELECT seqcache FROM pg_sequence WHERE seqrelid = {literal(sequence)}::regclass"
        return int(self._catalog.rows(query)[0][0])

    def _always_generated(self, table: str) -> set[str]:
        """Return the columns that can be inserted, but never be updated."""
        relation = self._catalog.relation(table)
        query = "SELECT attname FROM pg_attribute WHERE attrelid = %s AND attidentity = 'a'"
        return {name for (name,) in self._catalog.rows(query, relation.oid)}

    def _source(self, table: Staged) -> str:
        return self._catalog.relation(table.name).source

    def _match(self, table: Staged) -> str:
        return " AND ".join(f"t.{quoted(column)} = s.{quoted(column)}" for column in table.key)

    def _missing(self, table: Staged) -> str:
        return f"NOT EXISTS (SELECT FROM {self._source(table)} t WHERE {self._match(table)})"

    def _surplus(self, table: Staged) -> str:
        return f"NOT EXISTS (SELECT FROM {_stage(table)} s WHERE {self._match(table)})"

    def _changed(self, table: Staged) -> str:
        ours, theirs = (f'{self.line(table.name, table.columns, alias)}::text COLLATE "C"' for alias in "ts")
        return f"{self._match(table)} AND {ours} <> {theirs}"

    def _numbered(self, table: Staged) -> tuple[str, str]:
        """Return stage and table as sub-queries with the line of each row and its number among equal lines."""
        line = {alias: f'{self.line(table.name, table.columns, alias)}::text COLLATE "C"' for alias in "st"}
        number = f"row_number() OVER (PARTITION BY {_LINE}) AS {_NUMBER}"
        want = f"(SELECT *, {number} FROM (SELECT s.*, {line['s']} AS {_LINE} FROM {_stage(table)} s) q)"
        rows = f"SELECT ROW(t.tableoid, t.ctid)::text AS {_PLACE}, {line['t']} AS {_LINE} FROM {self._source(table)} t"
        return want, f"(SELECT *, {number} FROM ({rows}) q)"


# Names that no table of a user has.
_LINE, _NUMBER, _PLACE = "safe_import_line", "safe_import_number", "safe_import_place"
_SAME = f"t.{_LINE} = s.{_LINE} AND t.{_NUMBER} = s.{_NUMBER}"


def quoted(name: str) -> str:
    """Return an identifier in quotes."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a string literal; the names of sequences come from the catalog."""
    return "'" + text.replace("'", "''") + "'"


def _stage(table: Staged) -> str:
    return f"pg_temp.{table.stage}"
