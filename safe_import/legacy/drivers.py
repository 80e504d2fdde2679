"""What is peculiar to each DB-API driver: how a connection is kept from writing, and how rows stream."""

from __future__ import annotations

import sqlite3
import uuid
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.db.backends.base.base import BaseDatabaseWrapper

from safe_import.conf import conf
from safe_import.database import dialect
from safe_import.database.dialect import Timeouts
from safe_import.errors import GuardUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

_BUFFERED = ("MySQLdb", "pymysql")  # their usual cursors fetch everything at once


@contextmanager
def only_reading(connection: Any, target: BaseDatabaseWrapper) -> Iterator[None]:
    """Keeps a connection from writing, where its driver can.

    Args:
        connection: to the legacy database.
        target: the connection that the run writes on, which is left alone.
    """
    if connection in (target, target.connection):
        yield
    elif isinstance(connection, BaseDatabaseWrapper):
        with _alias_only_reading(connection):
            yield
    else:
        _forbid_writes(connection)
        yield


@contextmanager
def _alias_only_reading(connection: BaseDatabaseWrapper) -> Iterator[None]:
    try:
        legacy = dialect(connection)
    except GuardUnavailable:  # of another vendor: the account that it logs in with has to see to it
        yield
        return
    with legacy.reading_only(Timeouts(conf().LOCK_TIMEOUT, conf().STATEMENT_TIMEOUT)):
        yield


def _forbid_writes(connection: Any) -> None:
    driver = _driver(connection)
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA query_only = ON")
    elif driver == "psycopg2" and connection.info.transaction_status == 0:  # idle: within a transaction it is too late
        connection.set_session(readonly=True)
    elif driver in _BUFFERED:
        connection.cursor().execute("SET SESSION TRANSACTION READ ONLY")


def streaming_cursor(connection: Any, *, alone: bool = True) -> Any:
    """A cursor that fetches rows as they are asked for, from the server's side where the driver has such.

    Args:
        connection: of the DB-API, or of Django.
        alone: whether no other statement is sent while rows are fetched, which MySQL can't stand.
    """
    if isinstance(connection, BaseDatabaseWrapper):
        return connection.chunked_cursor()
    driver = _driver(connection)
    if driver == "psycopg2":
        return connection.cursor(f"safe_import_{uuid.uuid4().hex}", withhold=connection.autocommit)
    if driver in _BUFFERED and alone:
        return connection.cursor(_streaming_class(import_module(f"{driver}.cursors"), connection.cursorclass))
    return connection.cursor()


def _streaming_class(cursors: ModuleType, usual: type) -> type:
    """The class of the driver that streams rows in the shape that the usual one, or one of its bases, gives them."""
    names = (f"SS{each.__name__.removeprefix('SS')}" for each in usual.__mro__)
    return next((getattr(cursors, name) for name in names if hasattr(cursors, name)), usual)


def _driver(connection: Any) -> str:
    return type(connection).__module__.partition(".")[0]
