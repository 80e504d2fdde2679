"""The rows of a large result at constant memory.

MariaDB's protocol sends a result as a whole: a client either holds all of it, or can't ask anything else until the last
row has come. So where other statements are sent meanwhile, the rows go through a file.
"""

from __future__ import annotations

import pickle
from contextlib import closing
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper

_CHUNK = 200  # of rows that may be large


def chunks(
    connection: BaseDatabaseWrapper, sql: str, params: Sequence[Any] = ()
) -> Iterator[Sequence[tuple[Any, ...]]]:
    """The rows of a SELECT as they come; nothing else may be sent until the last one has come."""
    connection.ensure_connection()
    unbuffered = connection.Database.cursors.SSCursor  # type: ignore[attr-defined]  # of the driver
    with connection.wrap_database_errors, closing(connection.connection.cursor(unbuffered)) as cursor:
        cursor.execute(sql, params or None)
        while chunk := cursor.fetchmany(_CHUNK):
            yield chunk


def spooled(connection: BaseDatabaseWrapper, sql: str, params: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """The rows of a SELECT, laid aside in a private temporary file."""
    with TemporaryFile() as file:
        for chunk in chunks(connection, sql, params):
            pickle.dump(chunk, file)
        end = file.tell()
        file.seek(0)
        while file.tell() < end:
            yield from pickle.load(file)  # noqa: S301  # what was written a moment ago, and has no name
