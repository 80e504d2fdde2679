"""Guarantee 10 against the server itself: it is restarted at the commit, by SIGQUIT, and recovers from its log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.guarantees.restarting import SERVER
from tests.postgresql import own_server

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.postgresql
@pytest.mark.filterwarnings("ignore::Warning:platformdirs")
def test_a_server_that_restarts_at_the_commit_leaves_old_or_new_and_the_exit_code_says_which(tmp_path: Path) -> None:
    """Before the COMMIT nothing is changed (1); after it all is, though nobody was told (5). Then the command works."""
    root = tmp_path / "backups"
    root.mkdir(mode=0o700)
    with own_server(**SERVER) as url:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "commands.settings",
            "DATABASE_URL": url,
            "SAFE_IMPORT_BACKUP_ROOT": str(root),
        }
        done = subprocess.run(
            [sys.executable, "-m", "tests.guarantees.restarting"],
            cwd=PROJECT, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "import, before": [1, "known", "failed", False, 0],
        "import, after": [5, "known", "applied", True, 0],
        "undo, before": [1, "known", "verified", False, 0],
        "undo, after": [5, "known", "undone", True, 1],  # it is undone already
        "restore, before": [1, "known", "verified", False, 0],
        "restore, after": [5, "unknown", "verified", True, 0],
    }
