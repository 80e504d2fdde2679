"""Whole tables, apart from any model: their description, their rows as text, and the way back.

A backup is made of *lines*: one row as a compact JSON array of strings and nulls (``docs/backup-format.md``). Nothing
here knows of files; nothing outside ``database`` knows how a vendor spells a value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from safe_import.errors import BackupError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager

    from django.db.backends.base.base import BaseDatabaseWrapper


@dataclass(frozen=True, slots=True)
class Column:
    """One column. A generated one is read, but never written back."""

    name: str
    type: str
    nullable: bool
    generated: bool
    has_default: bool


@dataclass(frozen=True, slots=True)
class Constraint:
    """A constraint or a unique index, for people and for comparison: its name and its definition in SQL."""

    name: str
    definition: str


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A reference from a table to another. ``cascades``: deleting there deletes or changes rows here."""

    name: str
    source: str
    target: str
    deferrable: bool
    cascades: bool


@dataclass(frozen=True, slots=True)
class SequencePosition:
    """The last number that the sequence behind a column gave out; None when it gave none."""

    column: str
    sequence: str
    position: int | None


@dataclass(frozen=True, slots=True)
class Table:
    """What a table is, as the database itself says.

    ``key`` names the columns by which a row is recognised: the primary key, else a unique key without NULL, else none.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    constraints: tuple[Constraint, ...]


@dataclass(frozen=True, slots=True)
class Staged:
    """A table that is being restored, and what of it: the columns of the backup, the key, the temporary table."""

    name: str
    columns: tuple[str, ...]
    written: tuple[str, ...]  # of the columns those that are not generated
    key: tuple[str, ...]
    stage: str


@dataclass(frozen=True, slots=True)
class Difference:
    """How many rows a table lacks, has otherwise, and has beyond the stage."""

    missing: int
    changed: int
    surplus: int


class Tables(Protocol):
    """Whole tables of one connection. All that reads or writes runs inside of a transaction given here."""

    def server_version(self) -> str:
        """Return the version of the database server, for people."""

    def all_tables(self) -> list[str]:
        """Return the names of all tables of the application's schema."""

    def snapshot(self, names: Sequence[str], *, lock_timeout: float) -> AbstractContextManager[None]:
        """One consistent, read-only view of these tables, whatever others write, truncate or alter."""

    def counting(self) -> AbstractContextManager[None]:
        """One transaction for temporary tables and questions; it is rolled back."""

    def restoring(self, names: Sequence[str], *, lock_timeout: float) -> AbstractContextManager[None]:
        """One transaction in which only we write these tables; foreign keys that can wait do wait until its end.

        Triggers of users are off in it.
        """

    def scratch(self, names: Sequence[str]) -> AbstractContextManager[Tables]:
        """Empty tables like these, under the same names, in a place of their own that is gone afterwards."""

    def forbid_writes(self) -> None:
        """From here on nothing but temporary tables can be written: for a dry run, after ``stage``."""

    def describe(self, name: str) -> Table:
        """Return what the table is; BackupError when there is none of that name."""

    def foreign_keys(self, names: Sequence[str]) -> list[ForeignKey]:
        """Return the foreign keys that start or end at one of these tables."""

    def sequences(self, name: str) -> list[SequencePosition]:
        """Return the positions of the sequences that feed columns of the table."""

    def advance(self, name: str, position: SequencePosition) -> None:
        """Move the sequence to the position, or to the highest number in the table; never backwards."""

    def read(self, name: str, columns: Sequence[str], where: str | None, sink: Callable[[bytes], object]) -> None:
        """Give the rows to ``sink``, in blocks of whole lines."""

    def is_empty(self, name: str) -> bool:
        """Whether the table has no row."""

    def fill(self, table: Staged, blocks: Iterable[bytes]) -> None:
        """Load blocks of lines straight into a table that is empty and generates none of its columns."""

    def stage(self, table: Staged, blocks: Iterable[bytes]) -> None:
        """Load blocks of lines into a temporary table like it."""

    def difference(self, table: Staged) -> Difference:
        """Compare the table with its stage, in the text form of each value."""

    def delete_surplus(self, table: Staged) -> None:
        """Delete the rows that the stage does not have."""

    def update_changed(self, table: Staged) -> None:
        """Give the rows that differ the values of the stage."""

    def delete_changed(self, table: Staged) -> None:
        """Delete the rows that differ, for ``insert_missing`` to bring back: where values change places among rows."""

    def insert_missing(self, table: Staged) -> None:
        """Insert the rows that only the stage has."""


def tables_of(connection: BaseDatabaseWrapper) -> Tables:
    """Return the whole-table operations of the connection's database."""
    if connection.vendor == "postgresql":
        from safe_import.database.postgresql.tables import PostgreSQLTables  # noqa: PLC0415 - its driver is optional

        return PostgreSQLTables(connection)
    if connection.vendor == "sqlite":
        from safe_import.database.sqlite.tables import SQLiteTables  # noqa: PLC0415 - only where it is used

        return SQLiteTables(connection)
    if connection.vendor == "mysql":
        from safe_import.database.mariadb.tables import MariaDBTables  # noqa: PLC0415 - only where it is used

        return MariaDBTables(connection)
    raise BackupError(f"backups are supported on PostgreSQL, SQLite and MariaDB, not on {connection.vendor}")


def require_no_transaction(connection: BaseDatabaseWrapper) -> None:
    """Refuse to work inside somebody's transaction: its snapshot and its locks are not ours."""
    if connection.in_atomic_block:
        raise BackupError("backup and restore need a transaction of their own: call them outside of any atomic block")
