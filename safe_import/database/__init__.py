"""The databases: the only place that asks which vendor a connection belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safe_import.database.postgresql.dialect import PostgreSQL
from safe_import.database.sqlite.dialect import SQLite
from safe_import.errors import GuardUnavailable

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from safe_import.database.dialect import Dialect

_DIALECTS: dict[str, type[Dialect]] = {"postgresql": PostgreSQL, "sqlite": SQLite}


def dialect(connection: BaseDatabaseWrapper) -> Dialect:
    """The dialect of a connection.

    Raises:
        GuardUnavailable: no dialect for this vendor.
    """
    try:
        return _DIALECTS[connection.vendor](connection)
    except KeyError:
        raise GuardUnavailable(f"{connection.display_name} is not supported; PostgreSQL and SQLite are.") from None
