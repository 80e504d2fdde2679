"""Proof that a backup is what was written: every hash, every count, every file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safe_import.backup.chunks import check_stored, verified_blocks
from safe_import.backup.files import read_pieces, require_private_directory
from safe_import.backup.format import LOCK, MANIFEST, PARTIAL, PINNED, Manifest, parse
from safe_import.errors import BackupError

if TYPE_CHECKING:
    from pathlib import Path

    from safe_import.backup.encryption import Identity
    from safe_import.backup.format import Chunk


def verify_backup(path: Path, identity: Identity | None = None) -> Manifest:
    """Read every byte of a backup and compare it with its manifest.

    Args:
        path: the directory of the backup; ``store.find`` gives it for an id.
        identity: the key of an encrypted backup. Without it only the encrypted bytes are compared.

    Returns:
        The manifest, which can be trusted from here on.

    Raises:
        BackupError: something is damaged, missing or too much; it names the file and the reason.
    """
    manifest = read_manifest(path)
    identity = identity if manifest.encryption else None
    _compare_files(path, manifest)
    for table in manifest.tables:
        if sum(chunk.rows for chunk in table.chunks) != table.rows:
            raise BackupError(f"{path}: the chunks of table {table.name!r} don't add up to its {table.rows} rows")
        for chunk in table.chunks:
            try:
                _verify_chunk(path, chunk, identity, encrypted=manifest.encryption is not None)
            except OSError as error:
                raise BackupError(f"{path / chunk.file} can't be read: {error.strerror}; use another backup") from None
    return manifest


def read_manifest(path: Path) -> Manifest:
    """Return the manifest of the backup in ``path``, its own hash checked, and no chunk."""
    try:
        require_private_directory(path, "the backup")
        data = b"".join(read_pieces(path / MANIFEST))
    except FileNotFoundError:
        raise BackupError(f"{path} is not a backup: it has no {MANIFEST}") from None
    except OSError as error:
        raise BackupError(f"{path / MANIFEST} can't be read: {error.strerror}") from None
    manifest = parse(data, path / MANIFEST)
    if manifest.id != path.name.removesuffix(PARTIAL):
        raise BackupError(f"{path} holds the manifest of backup {manifest.id}; give the directory that name back")
    return manifest


def _verify_chunk(path: Path, chunk: Chunk, identity: Identity | None, *, encrypted: bool) -> None:
    if encrypted and identity is None:
        check_stored(path, chunk)
        return
    for _ in verified_blocks(path, chunk, identity):
        pass


def _compare_files(path: Path, manifest: Manifest) -> None:
    there = {entry.name for entry in path.iterdir()} - {MANIFEST, PINNED, LOCK}
    for name in sorted(manifest.files() - there):
        raise BackupError(f"{path / name} is missing; use another backup")
    for name in sorted(there - manifest.files()):
        raise BackupError(f"{path / name} is not part of the backup: move it away, then verify again")
