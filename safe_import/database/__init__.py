"""The databases: the only place that asks which vendor a connection belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safe_import.database.mariadb.dialect import MariaDB
from safe_import.database.postgresql.dialect import PostgreSQL
from safe_import.database.sqlite.dialect import SQLite
from safe_import.errors import GuardUnavailable

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from safe_import.database.dialect import Dialect

_DIALECTS: dict[str, type[Dialect]] = {"postgresql": PostgreSQL, "sqlite": SQLite, "mysql": MariaDB}


def dialect(connection: BaseDatabaseWrapper) -> Dialect:
    """The dialect of a connection.

    Raises:
        GuardUnavailable: no dialect for this vendor.
    """
    found = _DIALECTS.get(connection.vendor)
    if found is None:
        raise GuardUnavailable(f"{connection.display_name} is not supported; PostgreSQL, SQLite and MariaDB are.")
    return found(connection)
