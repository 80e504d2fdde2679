"""Restoring: the rows of a backup back into their tables, in one transaction, or nothing at all."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from django.db import Error, IntegrityError

from safe_import.backup.chunks import verified_blocks
from safe_import.backup.difference import migration_differences, schema_differences
from safe_import.backup.order import in_order
from safe_import.backup.verify import verify_backup
from safe_import.backup.write import applied_migrations, schema_of, write_backup_within
from safe_import.database.tables import Difference, SequencePosition, Staged, reason, tables_of
from safe_import.errors import BackupError
from safe_import.failpoints import failpoint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from django.db.backends.base.base import BaseDatabaseWrapper

    from safe_import.backup.format import Manifest, TableEntry
    from safe_import.backup.store import Backup
    from safe_import.database.tables import ForeignKey, Tables

Mode = Literal["upsert", "exact"]


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did to one table, or would do."""

    inserted: int
    updated: int
    deleted: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """What a restore did. ``before`` is the backup of the state that it replaced; None for a dry run."""

    backup: str
    mode: Mode
    dry_run: bool
    tables: dict[str, Restored] = field(default_factory=dict)
    before: Backup | None = None


def restore_backup(
    connection: BaseDatabaseWrapper,
    path: Path,
    *,
    mode: Mode = "upsert",
    tables: Sequence[str] | None = None,
    dry_run: bool = False,
    allow_added_columns: bool = False,
) -> RestoreResult:
    """Bring the rows of a backup back.

    Args:
        connection: of the database; no transaction may be open on it.
        path: the directory of the backup.
        mode: ``upsert`` brings back missing and changed rows and never deletes; ``exact`` also deletes the rows that
            the backup does not have.
        tables: only these of the backup's tables; None is all.
        dry_run: count, and change nothing.
        allow_added_columns: restore although columns were added since, where they can be left out.

    Returns:
        The counts by table, and the backup of the state before.

    Raises:
        BackupError: it can't be restored as it is; nothing was changed.
    """
    manifest = verify_backup(path)
    entries = [manifest.table(name) for name in dict.fromkeys(tables or [table.name for table in manifest.tables])]
    restore = _Restore(connection, path, manifest, entries, mode, allow_added_columns)
    try:
        return restore.rehearse() if dry_run else restore.run()
    except IntegrityError as error:
        remedy = "" if mode == "exact" else ". Mode exact removes the rows that the backup does not have"
        raise BackupError(f"the restore was rolled back: a row stands in the way: {reason(error)}{remedy}") from None
    except Error as error:
        raise BackupError(f"the restore was rolled back: {reason(error)}") from None
    except OSError as error:
        raise BackupError(f"the restore was rolled back: {error.strerror or error}") from error


class _Restore:
    """One restore, step by step."""

    def __init__(
        self,
        connection: BaseDatabaseWrapper,
        path: Path,
        manifest: Manifest,
        entries: Sequence[TableEntry],
        mode: Mode,
        allow_added: bool,
    ) -> None:
        self._connection = connection
        self._operations: Tables = tables_of(connection)
        self._path = path
        self._manifest = manifest
        self._entries = {entry.name: entry for entry in entries}
        self._mode = mode
        self._require_same_vendor()
        self._require_same_schema(allow_added)
        foreign_keys = self._operations.foreign_keys(list(self._entries))
        self._order = in_order(list(self._entries), foreign_keys)
        if mode == "exact":
            self._require_all_rows()
            self._require_no_cascade(foreign_keys)

    def rehearse(self) -> RestoreResult:
        """Count what a restore would do; the database refuses writes meanwhile."""
        with self._operations.restoring(self._order, dry_run=True):
            staged = {name: self._stage(name, place) for place, name in enumerate(self._order)}
            self._operations.forbid_writes()
            counts = {name: self._counts(name, self._operations.difference(staged[name])) for name in self._order}
        return RestoreResult(self._manifest.id, self._mode, True, counts)

    def run(self) -> RestoreResult:
        """Restore, compare, commit."""
        with self._operations.restoring(self._order, dry_run=False):
            failpoint("restore.locked")
            before = write_backup_within(self._connection, self._order, name=f"before restoring {self._manifest.id}")
            failpoint("restore.backed_up")
            counts = self._apply()
            failpoint("restore.applied")
            self._operations.settle()
            for name in self._order:
                self._advance_sequences(name)
            failpoint("restore.before_commit")
        failpoint("restore.committed")
        return RestoreResult(self._manifest.id, self._mode, False, counts, before)

    def _apply(self) -> dict[str, Restored]:
        empty = {name for name in self._order if self._can_be_filled(name)}
        staged = {name: self._stage(name, place) for place, name in enumerate(self._order) if name not in empty}
        differences = {name: self._operations.difference(table) for name, table in staged.items()}
        if self._mode == "exact":
            for name in reversed(staged):
                failpoint("restore.deleting")
                self._operations.delete_surplus(staged[name])
        for name in self._order:
            failpoint("restore.writing")
            self._fill(name) if name in empty else self._merge(staged[name])
        for name, table in staged.items():
            self._compare(name, self._operations.difference(table))
        return {
            name: Restored(self._entries[name].rows, 0, 0, 0)
            if name in empty
            else self._counts(name, differences[name])
            for name in self._order
        }

    def _can_be_filled(self, name: str) -> bool:
        generated = any(column.generated for column in self._entries[name].shape.columns)
        return bool(self._entries[name].shape.columns) and not generated and self._operations.is_empty(name)

    def _fill(self, name: str) -> None:
        """Load an empty table directly, and prove by the hash of every row that it holds what the backup does."""
        table = self._staged(name, 0)
        wanted, found = _RowsHash(), _RowsHash()
        self._operations.fill(table, wanted.passing(self._blocks(name)))
        failpoint("restore.filled")
        self._operations.read(name, table.columns, None, found.add)
        if wanted.value != found.value:
            raise BackupError(f"table {name!r} does not hold what was restored into it; rolled back")

    def _merge(self, table: Staged) -> None:
        self._operations.update_changed(table)
        failpoint("restore.updated")
        self._operations.insert_missing(table)
        failpoint("restore.inserted")

    def _compare(self, name: str, difference: Difference) -> None:
        left = difference.missing + difference.changed + (difference.surplus if self._mode == "exact" else 0)
        if left:
            raise BackupError(
                f"table {name!r}: {left} rows do not hold what was restored into them; rolled back."
                " A default, a generated column or a rule of the database changes them"
            )

    def _counts(self, name: str, difference: Difference) -> Restored:
        unchanged = self._entries[name].rows - difference.missing - difference.changed
        deleted = difference.surplus if self._mode == "exact" else 0
        return Restored(difference.missing, difference.changed, deleted, unchanged)

    def _stage(self, name: str, place: int) -> Staged:
        table = self._staged(name, place)
        self._operations.stage(table, self._blocks(name))
        return table

    def _staged(self, name: str, place: int) -> Staged:
        shape = self._entries[name].shape
        return Staged(
            name=name,
            columns=tuple(column.name for column in shape.columns),
            written=tuple(column.name for column in shape.columns if not column.generated),
            key=tuple(shape.key),
            stage=f"safe_import_restore_{place}",
        )

    def _blocks(self, name: str) -> Iterator[bytes]:
        for chunk in self._entries[name].chunks:
            failpoint("restore.chunk")
            yield from verified_blocks(self._path, chunk)

    def _advance_sequences(self, name: str) -> None:
        positions = {each.column: each.position for each in self._entries[name].sequences}
        for present in self._operations.sequences(name):
            goal = SequencePosition(present.column, present.sequence, positions.get(present.column))
            self._operations.advance(name, goal)

    def _require_same_vendor(self) -> None:
        vendor = self._manifest.database.vendor
        if vendor != self._connection.vendor:
            raise BackupError(
                f"backup {self._manifest.id} is of a {vendor} database, this one is {self._connection.vendor}:"
                " the text of its values means something else here"
            )

    def _require_same_schema(self, allow_added: bool) -> None:
        lines = migration_differences(
            self._manifest.migrations,
            applied_migrations(self._connection, list(self._entries)),
            allow_newer=allow_added,
        )
        for name, entry in self._entries.items():
            present = schema_of(self._operations.describe(name))
            lines += schema_differences(name, entry.shape, present, allow_added=allow_added)
        if lines:
            raise BackupError(
                f"backup {self._manifest.id} is of another schema:\n  "
                + "\n  ".join(lines)
                + "\nMigrate to the backup's"
                " migrations first; columns that were only added can be left out with --allow-added-columns"
            )

    def _require_all_rows(self) -> None:
        for name, entry in self._entries.items():
            if entry.scope != "all":
                raise BackupError(f"the backup holds only some rows of table {name!r}: exact would delete all others")

    def _require_no_cascade(self, foreign_keys: Sequence[ForeignKey]) -> None:
        for key in foreign_keys:
            if key.cascades and key.target in self._entries and key.source not in self._entries:
                raise BackupError(
                    f"exact would change table {key.source!r} too, by the ON DELETE of {key.name}, and the backup does"
                    " not hold that table: use upsert"
                )


class _RowsHash:
    """A hash of rows in whatever order: the sum of their hashes."""

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
