"""Pruning: which backups may go. Order and age come from the ids, never from the clock of the day."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from safe_import.backup.files import locked, sync_directory
from safe_import.backup.format import LOCK, PARTIAL
from safe_import.backup.store import backup_root, list_backups
from safe_import.backup.verify import verify_backup
from safe_import.errors import BackupError
from safe_import.failpoints import failpoint
from safe_import.ids import milliseconds

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from safe_import.backup.store import Backup

_DAY = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Pruning:
    """What was removed, or would be, and for each backup that stays the reason."""

    removed: tuple[Backup, ...]
    kept: dict[str, str]


def prune_backups(*, keep_last: int, keep_days: int, needed: Container[str] = (), dry_run: bool = False) -> Pruning:
    """Remove the backups that nothing speaks for.

    Args:
        keep_last: how many of the newest stay, at least 1.
        keep_days: those stay that are at most so many days older than the newest one.
        needed: the ids of backups that runs still need, and of runs that still need their backup.
        dry_run: only say what would go.

    Returns:
        What was removed. A pinned backup and the newest one that verifies are never among them.
    """
    backups = list_backups()
    kept = _reasons(backups, keep_last, keep_days, needed)
    removable = tuple(backup for backup in backups if backup.id not in kept)
    if not dry_run:
        for backup in removable:
            _remove(backup)
    return Pruning(removable, kept)


def _reasons(backups: Sequence[Backup], keep_last: int, keep_days: int, needed: Container[str]) -> dict[str, str]:
    if not backups:
        return {}
    oldest = milliseconds(backups[-1].id) - keep_days * _DAY
    last_good = _newest_that_verifies(backups)
    kept = {}
    for place, backup in enumerate(reversed(backups), start=1):
        reasons = {
            "pinned": backup.pinned,
            "needed by a run": backup.id in needed or backup.run in needed,
            "the newest that verifies": backup.id == last_good,
            f"one of the last {keep_last}": place <= max(keep_last, 1),
            f"within {keep_days} days of the newest": milliseconds(backup.id) >= oldest,
        }
        if reason := next((text for text, holds in reasons.items() if holds), None):
            kept[backup.id] = reason
    return kept


def _newest_that_verifies(backups: Sequence[Backup]) -> str | None:
    for backup in reversed(backups):
        try:
            return verify_backup(backup.path).id
        except BackupError:
            continue
    return None


def _remove(backup: Backup) -> None:
    """Rename first: from then on it is no backup any more, and a kill leaves something that is swept."""
    root = backup_root()
    doomed = backup.path.with_name(f"{backup.id}{PARTIAL}")
    with locked(root / LOCK):
        failpoint("prune.before_rename")
        backup.path.rename(doomed)
        sync_directory(root)
        failpoint("prune.renamed")
        shutil.rmtree(doomed)
        failpoint("prune.removed")
