"""COPY of a batch of rows into a temporary table, with psycopg 2 or 3, whichever Django uses."""

from __future__ import annotations

import datetime
import io
from concurrent.futures import Future, ThreadPoolExecutor
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Text format of COPY: https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2
_ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))  # the backslash first, as the others bring one
_PLAIN = {int, float, bool, Decimal, datetime.date, datetime.datetime}  # whose text needs no escape
_day = lru_cache(maxsize=2**14)(datetime.date.isoformat)  # as the same days come again and again


def copy_data(columns: Iterable[Sequence[Any]]) -> bytes:
    """Encoded columns of one length, as the data of a ``COPY ... FROM STDIN (ENCODING 'UTF8')``."""
    rows = zip(*map(_column, columns), strict=True)
    return ("\n".join(map("\t".join, rows)) + "\n").encode()


def copy_from(cursor: Any, sql: str, data: bytes) -> None:
    """Sends data with ``sql``, a ``COPY ... FROM STDIN``, through a cursor of psycopg 2 or 3."""
    if hasattr(cursor, "copy_expert"):  # psycopg 2
        cursor.copy_expert(sql, io.BytesIO(data), len(data))
    else:
        with cursor.copy(sql) as copy:
            copy.write(data)


class CopyBehind:
    """Sends one block at a time while the program goes on, as the server takes about as long to store it as Python to
    make the next one.

    While a COPY goes on, nothing else may use the connection: psycopg 2 does not keep the two apart. Whoever wants to
    has to ``wait`` first.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "safe_import_copy")
        self._sent: Future[None] | None = None

    def send(self, cursor: Any, sql: str, data: bytes) -> None:
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
    """The values in COPY's text format."""
    try:
        return _escaped(values, "".join(values))
    except TypeError:  # not only texts
        texts = iter(_texts([value for value in values if value is not None]))
        return ["\\N" if value is None else next(texts) for value in values] if None in values else list(texts)


def _texts(values: Sequence[Any]) -> Sequence[str]:
    types = set(map(type, values))
    if types <= _PLAIN:
        return list(map(_day if types == {datetime.date} else str, values))
    texts = list(map(_text, values))
    return _escaped(texts, "".join(texts))


def _text(value: Any) -> str:
    return "\\x" + bytes(value).hex() if isinstance(value, (bytes, memoryview)) else str(value)


def _escaped(texts: Sequence[str], joined: str) -> Sequence[str]:
    """Most columns need no escape, which is found out for all at once."""
    for mark, escape in _ESCAPES:
        if mark in joined:
            texts = [text.replace(mark, escape) for text in texts]
    return texts
