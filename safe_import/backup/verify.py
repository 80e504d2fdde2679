"""Proof that a backup is what was written: every hash, every count, every file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safe_import.backup.chunks import verified_blocks
from safe_import.backup.format import LOCK, MANIFEST, PINNED, Manifest
from safe_import.backup.store import read_manifest
from safe_import.errors import BackupError

if TYPE_CHECKING:
    from pathlib import Path


def verify_backup(path: Path) -> Manifest:
    """Read every byte of a backup and compare it with its manifest.

    Args:
        path: the directory of the backup; ``store.find`` gives it for an id.

    Returns:
        The manifest, which can be trusted from here on.

    Raises:
        BackupError: something is damaged, missing or too much; it names the file and the reason.
    """
    manifest = read_manifest(path)
    _compare_files(path, manifest)
    for table in manifest.tables:
        if sum(chunk.rows for chunk in table.chunks) != table.rows:
            raise BackupError(f"{path}: the chunks of table {table.name!r} don't add up to its {table.rows} rows")
        for chunk in table.chunks:
            try:
                for _ in verified_blocks(path, chunk):
                    pass
            except OSError as error:
                raise BackupError(f"{path / chunk.file} can't be read: {error.strerror}; use another backup") from None
    return manifest


def _compare_files(path: Path, manifest: Manifest) -> None:
    there = {entry.name for entry in path.iterdir()} - {MANIFEST, PINNED, LOCK}
    for name in sorted(manifest.files() - there):
        raise BackupError(f"{path / name} is missing; use another backup")
    for name in sorted(there - manifest.files()):
        raise BackupError(f"{path / name} is not part of the backup: move it away, then verify again")
