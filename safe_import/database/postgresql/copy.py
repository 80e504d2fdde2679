"""COPY of a batch of rows into a temporary table, with psycopg 2 or 3, whichever Django uses."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Text format of COPY: https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\b": "\\b", "\f": "\\f", "\v": "\\v"})


def copy_rows(cursor: Any, sql: str, rows: Iterable[Sequence[Any]]) -> None:
    """Sends encoded rows with ``sql``, a ``COPY ... FROM STDIN`` in text format."""
    data = "".join(["\t".join([_cell(value) for value in row]) + "\n" for row in rows])
    if hasattr(cursor, "copy_expert"):  # psycopg 2
        cursor.copy_expert(sql, io.StringIO(data))
    else:
        with cursor.copy(sql) as copy:
            copy.write(data)


def _cell(value: Any) -> str:
    if value is None:
        return "\\N"
    if type(value) is str:
        return value if value.isprintable() and "\\" not in value else value.translate(_ESCAPES)
    if isinstance(value, (bytes, memoryview)):
        return "\\\\x" + bytes(value).hex()
    return str(value)
