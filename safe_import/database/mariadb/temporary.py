"""The temporary tables of a run on MariaDB.

# Note [Temporary tables on MariaDB]
CREATE and DROP TEMPORARY TABLE do not commit a transaction, but ALTER TABLE does, of a temporary table as well
(https://mariadb.com/kb/en/sql-statements-that-cause-an-implicit-commit/); so a table that gets another column is made
anew. InnoDB has no hash join by default, so every column by which tables of a plan are joined has an index.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from safe_import.database.mariadb.columns import EXACT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from safe_import.database.dialect import Dialect

_TYPES = {"text": "longtext", "blob": "longblob"}
_JOINED_BY = re.compile(r"id|line|k|k[01]_.*|pk|rec|key|name|si_pk")
_INDEXED = 191  # characters of a text of any length


class TemporaryTables:
    """Those that the dialect made, by name, with their columns."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._made: dict[str, dict[str, str]] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._made

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._made)

    def create(self, name: str, columns: Mapping[str, str]) -> None:
        self.drop([name])  # a run that was rolled back leaves them: only their rows are rolled back
        self._made[name] = dict(columns)
        self._define(self._definition(name))

    def create_of(self, name: str, select: str, params: Sequence[Any], *, key: str | None = None) -> None:
        """Create one of the rows of a SELECT; it gets no further column."""
        self.drop([name])
        self._made[name] = {}
        indexed = f" (PRIMARY KEY ({key}))" if key else ""
        self._dialect.execute(f"CREATE TEMPORARY TABLE {self._dialect.quote(name)}{indexed} AS {select}", params)

    def add_column(self, name: str, column: str, type_: str) -> None:
        """See Note [Temporary tables on MariaDB]. Columns come while the table is empty or nearly so."""
        d, old = self._dialect, f"{name}_before"
        names = ", ".join(map(d.quote, self._made[name]))
        self._define(f"CREATE TEMPORARY TABLE {d.quote(old)} AS SELECT * FROM {d.quote(name)}")
        self._define(f"DROP TEMPORARY TABLE {d.quote(name)}")
        self._made[name][column] = type_
        self._define(self._definition(name))
        d.execute(f"INSERT INTO {d.quote(name)} ({names}) SELECT {names} FROM {d.quote(old)}")
        self._define(f"DROP TEMPORARY TABLE {d.quote(old)}")

    def index(self, name: str, column: str) -> None:
        """Nothing to do: what tables are joined by is indexed as they are made, and CREATE INDEX would commit."""

    def drop(self, names: Iterable[str]) -> None:
        d = self._dialect
        for name in names:
            self._define(f"DROP TEMPORARY TABLE IF EXISTS {d.quote(name)}")
            self._made.pop(name, None)

    def _definition(self, name: str) -> str:
        d, columns = self._dialect, self._made[name]
        body = [f"{d.quote(column)} {_TYPES.get(type_, type_)}" for column, type_ in columns.items()]
        body += [f"KEY ({self._indexed(column, columns)})" for column in columns if _JOINED_BY.fullmatch(column)]
        return (
            f"CREATE TEMPORARY TABLE {d.quote(name)} ({', '.join(body)})"
            f" ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE {EXACT}"
        )

    def _indexed(self, column: str, columns: Mapping[str, str]) -> str:
        unlimited = columns[column] in ("text", "longtext", "longblob")
        return self._dialect.quote(column) + (f"({_INDEXED})" if unlimited else "")

    def _define(self, sql: str) -> None:
        """Also where the session may only read. SET TRANSACTION would hold on for the next statement of somebody else,
        since these begin no transaction.
        """
        if self._dialect.connection.in_atomic_block or not self._dialect.value("SELECT @@SESSION.tx_read_only"):
            self._dialect.execute(sql)
            return
        self._dialect.execute("SET SESSION tx_read_only = 0")
        try:
            self._dialect.execute(sql)
        finally:
            self._dialect.execute("SET SESSION tx_read_only = 1")
