"""Writing a backup: one snapshot, every byte read back, published whole or not at all."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.apps import apps
from django.db import DatabaseError, InterfaceError
from django.db.migrations.recorder import MigrationRecorder

import safe_import
from safe_import.backup.chunks import ChunkWriter
from safe_import.backup.encryption import Recipients
from safe_import.backup.files import write_file
from safe_import.backup.format import (
    FORMAT,
    MANIFEST,
    DatabaseEntry,
    EncryptionEntry,
    Manifest,
    SchemaEntry,
    SequenceEntry,
    TableEntry,
    fingerprint,
    render,
)
from safe_import.backup.second_copy import storage_for_copies, upload
from safe_import.backup.store import Backup, Draft, backup_root, draft, summary
from safe_import.backup.verify import verify_backup
from safe_import.conf import conf
from safe_import.database.failures import describe
from safe_import.database.tables import tables_of
from safe_import.errors import BackupError
from safe_import.failpoints import failpoint

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper

    from safe_import.database.tables import Table, Tables


def require_backup_possible() -> None:
    """Refuse what would make a backup fail, before anything else is done: the root, the storage, the recipients.

    Raises:
        Refused: the system is none that backups can be trusted on.
        SettingsError: one of the settings can't be worked with.
        BackupError: the root is none that can be trusted.
    """
    backup_root()
    storage_for_copies()
    _recipients()


def write_backup(
    connection: BaseDatabaseWrapper,
    tables: Sequence[str],
    *,
    run: str | None = None,
    name: str = "",
    where: Mapping[str, str] | None = None,
) -> Backup:
    """Write, read back and publish a backup of some tables, from one snapshot.

    Args:
        connection: of the database; no transaction may be open on it.
        tables: as ``Meta.db_table`` spells them.
        run: the id of the run that asks for it.
        name: a remark for people.
        where: SQL conditions by table, for backups of some rows only. The table is called ``t`` in them; they may
            name temporary tables of the same connection.

    Returns:
        The published backup.

    Raises:
        BackupError: it could not be written, or what was read back is not what was written; nothing is left of it. Or
            its second copy failed; then the backup itself is published.
    """
    if not tables:
        raise BackupError("there is nothing to back up: name at least one table")
    storage_for_copies()
    operations = tables_of(connection)
    with _drafted() as new:
        with operations.snapshot(tables, lock_timeout=conf().LOCK_TIMEOUT):
            manifest = _write_tables(connection, tables, new, run=run, name=name, where=where or {})
        _complete(new, manifest)
    published = summary(manifest, backup_root() / new.id)
    upload(published.path)
    return published


def write_backup_within(connection: BaseDatabaseWrapper, tables: Sequence[str], *, name: str) -> Backup:
    """Do the same inside a transaction that has locked the tables against all other writers, without a second copy."""
    with _drafted() as new:
        manifest = _write_tables(connection, tables, new, run=None, name=name, where={})
        _complete(new, manifest)
    return summary(manifest, backup_root() / new.id)


def _write_tables(
    connection: BaseDatabaseWrapper,
    tables: Sequence[str],
    new: Draft,
    *,
    run: str | None,
    name: str,
    where: Mapping[str, str],
) -> Manifest:
    operations = tables_of(connection)
    recipients = _recipients()
    names = list(dict.fromkeys(tables))
    entries = [
        _write_table(operations, table, where.get(table), ChunkWriter(new.path, table, recipients)) for table in names
    ]
    migrations = applied_migrations(connection, owning_apps(names))
    return Manifest(
        format=FORMAT,
        id=new.id,
        run=run,
        name=name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        writer=safe_import.__version__,
        database=DatabaseEntry(vendor=connection.vendor, version=operations.server_version()),
        migrations=migrations,
        encryption=EncryptionEntry(method="age", recipients=recipients.public_keys) if recipients else None,
        fingerprint=fingerprint(entries, migrations),
        tables=entries,
    )


def _recipients() -> Recipients | None:
    keys = conf().BACKUP_RECIPIENTS
    return Recipients(keys) if keys else None


def owning_apps(tables: Collection[str]) -> set[str]:
    """Return the labels of the apps whose models have these tables."""
    models = apps.get_models(include_auto_created=True)
    return {model._meta.app_label for model in models if model._meta.db_table in tables}


def applied_migrations(connection: BaseDatabaseWrapper, owners: Collection[str]) -> list[str]:
    """Return the migrations of these apps that are applied, as ``app.name``."""
    applied = MigrationRecorder(connection).applied_migrations()
    return sorted(f"{app}.{name}" for app, name in applied if app in owners)


def schema_of(table: Table) -> SchemaEntry:
    """Return the description of a table in the words of the format."""
    return SchemaEntry.model_validate(
        {
            "columns": [{key: getattr(column, key) for key in column.__slots__} for column in table.columns],
            "key": list(table.key),
            "constraints": [{"name": each.name, "definition": each.definition} for each in table.constraints],
        }
    )


def _write_table(operations: Tables, name: str, where: str | None, writer: ChunkWriter) -> TableEntry:
    table = operations.describe(name)
    operations.read(name, [column.name for column in table.columns], where, writer.write)
    chunks = writer.finish()
    return TableEntry(
        name=name,
        scope="rows" if where else "all",
        rows=sum(chunk.rows for chunk in chunks),
        schema=schema_of(table),
        sequences=[
            SequenceEntry(column=each.column, sequence=each.sequence, position=each.position)
            for each in operations.sequences(name)
        ],
        chunks=chunks,
    )


def _complete(new: Draft, manifest: Manifest) -> None:
    failpoint("backup.before_manifest")
    write_file(new.path / MANIFEST, render(manifest))
    failpoint("backup.before_read_back")
    verify_backup(new.path)


@contextmanager
def _drafted() -> Iterator[Draft]:
    """Turn what the file system and the database say into a BackupError that names no value."""
    try:
        with draft(backup_root()) as new:
            yield new
    except OSError as error:
        raise BackupError(f"the backup could not be written: {error.strerror or error}; nothing was changed") from error
    except (DatabaseError, InterfaceError) as error:
        raise BackupError(f"the backup could not be written: {describe(error)}") from None  # its text may hold values
