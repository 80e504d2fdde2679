"""Loading: the rows of a verified backup into tables, compared with what landed there."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from django.db import IntegrityError, transaction

from safe_import.backup.chunks import verified_blocks
from safe_import.database.tables import Staged
from safe_import.errors import BackupError
from safe_import.failpoints import failpoint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from safe_import.backup.encryption import Identity
    from safe_import.backup.format import TableEntry
    from safe_import.database.tables import Difference, Tables

Mode = Literal["upsert", "exact"]


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did to one table, or would do."""

    inserted: int
    updated: int
    deleted: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class Source:
    """Rows of a verified backup: its directory, the entries of the tables that are wanted, the key."""

    path: Path
    entries: Mapping[str, TableEntry]
    identity: Identity | None

    def blocks(self, name: str) -> Iterator[bytes]:
        """Yield the lines of a table, in blocks."""
        for chunk in self.entries[name].chunks:
            failpoint("restore.chunk")
            yield from verified_blocks(self.path, chunk, self.identity)

    def staged(self, name: str) -> Staged:
        """Return what of a table is restored."""
        shape = self.entries[name].shape
        return Staged(
            name=name,
            columns=tuple(column.name for column in shape.columns),
            written=tuple(column.name for column in shape.columns if not column.generated),
            key=tuple(shape.key),
            stage=f"safe_import_restore_{list(self.entries).index(name)}",
        )


class Loader:
    """Loads tables in an order that suits their foreign keys, inside the caller's transaction."""

    def __init__(self, operations: Tables, source: Source, order: Sequence[str], mode: Mode) -> None:
        self._operations = operations
        self._source = source
        self._order = order
        self._mode = mode

    def count(self) -> dict[str, Restored]:
        """Return what ``load`` would do; the database refuses writes while it counts."""
        staged = [self._stage(name) for name in self._order]
        self._operations.forbid_writes()
        return {table.name: self._outcome(table.name, self._operations.difference(table)) for table in staged}

    def load(self, *, merging: Sequence[str], alias: str) -> dict[str, Restored]:
        """Bring the tables to what the backup holds, and compare.

        Args:
            merging: the tables with a cascade into them, in which no row may be deleted to make room.
            alias: of the connection, for savepoints.

        Returns:
            What was done, by table.

        Raises:
            BackupError: what landed is not what the backup holds.
        """
        fillable = [name for name in self._order if self._can_be_filled(name)]
        staged = {name: self._stage(name) for name in self._order if name not in fillable}
        differences = {name: self._operations.difference(table) for name, table in staged.items()}
        if self._mode == "exact":
            for table in reversed(staged.values()):
                failpoint("restore.deleting")
                self._operations.delete_surplus(table)
        for name in self._order:
            failpoint("restore.writing")
            if name in fillable:
                self.fill(name)
            else:
                self._merge(staged[name], alias, may_replace=name not in merging)
        for table in staged.values():
            self._compare(table)
        unfilled = {name: self._outcome(name, differences[name]) for name in staged}
        return {name: unfilled.get(name) or Restored(self._source.entries[name].rows, 0, 0, 0) for name in self._order}

    def load_scratch(self) -> None:
        """Load empty tables that stand in for the real ones, and compare every row."""
        for name in self._order:
            if self._can_be_filled(name):
                self.fill(name)
                continue
            table = self._stage(name)
            self._operations.insert_missing(table)
            self._compare(table)

    def fill(self, name: str) -> None:
        """Load an empty table directly, and prove by the hash of every row that it holds what the backup does."""
        table = self._source.staged(name)
        wanted, found = _RowsHash(), _RowsHash()
        self._operations.fill(table, wanted.passing(self._source.blocks(name)))
        failpoint("restore.filled")
        self._operations.read(name, table.columns, None, found.add)
        if wanted.value != found.value:
            raise _differs(name)

    def _can_be_filled(self, name: str) -> bool:
        columns = self._source.entries[name].shape.columns
        return bool(columns) and not any(each.generated for each in columns) and self._operations.is_empty(name)

    def _stage(self, name: str) -> Staged:
        table = self._source.staged(name)
        self._operations.stage(table, self._source.blocks(name))
        return table

    def _merge(self, table: Staged, alias: str, *, may_replace: bool) -> None:
        try:
            with transaction.atomic(using=alias):
                self._operations.update_changed(table)
        except IntegrityError:
            if not may_replace:
                raise
            self._operations.delete_changed(table)  # rows that changed places; insert_missing brings them all back
        failpoint("restore.updated")
        self._operations.insert_missing(table)
        failpoint("restore.inserted")

    def _compare(self, table: Staged) -> None:
        left = self._operations.difference(table)
        if left.missing or left.changed or (self._mode == "exact" and left.surplus):
            raise _differs(table.name)

    def _outcome(self, name: str, difference: Difference) -> Restored:
        unchanged = self._source.entries[name].rows - difference.missing - difference.changed
        deleted = difference.surplus if self._mode == "exact" else 0
        return Restored(difference.missing, difference.changed, deleted, unchanged)


class _RowsHash:
    """A hash of rows in whatever order: the sum of their hashes, and their number."""

    def __init__(self) -> None:
        self._sum = self._rows = 0

    @property
    def value(self) -> tuple[int, int]:
        return self._sum, self._rows

    def add(self, block: bytes) -> None:
        for line in bytes(block).splitlines():
            self._sum += int.from_bytes(hashlib.sha256(line).digest(), "big")
            self._rows += 1

    def passing(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        for block in blocks:
            self.add(block)
            yield block


def _differs(name: str) -> BackupError:
    return BackupError(
        f"table {name!r} does not hold what was restored into it, so all was rolled back: a rule, a generated column or"
        " a type of this database turns the values of the backup into others"
    )
