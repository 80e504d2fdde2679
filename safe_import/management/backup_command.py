"""What the commands for backups have in common."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from safe_import.backup.encryption import Identity

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from safe_import.backup.store import Backup


def add_identity(parser: ArgumentParser) -> None:
    """Add the option that names the secret key of encrypted backups."""
    parser.add_argument("--identity", type=Path, metavar="FILE", help="secret key of an encrypted backup (age-keygen)")


def identity_of(options: dict[str, Any]) -> Identity | None:
    """Return the secret key that the command line names."""
    return Identity(options["identity"]) if options["identity"] else None


def backup_as_dict(backup: Backup) -> dict[str, Any]:
    """Return what ``--json`` shows of a backup."""
    return {
        "id": backup.id,
        "path": str(backup.path),
        "run": backup.run,
        "name": backup.name,
        "created": backup.created,
        "tables": backup.tables,
        "bytes": backup.bytes,
        "pinned": backup.pinned,
        "problem": backup.problem or None,
    }


def backup_line(backup: Backup) -> str:
    """Return the line that people see of a backup."""
    if backup.problem:
        return f"{backup.id}  DAMAGED: {backup.problem}"
    where = f"{len(backup.tables)} tables" if len(backup.tables) > 1 else "".join(backup.tables)
    rows = f"{sum(backup.tables.values())} rows of {where}, {backup.bytes / 2**20:.1f} MiB"
    origin = backup.name or (f"run {backup.run}" if backup.run else "")
    return "  ".join(filter(None, [backup.id, backup.created, rows, origin, "pinned" if backup.pinned else ""]))
