"""Killed at any moment: the tables are as before or as after, and no half backup is taken for one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.guarantees.published import published


@pytest.mark.parametrize("what", ["backup", "restore", "prune"])
def test_kill_9_at_every_step_leaves_old_or_new_and_nothing_else(what: str, database_url: str, tmp_path: Path) -> None:
    """Afterwards the same can be done again; what the killed process left is swept by the next backup."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "commands.settings",
        "DATABASE_URL": database_url,
        "SAFE_IMPORT_BACKUP_ROOT": str(tmp_path / "backups"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.backup.killing", what],
        env=environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    names = {"backup": "a backup", "restore": "a restore", "prune": "a pruning of backups"}
    assert int(done.stdout) == published(names[what])
