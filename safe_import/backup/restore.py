"""Restoring: the rows of a backup back into their tables, in one transaction, or nothing at all."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import DatabaseError, IntegrityError, InterfaceError

from safe_import.backup.difference import migration_differences, schema_differences
from safe_import.backup.load import Loader, Mode, Restored, Source
from safe_import.backup.order import in_order
from safe_import.backup.second_copy import upload
from safe_import.backup.verify import verify_backup
from safe_import.backup.write import applied_migrations, owning_apps, schema_of, write_backup_within
from safe_import.conf import conf
from safe_import.database import dialect
from safe_import.database.commit import CommitUnanswered
from safe_import.database.failures import describe, refers_to_nothing
from safe_import.database.tables import SequencePosition, tables_of
from safe_import.errors import AfterCommitError, BackupError
from safe_import.failpoints import failpoint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from django.db.backends.base.base import BaseDatabaseWrapper

    from safe_import.backup.encryption import Identity
    from safe_import.backup.format import Manifest
    from safe_import.backup.store import Backup
    from safe_import.database.tables import ForeignKey, Tables


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
    identity: Identity | None = None,
) -> RestoreResult:
    """Bring the rows of a backup back.

    Args:
        connection: of the database; no transaction may be open on it.
        path: the directory of the backup; ``store.find`` gives it for an id.
        mode: ``upsert`` brings back missing and changed rows and never deletes; ``exact`` also deletes the rows that
            the backup does not have.
        tables: only these of the backup's tables; None is all.
        dry_run: count, and change nothing.
        allow_added_columns: restore although columns were added since, where they can be left out.
        identity: the key of an encrypted backup.

    Returns:
        The counts by table, and the backup of the state before.

    Raises:
        BackupError: it can't be restored as it is; nothing was changed.
        LockHeld: a run works on one of the tables.
        AfterCommitError: all is restored, but the backup of the state before has no second copy; or the database went
            away at the commit.
    """
    source, manifest = open_source(path, tables, identity)
    operations = tables_of(connection)
    require_restorable(connection, manifest, source, allow_added_columns=allow_added_columns)
    foreign_keys = operations.foreign_keys(list(source.entries))
    order = in_order(list(source.entries), foreign_keys)
    if mode == "exact":
        _require_exact_possible(source, foreign_keys)
    loader = Loader(operations, source, order, mode)
    with naming_database_errors(mode):
        if dry_run:
            with operations.counting():
                return RestoreResult(manifest.id, mode, True, loader.count())
        with dialect(connection).run_lock(order, f"process {os.getpid()}, restore of backup {manifest.id}"):
            result = _restore(connection, source, order, loader, mode, foreign_keys)
    _upload_before(result)
    return result


def open_source(path: Path, tables: Sequence[str] | None, identity: Identity | None) -> tuple[Source, Manifest]:
    """Verify a backup, and return the rows of its tables."""
    manifest = verify_backup(path, identity)
    if manifest.encryption and identity is None:
        raise BackupError(f"backup {manifest.id} is encrypted: give the secret key of a recipient with --identity FILE")
    names = dict.fromkeys(tables or [table.name for table in manifest.tables])
    entries = {name: manifest.table(name) for name in names}
    return Source(path, entries, identity if manifest.encryption else None), manifest


def require_restorable(
    connection: BaseDatabaseWrapper, manifest: Manifest, source: Source, *, allow_added_columns: bool
) -> None:
    """Refuse a database of another vendor or another schema, with the difference in words."""
    if manifest.database.vendor != connection.vendor:
        raise BackupError(
            f"backup {manifest.id} is of a {manifest.database.vendor} database, this one is {connection.vendor}:"
            " the text of its values means something else here"
        )
    owners = owning_apps(source.entries)
    before = [name for name in manifest.migrations if name.partition(".")[0] in owners]
    lines = migration_differences(before, applied_migrations(connection, owners), allow_newer=allow_added_columns)
    for name, entry in source.entries.items():
        shape = schema_of(tables_of(connection).describe(name))
        lines += schema_differences(name, entry.shape, shape, allow_added=allow_added_columns)
    if lines:
        raise BackupError(
            f"backup {manifest.id} is of another schema:\n  "
            + "\n  ".join(lines)
            + "\nMigrate to the migrations of the"
            " backup first. Where columns were only added, --allow-added-columns leaves them as they are"
        )


@contextmanager
def naming_database_errors(mode: Mode) -> Iterator[None]:
    """Turn errors of the database into a BackupError that names the constraint, and no value."""
    try:
        yield
    except IntegrityError as error:
        raise BackupError(f"the restore was rolled back: {_hindrance(error, mode)}") from None
    except (DatabaseError, InterfaceError) as error:
        raise BackupError(f"the restore was rolled back: {describe(error)}") from None
    except OSError as error:
        raise BackupError(f"the restore was rolled back: {error.strerror or error}") from error


def _hindrance(error: IntegrityError, mode: Mode) -> str:
    if refers_to_nothing(error):
        return f"a row refers to nothing: {describe(error)}. Restore the tables that it refers to as well"
    remedy = "" if mode == "exact" else ". Mode exact removes the rows that the backup does not have"
    return f"a row stands in the way: {describe(error)}{remedy}"


def _restore(
    connection: BaseDatabaseWrapper,
    source: Source,
    order: Sequence[str],
    loader: Loader,
    mode: Mode,
    foreign_keys: Sequence[ForeignKey],
) -> RestoreResult:
    operations = tables_of(connection)
    identifier = source.path.name
    try:
        with operations.restoring(order, lock_timeout=conf().LOCK_TIMEOUT):
            failpoint("restore.locked")
            before = write_backup_within(connection, order, name=f"before restoring {identifier}")
            failpoint("restore.backed_up")
            cascaded = [key.target for key in foreign_keys if key.cascades]
            counts = loader.load(merging=cascaded, alias=connection.alias)
            failpoint("restore.loaded")
            _advance_sequences(operations, source)
            failpoint("restore.before_commit")
    except CommitUnanswered:
        raise _perhaps_restored(before) from None
    failpoint("restore.committed")
    return RestoreResult(identifier, mode, False, counts, before)


def _perhaps_restored(before: Backup) -> AfterCommitError:
    return AfterCommitError(
        "the database went away at the commit, so it is not known whether the restore took place. Once it is back, the"
        f" same command with --dry-run shows it. The state before is kept in backup {before.id}"
    )


def _advance_sequences(operations: Tables, source: Source) -> None:
    for name, entry in source.entries.items():
        positions = {each.column: each.position for each in entry.sequences}
        for present in operations.sequences(name):
            goal = SequencePosition(present.column, present.sequence, positions.get(present.column))
            operations.advance(name, goal)


def _upload_before(result: RestoreResult) -> None:
    """Make the second copy only now: nobody should wait for a storage behind the locks of the restore."""
    if result.before is None:
        return
    try:
        upload(result.before.path)
    except BackupError as error:
        raise AfterCommitError(f"everything is restored; only {error}") from error


def _require_exact_possible(source: Source, foreign_keys: Sequence[ForeignKey]) -> None:
    for name, entry in source.entries.items():
        if entry.scope != "all":
            raise BackupError(f"the backup holds only some rows of table {name!r}: exact would delete all others")
    for key in foreign_keys:
        if key.cascades and key.target in source.entries and key.source not in source.entries:
            raise BackupError(
                f"exact would change table {key.source!r} too, by the ON DELETE of {key.name}, and that table is not"
                " restored with it: use upsert"
            )
