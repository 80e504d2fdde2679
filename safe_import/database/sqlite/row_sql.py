"""The SQL by which SQLite compares a table with its stage, and brings the one to the other.

``t`` is the table, ``s`` its stage. Values are equal when their storage class is, and their bytes: no affinity and no
collation of a column has a say. Rows without a key are recognised by all values and, for equal rows, by their number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from safe_import.database.tables import Staged

# Names that no table of a user has.
_LINE, _NUMBER, _PLACE = "safe_import_line", "safe_import_number", "safe_import_place"
_SAME = f"t.{_LINE} = s.{_LINE} AND t.{_NUMBER} = s.{_NUMBER}"


def plain_select(table: str, columns: Sequence[str]) -> str:
    """Return a query for the stored values; behind the plus, no converter of Django knows a column's type."""
    values = ", ".join(f"+t.{quoted(column)} AS c{place}" for place, column in enumerate(columns))
    return f"SELECT {values} FROM main.{quoted(table)} AS t"


def differences(table: Staged) -> tuple[str, str, str]:
    """Return three queries: how many rows are missing, changed, surplus."""
    if not table.key:
        want, have = _numbered(table)
        return (
            f"SELECT count(*) FROM {want} s WHERE NOT EXISTS (SELECT 1 FROM {have} t WHERE {_SAME})",
            "SELECT 0",
            f"SELECT count(*) FROM {have} t WHERE NOT EXISTS (SELECT 1 FROM {want} s WHERE {_SAME})",
        )
    return (
        f"SELECT count(*) FROM {_stage(table)} s WHERE {_missing(table)}",
        f"SELECT count(*) FROM {_stage(table)} s JOIN {_target(table)} t ON {_changed(table)}",
        f"SELECT count(*) FROM {_target(table)} t WHERE {_surplus(table)}",
    )


def stage_index(table: Staged) -> list[str]:
    """Return what makes the search in the stage quick."""
    if not table.key:
        return []
    return [f"CREATE INDEX temp.{table.stage}_key ON {table.stage} ({_names(table.key)})"]


def insert_missing(table: Staged) -> str:
    """Return the statement that inserts the rows which only the stage has."""
    if table.key:
        rows, condition = _stage(table), _missing(table)
    else:
        rows, have = _numbered(table)
        condition = f"NOT EXISTS (SELECT 1 FROM {have} t WHERE {_SAME})"
    values = _names(table.written, "s.")
    return f"INSERT INTO {_target(table)} ({_names(table.written)}) SELECT {values} FROM {rows} s WHERE {condition}"


def update_changed(table: Staged) -> list[str]:
    """Return no statement for a table without a key: its rows are missing, never changed."""
    if not table.key:
        return []
    values = ", ".join(f"{quoted(name)} = s.{quoted(name)}" for name in table.written)
    return [f"UPDATE {_target(table)} AS t SET {values} FROM {_stage(table)} s WHERE {_changed(table)}"]


def delete_surplus(table: Staged) -> str:
    """Return the statement that deletes the rows which the stage does not have."""
    if table.key:
        return f"DELETE FROM {_target(table)} AS t WHERE {_surplus(table)}"
    want, have = _numbered(table)
    surplus = f"SELECT t.{_PLACE} FROM {have} t WHERE NOT EXISTS (SELECT 1 FROM {want} s WHERE {_SAME})"
    return f"DELETE FROM {_target(table)} WHERE _rowid_ IN ({surplus})"


def delete_changed(table: Staged) -> str:
    """Return the statement that deletes the rows which differ."""
    keys = ", ".join(f"t.{quoted(column)}" for column in table.key)
    changed = f"SELECT {keys} FROM {_stage(table)} s JOIN {_target(table)} t ON {_changed(table)}"
    return f"DELETE FROM {_target(table)} WHERE ({_names(table.key)}) IN ({changed})"


def quoted(name: str) -> str:
    """Return an identifier in quotes."""
    return '"' + name.replace('"', '""') + '"'


def _names(columns: Sequence[str], alias: str = "") -> str:
    return ", ".join(f"{alias}{quoted(column)}" for column in columns)


def _target(table: Staged) -> str:
    return f"main.{quoted(table.name)}"


def _stage(table: Staged) -> str:
    return f"temp.{table.stage}"


def _match(table: Staged) -> str:
    return " AND ".join(f"t.{quoted(column)} = s.{quoted(column)}" for column in table.key)


def _missing(table: Staged) -> str:
    return f"NOT EXISTS (SELECT 1 FROM {_target(table)} t WHERE {_match(table)})"


def _surplus(table: Staged) -> str:
    """The plus takes the affinity from the table's column, or the index of the stage could not be used."""
    match = " AND ".join(f"s.{quoted(column)} = +t.{quoted(column)}" for column in table.key)
    return f"NOT EXISTS (SELECT 1 FROM {_stage(table)} s WHERE {match})"


def _changed(table: Staged) -> str:
    differing = " OR ".join(
        f"+t.{name} IS NOT s.{name} COLLATE BINARY OR typeof(t.{name}) <> typeof(s.{name})"
        for name in map(quoted, table.columns)
    )
    return f"{_match(table)} AND ({differing})"


def _line(table: Staged, alias: str) -> str:
    names = [f"{alias}.{quoted(column)}" for column in table.columns]
    exact = "CASE typeof({0}) WHEN 'real' THEN quote({0}) ELSE typeof({0}) || hex({0}) END"
    return " || ',' || ".join(exact.format(name) for name in names)


def _numbered(table: Staged) -> tuple[str, str]:
    """Return stage and table as sub-queries with the identity of each row and its number among equal rows."""
    number = f"row_number() OVER (PARTITION BY {_LINE}) AS {_NUMBER}"
    want = f"SELECT s.*, {_line(table, 's')} AS {_LINE} FROM {_stage(table)} s"
    have = f"SELECT t._rowid_ AS {_PLACE}, {_line(table, 't')} AS {_LINE} FROM {_target(table)} t"
    return f"(SELECT *, {number} FROM ({want}))", f"(SELECT *, {number} FROM ({have}))"
