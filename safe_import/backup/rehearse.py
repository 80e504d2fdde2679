"""A rehearsal of a restore: the backup into scratch tables, every row compared, nothing left of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safe_import.backup.load import Loader
from safe_import.backup.restore import naming_database_errors, open_source, require_restorable
from safe_import.database.tables import tables_of

if TYPE_CHECKING:
    from pathlib import Path

    from django.db.backends.base.base import BaseDatabaseWrapper

    from safe_import.backup.encryption import Identity
    from safe_import.backup.format import Manifest


def rehearse_restore(connection: BaseDatabaseWrapper, path: Path, identity: Identity | None = None) -> Manifest:
    """Restore a backup into empty tables like those of the database, and compare every row.

    The tables lie in a scratch schema of a transaction that is rolled back; on SQLite in a scratch file.

    Args:
        connection: of the database whose tables the scratch ones are made after.
        path: the directory of the backup.
        identity: the key of an encrypted backup.

    Returns:
        The manifest of the backup.

    Raises:
        BackupError: the backup could not be restored here; it says why.
    """
    source, manifest = open_source(path, None, identity)
    require_restorable(connection, manifest, source, allow_added_columns=False)
    names = list(source.entries)
    with naming_database_errors("upsert"), tables_of(connection).scratch(names) as scratch:
        Loader(scratch, source, names, "exact").load_scratch()
    return manifest
