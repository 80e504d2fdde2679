"""Every command answers with one JSON object and its documented exit code, whatever is wrong with the call."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
CALLS = [
    ["undo_import"],
    ["restore_backup"],
    ["validate_import", "users", "x"],
    ["list_backups", "--bad"],
    ["validate_import", "all", "--database", "zz"],
    ["import_runs", "--database", "zz"],
    ["list_backups", "--database", "zz"],
    ["import_users_prod", "--bad"],
]


@pytest.mark.parametrize("call", CALLS, ids=" ".join)
def test_a_wrong_call_is_answered_in_json_and_exits_2(call: list[str], database_url: str, tmp_path: Path) -> None:
    """Also one that the parser of the command line refuses; no traceback."""
    environment = {**os.environ, "DATABASE_URL": database_url, "SAFE_IMPORT_BACKUP_ROOT": str(tmp_path / "backups")}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    done = subprocess.run(
        [sys.executable, "manage.py", *call, "--json"],
        cwd=PROJECT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert json.loads(done.stdout)["exit_code"] == 2
    assert "Traceback" not in done.stderr


def test_a_database_that_can_not_be_opened_is_a_failure_in_words(tmp_path: Path) -> None:
    """And in JSON."""
    file = tmp_path / "users.csv"
    file.write_text("Name,Email\nAda,ada@x.example\n")
    environment = {**os.environ, "DATABASE_URL": f"sqlite:///{tmp_path}/nowhere/x.sqlite3"}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    environment["SAFE_IMPORT_BACKUP_ROOT"] = str(tmp_path / "backups")
    done = subprocess.run(
        [sys.executable, "manage.py", "import_users_prod", "--csv", str(file), "--json"],
        cwd=PROJECT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert json.loads(done.stdout)["exit_code"] == 1
    assert "Traceback" not in done.stderr
    assert "can't be opened" in done.stderr
