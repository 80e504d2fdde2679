"""A progress bar appears on a terminal, for more than 1,000 rows, and nowhere else."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def dry_run(database_url: str, tmp_path: Path) -> Callable[[int, int], subprocess.CompletedProcess[str]]:
    """Try to import so many chapters, with standard error going to an open file."""
    environment = {**os.environ, "DATABASE_URL": database_url, "DJANGO_SETTINGS_MODULE": "commands.settings"}
    environment |= {"TERM": "xterm", "COLUMNS": "100", "SAFE_IMPORT_BACKUP_ROOT": str(tmp_path / "backups")}

    def manage(*arguments: str, stderr: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / "manage.py"), *arguments]
        return subprocess.run(
            command,
            env=environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            check=True,
            timeout=120,
        )

    def dry_run(rows: int, stderr: int) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "chapters.csv"
        file.write_text("chapter_name\n" + "".join(f"Chapter {number}\n" for number in range(rows)), encoding="utf-8")
        return manage("import_org_structure_prod", "--csv", str(file), "--dry-run", stderr=stderr)

    manage("migrate", "-v0", stderr=subprocess.PIPE)
    return dry_run


def on_terminal(act: Callable[[int], subprocess.CompletedProcess[str]]) -> tuple[str, str]:
    """Standard output, and what a pseudo-terminal got as standard error."""
    ours, theirs = pty.openpty()
    try:
        done = act(theirs)
        os.write(theirs, b"<end>")
        shown = b""
        while not shown.endswith(b"<end>"):
            shown += os.read(ours, 65_536)
    finally:
        os.close(ours)
        os.close(theirs)
    return done.stdout, shown.removesuffix(b"<end>").decode()


def test_progress_shows_on_a_terminal_over_1000_rows(
    dry_run: Callable[[int, int], subprocess.CompletedProcess[str]],
) -> None:
    """On standard error alone; up to 1,000 rows there is none, and none in a pipe."""
    out, shown = on_terminal(lambda terminal: dry_run(1_500, terminal))
    assert "1,500 rows" in shown
    assert "\x1b[" in shown
    assert "1,500 read" in out
    assert "\x1b" not in out
    assert on_terminal(lambda terminal: dry_run(1_000, terminal))[1] == ""
    assert dry_run(1_500, subprocess.PIPE).stderr == ""
