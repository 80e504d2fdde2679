"""Pruning: which backups may go. Order and age come from the ids, never from the clock of the day."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from safe_import.backup.files import locked, sync_directory
from safe_import.backup.format import LOCK, PARTIAL
from safe_import.backup.store import backup_root, is_pinned, list_backups
from safe_import.backup.verify import verify_backup
from safe_import.errors import BackupError
from safe_import.failpoints import failpoint
from safe_import.ids import milliseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    from safe_import.backup.store import Backup

_DAY = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Pruning:
    """What was removed, or would be, and for each backup that stays the reason."""

    removed: tuple[Backup, ...]
    kept: dict[str, str]


def prune_backups(
    *, keep_last: int, keep_days: int, needed: Callable[[], Collection[str]] = frozenset, dry_run: bool = False
) -> Pruning:
    """Remove the backups that nothing speaks for.

    Args:
        keep_last: how many of the newest stay, at least 1.
        keep_days: those stay that are at most so many days older than the newest one.
        needed: gives the ids of backups that runs still need, and of runs that still need their backup. It is asked
            again right before each removal.
        dry_run: only say what would go.

    Returns:
        What was removed. A pinned backup and the newest one that verifies are never among them.

    Raises:
        BackupError: one could not be removed; those before it are.
    """
    found = list_backups()
    backups = [backup for backup in found if _is_directory(backup)]
    strays = {backup.id: "it is no directory" for backup in found if not _is_directory(backup)}
    kept = strays | _reasons(backups, keep_last, keep_days, needed())
    removable = [backup for backup in backups if backup.id not in kept]
    if dry_run:
        return Pruning(tuple(removable), kept)
    return Pruning(tuple(backup for backup in removable if _removed(backup, needed, kept)), kept)


def _is_directory(backup: Backup) -> bool:
    return backup.path.is_dir() and not backup.path.is_symlink()


def _spoken_for(backup: Backup, needed: Collection[str]) -> str:
    """Return what keeps a backup whatever its age: that can change at any time."""
    if is_pinned(backup.path):
        return "pinned"
    return "needed by a run" if backup.id in needed or backup.run in needed else ""


def _reasons(backups: Sequence[Backup], keep_last: int, keep_days: int, needed: Collection[str]) -> dict[str, str]:
    if not backups:
        return {}
    oldest = milliseconds(backups[-1].id) - keep_days * _DAY
    last_good = _newest_that_verifies(backups)
    kept = {}
    for place, backup in enumerate(reversed(backups), start=1):
        reasons = {
            _spoken_for(backup, needed): True,
            "the newest that verifies": backup.id == last_good,
            f"one of the last {keep_last}": place <= max(keep_last, 1),
            f"within {keep_days} days of the newest": milliseconds(backup.id) >= oldest,
        }
        if reason := next((text for text, holds in reasons.items() if text and holds), None):
            kept[backup.id] = reason
    return kept


def _newest_that_verifies(backups: Sequence[Backup]) -> str | None:
    for backup in reversed(backups):
        try:
            return verify_backup(backup.path).id
        except (BackupError, OSError):  # somebody else may be removing it
            continue
    return None


def _removed(backup: Backup, needed: Callable[[], Collection[str]], kept: dict[str, str]) -> bool:
    """Remove a backup, unless somebody else did or it has been pinned or needed since; returns whether we did."""
    root = backup_root()
    with _naming_errors(backup), locked(root / LOCK):
        if not _is_directory(backup):
            return False
        if reason := _spoken_for(backup, needed()):
            kept[backup.id] = reason
            return False
        _remove(backup, root)
        return True


def _remove(backup: Backup, root: Path) -> None:
    """Rename first: from then on it is no backup any more, and a kill leaves something that is swept."""
    doomed = backup.path.with_name(f"{backup.id}{PARTIAL}")
    failpoint("prune.before_rename")
    backup.path.rename(doomed)
    sync_directory(root)
    failpoint("prune.renamed")
    shutil.rmtree(doomed)
    failpoint("prune.removed")


@contextmanager
def _naming_errors(backup: Backup) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BackupError(
            f"backup {backup.id} could not be removed: {error.strerror or error}; repair that and run it again"
        ) from error
