"""Everything that a database holds, to tell whether it is as before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection

Contents = Callable[[], dict[str, list[tuple[Any, ...]]]]


def contents_of_database() -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table, and the state of every sequence, by their names."""
    with connection.cursor() as cursor:
        tables = sorted(connection.introspection.table_names(cursor, include_views=False))
        found = {table: _rows(cursor, f"SELECT * FROM {connection.ops.quote_name(table)}") for table in tables}
        if connection.vendor == "postgresql":
            names = [name for (name,) in _rows(cursor, "SELECT sequencename FROM pg_sequences ORDER BY 1")]
            for name in names:
                found[name] = _rows(cursor, f"SELECT last_value, is_called FROM {connection.ops.quote_name(name)}")
        elif connection.vendor == "mysql":
            tables_of_this = "FROM information_schema.tables WHERE table_schema = DATABASE()"
            found["auto_increment_seq"] = _rows(cursor, f"SELECT table_name, auto_increment {tables_of_this}")
        else:
            found["sqlite_sequence"] = _rows(cursor, "SELECT * FROM sqlite_sequence")
    return found


def without_sequences(contents: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    """Return the contents of the tables alone: sequences are never rewound."""
    return {name: rows for name, rows in contents.items() if not name.endswith(("_seq", "sqlite_sequence"))}


def _rows(cursor: Any, sql: str) -> list[tuple[Any, ...]]:
    cursor.execute(sql)
    return sorted(cursor.fetchall(), key=repr)
