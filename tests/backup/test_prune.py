"""Pruning never takes what may still be needed."""

from __future__ import annotations

import os
import shutil
import time
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from safe_import.backup.format import PINNED
from safe_import.backup.prune import prune_backups
from safe_import.backup.store import list_backups, set_pinned
from safe_import.backup.write import write_backup
from safe_import.errors import BackupError
from safe_import.failpoints import FailpointReached, failing, watching

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DAY = 86_400


@pytest.fixture
def on_day(team: list[str], monkeypatch: pytest.MonkeyPatch) -> Callable[[int], str]:
    """Write a backup on a day, counted from some day in the future of all real ids; returns its id."""
    monkeypatch.setattr("safe_import.ids._last", 0)

    def write(day: int) -> str:
        monkeypatch.setattr(time, "time_ns", lambda: (4_000_000_000 + day * DAY) * 1_000_000_000)
        return write_backup(connection, team).id

    return write


def ids() -> list[str]:
    return [backup.id for backup in list_backups()]


def test_the_newest_stay_and_those_of_the_last_days(on_day: Callable[[int], str]) -> None:
    """A backup goes only when both rules let it go."""
    made = [on_day(day) for day in (0, 10, 20, 29, 30)]
    pruning = prune_backups(keep_last=3, keep_days=5)
    assert [backup.id for backup in pruning.removed] == made[:2]
    assert ids() == made[2:]
    assert prune_backups(keep_last=1, keep_days=5).kept[made[3]] == "within 5 days of the newest"
    assert ids() == made[3:]


def test_a_dry_run_removes_nothing(on_day: Callable[[int], str]) -> None:
    """It names what would go."""
    made = [on_day(day) for day in (0, 10, 20)]
    assert [each.id for each in prune_backups(keep_last=1, keep_days=1, dry_run=True).removed] == made[:2]
    assert ids() == made


def test_pinned_and_needed_backups_stay(on_day: Callable[[int], str]) -> None:
    """Whatever their age."""
    made = [on_day(day) for day in (0, 10, 20, 30)]
    set_pinned(next(each.path for each in list_backups() if each.id == made[0]), True)
    pruning = prune_backups(keep_last=1, keep_days=0, needed=lambda: {made[1]})
    assert ids() == [made[0], made[1], made[3]]
    assert pruning.kept[made[0]] == "pinned"
    assert pruning.kept[made[1]] == "needed by a run"


def test_the_newest_backup_that_verifies_stays(on_day: Callable[[int], str]) -> None:
    """When all newer ones are damaged it is the only one there is."""
    made = [on_day(day) for day in (0, 10, 20, 30)]
    for backup in list_backups()[2:]:
        (backup.path / "bk_team.jsonl.zst").write_bytes(b"")
    prune_backups(keep_last=1, keep_days=0)
    assert ids() == [made[1], made[3]]


def test_the_newest_always_stays(on_day: Callable[[int], str]) -> None:
    """Also when somebody asks for none."""
    made = [on_day(day) for day in (0, 10)]
    prune_backups(keep_last=0, keep_days=0)
    assert ids() == made[1:]
    assert prune_backups(keep_last=1, keep_days=0).removed == ()


@pytest.mark.parametrize("days", [-400, -1, 1, 400])
def test_a_wrong_clock_changes_nothing(
    days: int, on_day: Callable[[int], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Age is counted back from the newest backup, not from the clock of the day."""
    made = [on_day(day) for day in (0, 10, 20)]
    monkeypatch.setattr(time, "time_ns", lambda: (4_000_000_000 + (20 + days) * DAY) * 1_000_000_000)
    prune_backups(keep_last=1, keep_days=10)
    assert ids() == made[1:]


def test_nothing_to_prune_is_no_error(backup_root: Path) -> None:
    """An empty root."""
    assert prune_backups(keep_last=1, keep_days=1).removed == ()


@pytest.mark.parametrize("error", [FailpointReached("any"), MemoryError()], ids=["failure", "no memory"])
def test_a_failure_at_any_step_leaves_a_backup_whole_or_away(
    error: Exception, on_day: Callable[[int], str], backup_root: Path
) -> None:
    """And the next writer sweeps the rest."""
    for step in (1, 2, 3):
        made = [on_day(step * 100), on_day(step * 100 + 10)]
        with failing(step, error, prefix="prune."), pytest.raises(type(error)):
            prune_backups(keep_last=1, keep_days=0)
        assert made[1] in ids()
        assert all(not backup.problem for backup in list_backups())
        prune_backups(keep_last=1, keep_days=0)
    on_day(1000)
    assert not list(backup_root.glob("*.partial"))


def test_what_is_pinned_or_needed_since_the_pruning_began_stays(
    on_day: Callable[[int], str], backup_root: Path
) -> None:
    """Both are asked again under the lock, right before each removal."""
    made = [on_day(day) for day in (0, 10, 20, 30)]
    answers = iter([set(), set(), {made[1]}, {made[1]}])

    def needed() -> set[str]:
        answer = next(answers)
        if answer:
            (backup_root / made[2] / PINNED).touch()
        return answer

    pruning = prune_backups(keep_last=1, keep_days=0, needed=needed)
    assert [backup.id for backup in pruning.removed] == made[:1]
    assert ids() == made[1:]
    assert (pruning.kept[made[1]], pruning.kept[made[2]]) == ("needed by a run", "pinned")


def test_a_backup_that_another_pruning_removed_is_no_error(on_day: Callable[[int], str], backup_root: Path) -> None:
    """Nor is it among those that this one removed; to pin it is an error that says so."""
    made = [on_day(day) for day in (0, 10, 20)]
    gone = backup_root / made[1]

    def other(point: str) -> None:
        if point == "prune.removed" and gone.exists():
            shutil.rmtree(gone)

    with watching(other):
        pruning = prune_backups(keep_last=1, keep_days=0)
    assert [backup.id for backup in pruning.removed] == made[:1]
    assert ids() == made[2:]
    assert not list(backup_root.glob("*.partial"))
    with pytest.raises(BackupError, match="can't be pinned: No such file"):
        set_pinned(gone, True)


def test_what_is_no_directory_is_left_alone(on_day: Callable[[int], str], backup_root: Path, tmp_path: Path) -> None:
    """A link and a plain file that have the names of backups: nobody knows whose they are."""
    made = [on_day(day) for day in (0, 10)]
    link, plain = (backup_root / f"{number:026}" for number in (1, 2))
    (tmp_path / "elsewhere").mkdir()
    link.symlink_to(tmp_path / "elsewhere")
    plain.touch()
    pruning = prune_backups(keep_last=1, keep_days=0)
    assert [backup.id for backup in pruning.removed] == made[:1]
    assert pruning.kept[link.name] == pruning.kept[plain.name] == "it is no directory"
    assert (link.is_symlink(), plain.is_file()) == (True, True)
    assert not list(backup_root.glob("*.partial"))


def test_what_the_disk_says_is_a_clear_error(on_day: Callable[[int], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """With the id and the reason."""
    made = [on_day(day) for day in (0, 10)]

    def fails(_: int) -> None:
        raise OSError(5, os.strerror(5))

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(BackupError, match=f"{made[0]} could not be removed: Input/output error"):
        prune_backups(keep_last=1, keep_days=0)
    assert ids() == made[1:]
