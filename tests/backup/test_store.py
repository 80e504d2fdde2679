"""The root is private and honest, or nothing is read from it or written to it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from safe_import import file_locks
from safe_import.backup.store import backup_root as checked_root
from safe_import.backup.store import draft, find, list_backups, newest_id
from safe_import.backup.verify import verify_backup
from safe_import.backup.write import write_backup
from safe_import.errors import BackupError, Refused, SettingsError

if TYPE_CHECKING:
    from pytest_django.fixtures import SettingsWrapper


def repaired_by(message: str) -> None:
    """Run the command at the end of a message."""
    command = re.search(r"((?:chmod|chown|mkdir|rm) .*)$", message)
    assert command, message
    subprocess.run(["/bin/sh", "-c", command[1]], check=True)


def test_an_unset_root_is_refused_with_what_to_set(settings: SettingsWrapper) -> None:
    """There is no place that would do as a default."""
    settings.SAFE_IMPORT = {}
    with pytest.raises(SettingsError, match=r'SAFE_IMPORT\["BACKUP_ROOT"\] is not set: .* mkdir -m 700'):
        checked_root()


def test_the_older_name_of_the_setting_is_honoured(settings: SettingsWrapper, tmp_path: Path) -> None:
    """PRODUCTION_BACKUP_DIR, as a setting of its own."""
    settings.SAFE_IMPORT = {}
    settings.PRODUCTION_BACKUP_DIR = tmp_path / "older"
    assert checked_root() == tmp_path / "older"


def test_a_missing_root_is_made_private(backup_root: Path) -> None:
    """Nobody else can look into it, whatever the umask says."""
    backup_root.rmdir()
    before = os.umask(0)
    try:
        checked_root()
    finally:
        os.umask(before)
    assert backup_root.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o777, 0o720, 0o702])
def test_a_root_that_others_can_write_to_is_refused(mode: int, backup_root: Path) -> None:
    """The message has the command that repairs it."""
    backup_root.chmod(mode)
    with pytest.raises(BackupError, match="can be written by others") as caught:
        checked_root()
    repaired_by(str(caught.value))
    checked_root()


def test_a_root_that_is_a_link_is_refused(backup_root: Path, tmp_path: Path) -> None:
    """Who can replace the link decides where backups go."""
    shutil.move(backup_root, tmp_path / "else where")
    backup_root.symlink_to(tmp_path / "else where")
    with pytest.raises(
        BackupError, match=re.escape(f"is a symbolic link: name the directory itself ({tmp_path / 'else where'})")
    ) as caught:
        checked_root()
    repaired_by(str(caught.value))
    checked_root()


def test_a_root_that_is_a_file_is_refused(backup_root: Path) -> None:
    """And replaced by a directory with the command of the message."""
    backup_root.rmdir()
    backup_root.write_text("")
    with pytest.raises(BackupError, match="is not a directory") as caught:
        checked_root()
    repaired_by(str(caught.value))
    checked_root()


def test_a_root_of_somebody_else_is_refused(backup_root: Path, settings: SettingsWrapper) -> None:
    """Its owner could take backups away, or put others there. Only root can give a directory away, and repair that."""
    is_root = os.geteuid() == 0
    if is_root:
        os.chown(backup_root, 12345, -1)
    else:
        settings.SAFE_IMPORT = {"BACKUP_ROOT": Path("/")}
    with pytest.raises(BackupError, match="belongs to another user") as caught:
        checked_root()
    if is_root:
        repaired_by(str(caught.value))
        checked_root()


def test_a_root_without_a_parent_is_refused(settings: SettingsWrapper, tmp_path: Path) -> None:
    """A mistyped path makes no tree of directories."""
    settings.SAFE_IMPORT = {"BACKUP_ROOT": tmp_path / "a" / "b"}
    with pytest.raises(BackupError, match="parent is missing") as caught:
        checked_root()
    repaired_by(str(caught.value))
    checked_root()


def test_windows_is_refused_with_its_reason(monkeypatch: pytest.MonkeyPatch, backup_root: Path) -> None:
    """There is no fcntl module on it."""
    monkeypatch.setattr(file_locks, "fcntl", None)
    with pytest.raises(Refused, match=r"Windows is not supported .* fsync a directory"):
        checked_root()


def test_everything_in_a_backup_is_private(team: list[str], backup_root: Path) -> None:
    """0700 and 0600, whatever the umask says."""
    before = os.umask(0)
    try:
        path = write_backup(connection, team).path
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o700
    assert {each.stat().st_mode & 0o777 for each in path.iterdir()} == {0o600}
    assert {each.stat().st_mode & 0o777 for each in backup_root.iterdir() if each.is_file()} == {0o600}


def test_a_planted_link_is_not_followed(team: list[str], backup_root: Path, tmp_path: Path) -> None:
    """A directory elsewhere that looks like a backup is none of ours."""
    path = write_backup(connection, team).path
    shutil.move(path, tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BackupError, match="is a symbolic link"):
        find(path.name)
    assert [each.problem[:60] for each in list_backups()] == [f"the backup {path} is a symbolic link"[:60]]


@pytest.mark.parametrize(
    "name", ["..", "../../etc", "etc", "/etc", "", "01jd7q2v0g8k6f4xm2q3t5r9wz", "01JD7Q2V0G8K6F4XM2Q3T5R9WZ/.."]
)
def test_what_names_no_backup_is_refused(name: str, backup_root: Path) -> None:
    """An id, or a path that ends in one; nothing else becomes a path."""
    with pytest.raises(BackupError, match="names no backup"):
        find(name)


def test_a_backup_is_found_by_its_id_and_by_its_path(
    team: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that was copied to another place."""
    path = write_backup(connection, team).path
    assert find(path.name) == find(path) == find(str(path)) == path
    copy = shutil.copytree(path, tmp_path / path.name)
    copy.chmod(0o700)
    assert find(copy) == copy
    monkeypatch.chdir(path.parent)
    assert find(path.name) == path
    assert verify_backup(find(f"./{path.name}")).id == path.name
    with pytest.raises(BackupError, match="there is no backup"):
        find("01JD7Q2V0G8K6F4XM2Q3T5R9WZ")


def test_the_order_of_backups_survives_a_clock_that_runs_backwards(
    team: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new process sees the newest id in the root, and goes on from there."""
    first = write_backup(connection, team)
    monkeypatch.setattr("safe_import.ids._last", 0)  # as in a new process
    monkeypatch.setattr(time, "time_ns", lambda: 10**18)
    second = write_backup(connection, team)
    assert [each.id for each in list_backups()] == [first.id, second.id]
    assert newest_id() == second.id
    assert second.id[:10] == first.id[:10]


def test_what_a_killed_writer_left_is_swept_and_a_living_one_is_left_alone(team: list[str], backup_root: Path) -> None:
    """The lock tells them apart, not the time."""
    code = (
        "import sys, time, pathlib; from safe_import.backup.files import locked\n"
        "with locked(pathlib.Path(sys.argv[1])):\n    print('held', flush=True); time.sleep(60)"
    )
    living = backup_root / "01JD7Q2V0G8K6F4XM2Q3T5R9W0.partial"
    dead = backup_root / "01JD7Q2V0G8K6F4XM2Q3T5R9W1.partial"
    for path in (living, dead):
        path.mkdir(mode=0o700)
        (path / "bk_team.jsonl.zst").write_bytes(b"half")
    with subprocess.Popen([sys.executable, "-c", code, living / ".lock"], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            process.stdout.readline()
            assert list_backups() == []
            write_backup(connection, team)
            assert living.exists()
            assert not dead.exists()
        finally:
            process.kill()
    write_backup(connection, team)
    assert not living.exists()


def test_two_drafts_at_once_get_ids_of_their_own(backup_root: Path) -> None:
    """One writes while the other one begins."""
    with draft(backup_root) as one, draft(backup_root) as other:
        assert one.id < other.id
        assert one.path.exists()
    assert [each.id for each in list_backups()] == [one.id, other.id]
