"""The second copy, in a storage of Django's ``STORAGES``: written, read back, fetched when the first one is gone."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.core.files import File
from django.core.files.storage import InvalidStorageError, Storage, storages

from safe_import.backup.chunks import damaged
from safe_import.backup.files import read_pieces, write_file
from safe_import.backup.format import MANIFEST, parse
from safe_import.backup.verify import read_manifest
from safe_import.conf import conf
from safe_import.errors import BackupError, SettingsError
from safe_import.failpoints import failpoint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def storage_for_copies() -> Storage | None:
    """Return the storage of the second copies; None when none is set.

    Raises:
        SettingsError: the one that is set is not configured.
    """
    alias = conf().BACKUP_STORAGE
    if alias is None:
        return None
    try:
        return storages[alias]
    except InvalidStorageError:
        raise SettingsError(f'SAFE_IMPORT["BACKUP_STORAGE"] is {alias!r}, and STORAGES has no such alias') from None


def upload(path: Path) -> None:
    """Copy a published backup to ``BACKUP_STORAGE`` and read it back; nothing to do when no storage is set.

    Raises:
        BackupError: the copy is not there, or not the same. The backup itself is published and whole.
    """
    storage = storage_for_copies()
    if storage is None:
        return
    with _naming_errors(f"backup {path.name} is written and whole, but its second copy is not"):
        for name in [*sorted(read_manifest(path).files()), MANIFEST]:  # the manifest last, as on the disk
            _copy(storage, path / name, f"{path.name}/{name}")
            failpoint("backup.uploaded")


def download(identifier: str, directory: Path) -> bool:
    """Fetch a backup into an empty directory; the caller verifies it. Returns whether the storage has it."""
    storage = storage_for_copies()
    if storage is None:
        return False
    with _naming_errors(f"backup {identifier} could not be fetched"):
        if not storage.exists(f"{identifier}/{MANIFEST}"):
            return False
        data = _read(storage, f"{identifier}/{MANIFEST}")
        for name in sorted(parse(data, directory / MANIFEST).files()):
            _write(directory / name, _read(storage, f"{identifier}/{name}"))
        _write(directory / MANIFEST, data)
    return True


def _copy(storage: Storage, path: Path, name: str) -> None:
    with path.open("rb") as file:
        saved = storage.save(name, File(file))
    if saved != name:  # something of that name was there
        storage.delete(saved)
        raise BackupError(f"{name} is there already, and is not overwritten")
    if hashlib.sha256(_read(storage, name)).digest() != hashlib.sha256(b"".join(read_pieces(path))).digest():
        raise damaged(path, "its second copy is not the same")


def _read(storage: Storage, name: str) -> bytes:
    with storage.open(name, "rb") as file:
        content: bytes = file.read()
    return content


def _write(path: Path, data: bytes) -> None:
    """It is our disk that says so, not the storage."""
    try:
        write_file(path, data)
    except OSError as error:
        raise BackupError(f"{path} can't be written: {error.strerror or error}") from error


@contextmanager
def _naming_errors(what: str) -> Iterator[None]:
    try:
        yield
    except BackupError as error:
        raise BackupError(f"{what}: {error}") from None
    except Exception as error:
        raise BackupError(f"{what}: the storage says {type(error).__name__}: {error}") from error
