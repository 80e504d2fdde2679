"""The root: where backups lie, how one comes into being there, how they are found again."""

from __future__ import annotations

import errno
import os
import shlex
import shutil
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from safe_import.backup.files import (
    locked,
    locked_if_free,
    require_private_directory,
    sync_directory,
    write_file,
)
from safe_import.backup.format import LOCK, PARTIAL, PINNED, Manifest
from safe_import.backup.second_copy import download
from safe_import.backup.verify import read_manifest, verify_backup
from safe_import.conf import conf
from safe_import.errors import BackupError, SettingsError
from safe_import.failpoints import failpoint
from safe_import.file_locks import require_supported_system
from safe_import.ids import is_id, new_id

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Backup:
    """A published backup. ``problem`` says why its manifest can't be read; then the rest is empty."""

    id: str
    path: Path
    tables: dict[str, int] = field(default_factory=dict)
    bytes: int = 0
    run: str | None = None
    name: str = ""
    created: str = ""
    pinned: bool = False
    problem: str = ""


def backup_root() -> Path:
    """Return the directory of all backups, made when it is missing.

    Raises:
        Refused: the system is none that backups can be trusted on.
        SettingsError: none is set.
        BackupError: it is a link, somebody else's, or open to others; the message has the command that repairs it.
    """
    require_supported_system()
    root = conf().BACKUP_ROOT
    if root is None:
        raise SettingsError(
            'SAFE_IMPORT["BACKUP_ROOT"] is not set: name a directory for backups, outside of what the web server shows,'
            " and make it private: mkdir -m 700 PATH"
        )
    root = Path(root)
    with suppress(FileExistsError):
        try:
            root.mkdir(mode=0o700)
        except FileNotFoundError:
            raise BackupError(
                f"the backup root's parent is missing: mkdir -p -m 700 {shlex.quote(str(root))}"
            ) from None
    require_private_directory(root, "the backup root")
    return root


def list_backups() -> list[Backup]:
    """Return all backups of the root, oldest first, also those that can't be read."""
    return [_summary(path) for path in _published(backup_root())]


def find(path_or_id: str | Path) -> Path:
    """Return the directory of a backup, named by its id or by its path; fetched from the second copy when it is gone.

    Raises:
        BackupError: there is no such backup.
    """
    text = str(path_or_id)
    root = backup_root()
    path = root / text if is_id(text) else Path(text)
    if not is_id(path.name):
        raise BackupError(
            f"{text!r} names no backup: give an id (list_backups shows them), or the path that ends in one"
        )
    if not os.path.lexists(path) and path.absolute().parent == root:
        _fetch(root, path.name)
    if not os.path.lexists(path):
        raise BackupError(f"there is no backup {path}: list_backups shows those there are")
    require_private_directory(path, "the backup")
    return path


def _fetch(root: Path, identifier: str) -> None:
    try:
        with suppress(_NotThereError), draft(root, identifier) as new:
            if not download(identifier, new.path):
                raise _NotThereError
            verify_backup(new.path)
    except FileExistsError:
        if os.path.lexists(root / identifier):  # another process has fetched it by now
            return
        raise BackupError(
            f"backup {identifier} is being fetched by another process: wait until it is there, and run this again"
        ) from None
    except OSError as error:
        raise BackupError(f"backup {identifier} could not be fetched: {error.strerror or error}") from error


class _NotThereError(Exception):
    """The second copy does not have the backup either: the draft is taken back."""


def newest_id() -> str | None:
    """Return the newest id that the root has seen; what a new run's id must be above."""
    return _newest(backup_root())


def set_pinned(path: Path, pinned: bool) -> None:
    """Pin a backup, so that it is never pruned, or free it.

    Raises:
        BackupError: it was pruned meanwhile, or can't be written to.
    """
    marker = path / PINNED
    try:
        with locked(backup_root() / LOCK):  # a pruning that looked at it before has removed it by now, or looks again
            if pinned and not marker.exists():
                write_file(marker, b"")
            elif not pinned:
                marker.unlink(missing_ok=True)
            sync_directory(path)
    except OSError as error:
        raise BackupError(f"backup {path} can't be {'' if pinned else 'un'}pinned: {error.strerror}") from error


def is_pinned(path: Path) -> bool:
    """Whether the backup is never to be pruned."""
    return (path / PINNED).exists()


@dataclass(frozen=True, slots=True)
class Draft:
    """A backup that is being written: its id, and the directory that is not a backup yet."""

    id: str
    path: Path


@contextmanager
def draft(root: Path, identifier: str | None = None) -> Iterator[Draft]:
    """Give a new directory to write a backup into; published when the block ends well, else removed.

    Args:
        root: the backup root.
        identifier: the id of a backup that comes back; None takes a new one.

    Raises:
        FileExistsError: what comes back is there already, or somebody else is about to bring it back.
    """
    with locked(root / LOCK):
        _sweep(root)
        if identifier and os.path.lexists(root / identifier):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(root / identifier))
        identifier = identifier or new_id(after=_newest(root))
        path = root / f"{identifier}{PARTIAL}"
        path.mkdir(mode=0o700)
        lock = ExitStack()
        lock.enter_context(locked(path / LOCK))
    with lock:
        try:
            failpoint("backup.begun")
            yield Draft(identifier, path)
            _publish(root, path, root / identifier)
        except BaseException:
            shutil.rmtree(path, ignore_errors=True)
            raise


def _publish(root: Path, path: Path, target: Path) -> None:
    with locked(root / LOCK):
        (path / LOCK).unlink()
        failpoint("backup.before_sync")
        sync_directory(path)
        failpoint("backup.before_rename")
        path.rename(target)
        failpoint("backup.renamed")
        try:
            sync_directory(root)
        except BaseException:
            target.rename(path)  # its name may never reach the disk, so it must not be taken for a backup
            raise
        failpoint("backup.published")


def _sweep(root: Path) -> None:
    """Remove what killed writers left. A free lock proves that its writer is gone; we hold the root's lock here."""
    for path in root.glob(f"*{PARTIAL}"):
        if path.is_symlink() or not path.is_dir():
            continue
        with locked_if_free(path / LOCK) as free:
            if free:
                shutil.rmtree(path, ignore_errors=True)


def _published(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if is_id(path.name))


def _newest(root: Path) -> str | None:
    names = (path.name.removesuffix(PARTIAL) for path in root.iterdir())
    return max((name for name in names if is_id(name)), default=None)


def _summary(path: Path) -> Backup:
    try:
        manifest = read_manifest(path)
    except BackupError as error:
        return Backup(path.name, path, problem=str(error))
    return summary(manifest, path)


def summary(manifest: Manifest, path: Path) -> Backup:
    """Return what a list shows of a backup."""
    return Backup(
        id=manifest.id,
        path=path,
        tables={table.name: table.rows for table in manifest.tables},
        bytes=manifest.bytes,
        run=manifest.run,
        name=manifest.name,
        created=manifest.created,
        pinned=is_pinned(path),
    )
