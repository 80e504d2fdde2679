"""COPY of whole tables in both directions, as streams, through psycopg 3 as well as psycopg2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from django.db.backends.base.base import BaseDatabaseWrapper


class _Writer:
    """What psycopg2 writes to: it calls once a row."""

    def __init__(self, sink: Callable[[bytes], object]) -> None:
        self.write = sink


class _Reader:
    """What psycopg2 reads from: it asks for a size, and may be given less."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._rest = b""

    def read(self, size: int) -> bytes:
        if not self._rest:
            self._rest = next(self._blocks, b"")
        part, self._rest = self._rest[:size], self._rest[size:]
        return part


def copy_out(connection: BaseDatabaseWrapper, sql: str, sink: Callable[[bytes], object]) -> None:
    """Run ``COPY ... TO STDOUT`` and give every row, with its line feed, to ``sink``."""
    with connection.cursor() as wrapped:
        cursor: Any = wrapped.cursor
        with connection.wrap_database_errors:
            if hasattr(cursor, "copy_expert"):  # psycopg 2
                cursor.copy_expert(sql, _Writer(sink), 1 << 20)
            else:
                with cursor.copy(sql) as copy:
                    for block in copy:
                        sink(block)


def copy_in(connection: BaseDatabaseWrapper, sql: str, blocks: Iterable[bytes]) -> None:
    """Run ``COPY ... FROM STDIN`` with blocks of whatever size."""
    with connection.cursor() as wrapped:
        cursor: Any = wrapped.cursor
        with connection.wrap_database_errors:
            if hasattr(cursor, "copy_expert"):  # psycopg 2
                cursor.copy_expert(sql, _Reader(iter(blocks)), 1 << 20)
            else:
                with cursor.copy(sql) as copy:
                    for block in blocks:
                        copy.write(block)
