"""safe_import, with everything on: validation, verified backup, journal, checks, guard and witness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import connection

from bench.specs import PeopleImport, SavedPeopleImport
from safe_import.backup.restore import restore_backup
from safe_import.backup.write import write_backup
from safe_import.pipeline import run_import

if TYPE_CHECKING:
    from pathlib import Path


def upsert(path: Path, **options: Any) -> dict[str, float]:
    """Import the file; returns the seconds of each stage."""
    return run_import(PeopleImport, path, **options).seconds


def dry_run(path: Path) -> dict[str, float]:
    """Make the plan alone."""
    return upsert(path, dry_run=True)


def upsert_by_save(path: Path) -> dict[str, float]:
    """Import the file into the model whose ``save()`` must run."""
    return run_import(SavedPeopleImport, path).seconds


def back_up(table: str) -> Path:
    """Write a backup of one table, and read it back."""
    return write_backup(connection, [table]).path


def restore(path: Path) -> None:
    """Bring the rows of a backup back."""
    restore_backup(connection, path)
