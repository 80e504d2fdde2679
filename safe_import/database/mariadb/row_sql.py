"""The SQL by which MariaDB compares a table with its stage, and brings the one to the other.

``t`` is the table, ``s`` its stage, whose columns have the types and collations of the table: so a row is recognised as
the unique index of its key would. Whether its values differ is asked character by character: Note [Collations].
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from safe_import.database.mariadb.columns import StoredColumn
    from safe_import.database.tables import Staged


def create_stage(table: Staged, columns: Mapping[str, StoredColumn]) -> str:
    """Return the statement that makes the stage."""
    body = [f"{quoted(name)} {columns[name].own_type()} NULL" for name in table.columns]
    return f"CREATE TEMPORARY TABLE {table.stage} ({', '.join(body)}, KEY ({_names(table.key)})) ENGINE = InnoDB"


def differences(table: Staged, columns: Mapping[str, StoredColumn]) -> tuple[str, str, str]:
    """Return three queries: how many rows are missing, changed, surplus."""
    both = f"FROM {table.stage} s JOIN {quoted(table.name)} t ON {_match(table)}"
    every = f"FROM {quoted(table.name)} t LEFT JOIN {table.stage} s ON {_match(table)}"
    return (
        f"SELECT count(*) FROM {table.stage} s WHERE {_missing(table)}",
        f"SELECT count(*) {both} WHERE {_changed(table, columns)}",
        f"SELECT count(*) {every} WHERE {_alone(table)}",
    )


def insert_missing(table: Staged) -> str:
    """Return the statement that inserts the rows which only the stage has."""
    into = f"INSERT INTO {quoted(table.name)} ({_names(table.written)})"
    return f"{into} SELECT {_names(table.written, 's.')} FROM {table.stage} s WHERE {_missing(table)}"


def update_changed(table: Staged, columns: Mapping[str, StoredColumn]) -> str:
    """Return the statement that gives the rows which differ the values of the stage."""
    values = ", ".join(f"t.{quoted(name)} = s.{quoted(name)}" for name in table.written)
    return (
        f"UPDATE {quoted(table.name)} t JOIN {table.stage} s ON {_match(table)} SET {values}"
        f" WHERE {_changed(table, columns)}"
    )


def delete_surplus(table: Staged) -> str:
    """Return the statement that deletes the rows which the stage does not have."""
    return f"DELETE t FROM {quoted(table.name)} AS t LEFT JOIN {table.stage} s ON {_match(table)} WHERE {_alone(table)}"


def delete_changed(table: Staged, columns: Mapping[str, StoredColumn]) -> str:
    """Return the statement that deletes the rows which differ."""
    both = f"FROM {quoted(table.name)} AS t JOIN {table.stage} s ON {_match(table)}"
    return f"DELETE t {both} WHERE {_changed(table, columns)}"


def quoted(name: str) -> str:
    """Return an identifier in quotes."""
    return f"`{name.replace('`', '``')}`"


def _names(columns: Sequence[str], alias: str = "") -> str:
    return ", ".join(f"{alias}{quoted(column)}" for column in columns)


def _match(table: Staged) -> str:
    return " AND ".join(f"t.{quoted(column)} = s.{quoted(column)}" for column in table.key)


def _missing(table: Staged) -> str:
    return f"NOT EXISTS (SELECT 1 FROM {quoted(table.name)} t WHERE {_match(table)})"


def _alone(table: Staged) -> str:
    return f"s.{quoted(table.key[0])} IS NULL"


def _changed(table: Staged, columns: Mapping[str, StoredColumn]) -> str:
    differing = [columns[name].differs(f"t.{quoted(name)}", f"s.{quoted(name)}") for name in table.columns]
    return f"({' OR '.join(differing)})"
