"""COPY of a batch of rows into a temporary table, with psycopg 2 or 3, whichever Django uses."""

from __future__ import annotations

import datetime
import io
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson

from safe_import.database.gaps import NONE, filled, spread

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Text format of COPY: https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2
_ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))  # the backslash first, as the others bring one
_PLAIN = {int, float, bool, Decimal, datetime.date, datetime.datetime}  # whose text needs no escape
_AT_ONCE = {int, datetime.date, NONE}
_TRUTHS = {truth: str(truth) for truth in (False, True)}
_NULL = "\\N"
_AT_LEAST = 2**19  # bytes that are sent at a time


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
    """Sends blocks while the program goes on, as the server takes about as long to store them as Python to make the
    next ones. Small ones are sent together, since the server's answer to each is waited for.

    While a COPY goes on, nothing else may use the connection: psycopg 2 does not keep the two apart. Whoever wants to
    has to ``wait`` first.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "safe_import_copy")
        self._sent: Future[None] | None = None
        self._held: list[bytes] = []
        self._where: tuple[Any, str] | None = None  # cursor and statement of those that are held

    def send(self, cursor: Any, sql: str, data: bytes) -> None:
        """Returns at once, or as soon as what was sent before is stored.

        Raises:
            Exception: of the driver, by which what was sent before failed.
        """
        if self._where is not None and self._where[1] != sql:
            self._send_held()
        self._where = cursor, sql
        self._held.append(data)
        if sum(map(len, self._held)) >= _AT_LEAST:
            self._send_held()

    def wait(self) -> None:
        """Returns when everything is stored, or raises as ``send`` does."""
        self._send_held()
        self._wait_for_sent()

    def close(self) -> None:
        """Ends the thread, without a word about what failed."""
        self._thread.shutdown()

    def _send_held(self) -> None:
        where, data = self._where, b"".join(self._held)
        self._where, self._held = None, []  # also where what was sent before failed
        self._wait_for_sent()
        if where is not None:
            self._sent = self._thread.submit(copy_from, *where, data)

    def _wait_for_sent(self) -> None:
        sent, self._sent = self._sent, None
        if sent is not None:
            sent.result()


def _column(values: Sequence[Any]) -> Sequence[str]:
    """The values in COPY's text format."""
    try:
        return _escaped(values, "".join(values))
    except TypeError:  # not only texts
        types = set(map(type, values))
    if types <= _AT_ONCE:
        with suppress(TypeError):  # integers beyond 64 bits
            return _texts_at_once(values)
    return spread(_texts(filled(values, types), types - {NONE}), values, _NULL)


def _texts_at_once(values: Sequence[Any]) -> Sequence[str]:
    """What JSON has for numbers, days and None is what COPY has, but for quotes and the word for None."""
    listed = orjson.dumps(list(values)).decode()[1:-1]
    return listed.replace('"', "").replace("null", _NULL).split(",")


def _texts(values: Sequence[Any], types: set[type]) -> Sequence[str]:
    if types == {bool}:
        return list(map(_TRUTHS.__getitem__, values))
    if types <= _PLAIN:
        return list(map(str, values))
    texts = values if types == {str} else list(map(_text, values))
    return _escaped(texts, "".join(texts))


def _text(value: Any) -> str:
    return "\\x" + bytes(value).hex() if isinstance(value, (bytes, memoryview)) else str(value)


def _escaped(texts: Sequence[str], joined: str) -> Sequence[str]:
    """Most columns need no escape, which is found out for all at once."""
    for mark, escape in _ESCAPES:
        if mark in joined:
            texts = [text.replace(mark, escape) for text in texts]
    return texts
