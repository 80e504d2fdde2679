"""Killed at any moment, a run, an undo or a pruning leaves the data as before or as after; its record says which."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.guarantees.published import published


@pytest.mark.parametrize("what", ["import", "undo", "prune"])
def test_killed_at_every_step(what: str, database_url: str, tmp_path: Path) -> None:
    """After recovery the same command works."""
    root = tmp_path / "backups"
    root.mkdir(mode=0o700)
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "commands.settings",
        "SAFE_IMPORT_BACKUP_ROOT": str(root),
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.runs.killing", what],
        cwd=Path(__file__).parents[2], env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    names = {"import": "an import, and each time its undo", "undo": "an undo", "prune": "a pruning of journals"}
    assert int(done.stdout) == published(names[what])
