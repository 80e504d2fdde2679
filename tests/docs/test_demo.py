"""The demo does what it says, or stops."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from commands.demo.project import DemoFailed, Outcome, Project
from commands.demo.screen import Screen
from commands.demo.story import Story
from tests.docs.pages import ROOT

if TYPE_CHECKING:
    from pathlib import Path

_REPORT = "users, users.csv: imported\n\nRows  2 read = 1 created + 0 updated + 1 unchanged + 0 skipped + 0 rejected\n"


@pytest.mark.sqlite
def test_the_demo_runs_to_its_end_without_a_terminal_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """Its database and its backups are in the temporary folder, which is gone afterwards."""
    ended = subprocess.run(
        [sys.executable, "-m", "commands.demo"],
        cwd=ROOT,
        env={"TMPDIR": str(tmp_path), "DATABASE_URL": "postgresql://nobody@nowhere.invalid/never"},
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout
    assert "\x1b" not in ended.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """The demo, before its first chapter."""
    screen = Screen()
    return Story(Project(tmp_path, screen), screen)


def test_the_demo_stops_when_the_counts_are_others(story: Story) -> None:
    """Also when a fate has rows that nobody expected."""
    story._expect(Outcome("import_users_prod", _REPORT, 0), read=2, created=1, unchanged=1)
    for rows in ({"read": 2, "created": 2}, {"read": 2, "created": 1}):
        with pytest.raises(DemoFailed, match="import_users_prod"):
            story._expect(Outcome("import_users_prod", _REPORT, 0), **rows)


def test_the_demo_stops_when_a_claim_is_not_so(story: Story) -> None:
    """With the words of the claim."""
    with pytest.raises(DemoFailed, match="Nothing was changed"):
        story._claim("Nothing was changed.", True, False)


def test_the_demo_stops_when_a_command_exits_otherwise(story: Story, capfd: pytest.CaptureFixture[str]) -> None:
    """And shows the whole output of that command, however few lines it was to show."""
    with pytest.raises(DemoFailed, match="exits with 1, not with 0"):
        story.project.run("no_such_command", lines=0)
    assert "Unknown command: 'no_such_command'" in capfd.readouterr().out
