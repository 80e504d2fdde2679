"""The rows of a query, as a source."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import ExitStack
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Self

from django.core.exceptions import ValidationError
from django.db import connections

from safe_import.errors import SafeImportError, SourceError, SpecError
from safe_import.legacy.columns import pk_of
from safe_import.legacy.drivers import only_reading, streaming_cursor
from safe_import.legacy.migration import overrides
from safe_import.legacy.spool import Spool
from safe_import.records import Problem
from safe_import.sources import BrokenRow
from safe_import.spec.row import Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.db.models import Field

    from safe_import.legacy.migration import LegacyRow, Migration
    from safe_import.sources import Cells

_BATCH = 1000
_UNKNOWN = 1 << 63  # what cursors of MySQL say that do not know how many rows there are
_TELLING = ("ProgrammingError", "OperationalError")  # errors of the DB-API that speak of the query, not of its values


class QueryRow(Row):
    """A row of a query: one cell, which holds all of its columns as the driver gave them."""

    row: Any


class QuerySource:
    """The rows of the query of a migration, which count from 1. Use it as a context manager.

    Args:
        migration: the migration.
        alias: the database that its model is in.
        spooled: whether the rows are kept aside for the hooks, which want them when their records are written.

    Attributes:
        columns: of the query, as its first row has them; empty when there is no row.
        row_count: what ``hook_row_count`` said.
    """

    header_line = 0
    columns: Sequence[str] = ()
    row_count = -1

    def __init__(self, migration: type[Migration], alias: str, *, spooled: bool) -> None:
        self.migration, self.alias = migration, alias
        self.label = migration.__name__
        self.spool = Spool() if spooled else None
        self._stack = ExitStack()
        self._rows: Iterator[LegacyRow] = iter(())

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._open(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception: Any) -> None:
        if self.spool is not None:
            self.spool.close()
        self._stack.__exit__(*exception)  # may say what was refused in its own words

    def close(self) -> None:
        """Close the cursor. The connection is the migration's own."""
        self.__exit__(None, None, None)

    def header(self) -> Sequence[str]:
        """Return the name of the one cell."""
        return ["row"]

    def sha256(self) -> str:
        """Return the SHA-256 of the query, in hex."""
        return hashlib.sha256((self.migration.query or "").encode()).hexdigest()

    def lines(self) -> Iterator[tuple[int, Cells | BrokenRow]]:
        """Yield every row with its number. Of a record that exists already, its key alone. Can be called once."""
        number = 0
        while batch := list(islice(self._rows, _BATCH)):
            existing = self._existing(batch) if self.migration.allow_updates else set()
            for row in batch:
                number += 1
                yield number, self._line(number, row, existing)

    def _line(self, number: int, row: LegacyRow, existing: set[Any]) -> Cells | BrokenRow:
        if existing and self._key(row) in existing:
            self._keep(row)
            key = self.migration.search_attr or ""
            return [{key: row[key]}]
        try:
            self.migration.hook_before_transformation(row)
        except SafeImportError:
            raise
        except Exception as error:  # noqa: BLE001 - the migration's own hook decides what an error in another one means
            self._keep(row)
            error.add_note(f"row {number}")
            self.migration.hook_error_creating_instance(error, row)
            problem = Problem(number, None, "hook_failed", f"hook_before_transformation: {type(error).__name__}")
            return BrokenRow(problem)
        self._keep(row)
        return [row]

    def row(self, number: int) -> LegacyRow:
        """A row that was yielded before, of a source that is spooled."""
        if self.spool is None:
            raise LookupError("The rows of this source were not kept.")
        return self.spool.row(number)

    def _keep(self, row: LegacyRow) -> None:
        if self.spool is not None:
            self.spool.add(row)

    # -- what exists

    def _existing(self, batch: Sequence[LegacyRow]) -> set[Any]:
        """The keys of those rows whose records exist."""
        name = self.migration.search_attr or ""
        if name not in batch[0]:
            raise SpecError(f"{self.label}: the query must have the column {name!r}, which search_attr names.")
        keys = {key for row in batch if (key := self._key(row)) is not None}
        found = self.migration.model._base_manager.using(self.alias)
        return set(found.filter(**{f"{name}__in": keys}).values_list(name, flat=True))

    def _key(self, row: LegacyRow) -> Any:
        try:
            return self._key_field.to_python(row[self.migration.search_attr or ""])
        except ValidationError:
            return None  # reported when it is staged

    @property
    def _key_field(self) -> Field[Any, Any]:
        model, name = self.migration.model, self.migration.search_attr or ""
        return pk_of(model) if name == "pk" else model._meta.get_field(name)  # type: ignore[return-value]  # a column

    # -- the query

    def _open(self, stack: ExitStack) -> None:
        try:
            connection = self.migration.open_db_connection()
        except SafeImportError:
            raise
        except Exception as error:
            raise self._failed("the connection", error) from error
        connection = connections[connection] if isinstance(connection, str) else connection
        stack.enter_context(only_reading(connection, connections[self.alias]))
        cursor = streaming_cursor(connection, alone=not overrides(self.migration, "hook_row_count"))
        stack.callback(cursor.close)
        try:
            cursor.execute(self.migration.query)
        except Exception as error:
            raise self._failed("the query", error) from error
        count = self.migration.hook_row_count(connection, cursor)  # before the first fetch, of which some drivers tell
        self.row_count = count if count < _UNKNOWN else -1
        self._rows = self._fetched(cursor)
        self._peek()

    def _peek(self) -> None:
        """Look at the first row, which says what the columns are."""
        if (first := next(self._rows, None)) is not None:
            self.columns = tuple(first)
            self._rows = chain([first], self._rows)

    def _fetched(self, cursor: Any) -> Iterator[LegacyRow]:
        batch = self._batch(cursor)
        names = _names(self.label, cursor)
        while batch:
            for row in batch:
                yield _plain(row if isinstance(row, Mapping) else dict(zip(names, row, strict=True)))
            batch = self._batch(cursor)

    def _batch(self, cursor: Any) -> Sequence[Any]:
        try:
            return cursor.fetchmany(_BATCH) or ()
        except Exception as error:
            raise self._failed("the query", error) from error

    def _failed(self, what: str, error: Exception) -> SourceError:
        """The message of a driver may hold values, unless it speaks of the query."""
        tells = any(kind.__name__ in _TELLING for kind in type(error).__mro__)
        reason = f": {str(error).splitlines()[0]}" if tells and str(error) else ""
        return SourceError(f"{self.label}: {what} failed, {type(error).__name__}{reason}")


def _names(label: str, cursor: Any) -> list[str]:
    names = [column[0] for column in cursor.description]
    if len(set(names)) < len(names):
        doubled = next(name for name in names if names.count(name) > 1)
        raise SourceError(f"{label}: the query has two columns {doubled!r}; name one of them otherwise")
    return names


def _plain(row: Mapping[str, Any]) -> LegacyRow:
    """The row as a dict of its own; a memoryview, which some drivers give, would not outlive the next fetch."""
    return {name: bytes(value) if isinstance(value, memoryview) else value for name, value in row.items()}
