"""COPY of a batch of rows into a temporary table, with psycopg 2 or 3, whichever Django uses."""

from __future__ import annotations

import io
from concurrent.futures import Future, ThreadPoolExecutor
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Text format of COPY: https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_PLAIN = {int, float, bool, Decimal, type(None)}  # whose text needs no escape
_MARKS = "\\\t\n\r"


def copy_text(columns: Iterable[Sequence[Any]]) -> str:
    """Encoded columns of one length, as text for a ``COPY ... FROM STDIN``."""
    rows = zip(*map(_column, columns), strict=True)
    return "\n".join(map("\t".join, rows)) + "\n"


def copy_from(cursor: Any, sql: str, data: str) -> None:
    """Sends text with ``sql``, a ``COPY ... FROM STDIN``, through a cursor of psycopg 2 or 3."""
    if hasattr(cursor, "copy_expert"):  # psycopg 2
        cursor.copy_expert(sql, io.StringIO(data), len(data))
    else:
        with cursor.copy(sql) as copy:
            copy.write(data)


class CopyBehind:
    """Sends one text at a time while the program goes on, as the server takes about as long to store it as Python to
    make the next one.

    While a COPY goes on, nothing else may use the connection: psycopg 2 does not keep the two apart. Whoever wants to
    has to ``wait`` first.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "safe_import_copy")
        self._sent: Future[None] | None = None

    def send(self, cursor: Any, sql: str, data: str) -> None:
        """Returns as soon as what was sent before is stored.

        Raises:
            Exception: of the driver, by which what was sent before failed.
        """
        self.wait()
        self._sent = self._thread.submit(copy_from, cursor, sql, data)

    def wait(self) -> None:
        """Returns when everything is stored, or raises as ``send`` does."""
        sent, self._sent = self._sent, None
        if sent is not None:
            sent.result()

    def close(self) -> None:
        """Ends the thread, without a word about what failed."""
        self._thread.shutdown()


def _column(values: Sequence[Any]) -> Sequence[str]:
    """The values in COPY's text format. Most columns need no escape, which is found out for all at once."""
    types = set(map(type, values))
    if types == {type(None)}:
        return ["\\N"] * len(values)
    if types <= {str, type(None)}:
        texts = values if types == {str} else [text for text in values if text is not None]
        if _plain("".join(texts)):
            return values if texts is values else ["\\N" if text is None else text for text in values]
    if types <= _PLAIN:
        if type(None) not in types:
            return list(map(str, values))
        return ["\\N" if value is None else str(value) for value in values]
    return [_cell(value) for value in values]


def _plain(text: str) -> bool:
    return not any(mark in text for mark in _MARKS)


def _cell(value: Any) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, (bytes, memoryview)):
        return "\\\\x" + bytes(value).hex()
    text = str(value)
    return text if _plain(text) else text.translate(_ESCAPES)
