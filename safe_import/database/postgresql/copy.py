"""COPY of a batch of rows into a temporary table, with psycopg 2 or 3, whichever Django uses."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Text format of COPY: https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\b": "\\b", "\f": "\\f", "\v": "\\v"})


def copy_columns(cursor: Any, sql: str, columns: Iterable[Sequence[Any]]) -> None:
    """Sends encoded columns of one length with ``sql``, a ``COPY ... FROM STDIN`` in text format."""
    rows = zip(*map(_column, columns), strict=True)
    data = "".join(["\t".join(row) + "\n" for row in rows])
    if hasattr(cursor, "copy_expert"):  # psycopg 2
        cursor.copy_expert(sql, io.StringIO(data))
    else:
        with cursor.copy(sql) as copy:
            copy.write(data)


def _column(values: Sequence[Any]) -> Sequence[str]:
    """The values in COPY's text format. Most columns need no escape, which is found out for all at once."""
    types = set(map(type, values))
    if types <= {str, type(None)}:
        texts = values if types == {str} else [text for text in values if text is not None]
        if _plain("".join(texts)):
            return values if texts is values else ["\\N" if text is None else text for text in values]
    elif not types & {str, bytes, memoryview}:
        if type(None) not in types:
            return list(map(str, values))
        return ["\\N" if value is None else str(value) for value in values]
    return [_cell(value) for value in values]


def _plain(text: str) -> bool:
    return text.isprintable() and "\\" not in text


def _cell(value: Any) -> str:
    if value is None:
        return "\\N"
    if type(value) is str:
        return value if _plain(value) else value.translate(_ESCAPES)
    if isinstance(value, (bytes, memoryview)):
        return "\\\\x" + bytes(value).hex()
    return str(value)
