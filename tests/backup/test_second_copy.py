"""The second copy is written, read back, and there when the first one is gone."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.files.storage.filesystem import FileSystemStorage
from django.db import connection

from safe_import.backup.restore import restore_backup
from safe_import.backup.store import draft, find, list_backups
from safe_import.backup.verify import verify_backup
from safe_import.backup.write import write_backup
from safe_import.errors import AfterCommitError, BackupError, SettingsError
from safe_import.failpoints import failing
from tests.backup.conftest import content, execute

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from django.core.files.storage import Storage
    from pytest_django.fixtures import SettingsWrapper

    from safe_import.backup.store import Draft

FILES = {"BACKEND": "django.core.files.storage.FileSystemStorage"}


class ForgetfulStorage(FileSystemStorage):
    """Says that it saved, and keeps something else."""

    def _save(self, name: str, content: Any) -> str:
        saved: str = super()._save(name, ContentFile(b"something else"))  # type: ignore[misc]
        return saved


class FullStorage(FileSystemStorage):
    """Has no room."""

    def _save(self, name: str, content: Any) -> str:
        raise OSError("no room")


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """A server of the S3 protocol, in a thread; yields its URL."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - slow to import

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def use(settings: SettingsWrapper, storage: dict[str, Any]) -> Storage:
    """Make a storage the one for second copies."""
    settings.STORAGES = {**settings.STORAGES, "copies": storage}
    settings.SAFE_IMPORT = {**settings.SAFE_IMPORT, "BACKUP_STORAGE": "copies"}
    return storages["copies"]


@pytest.fixture(params=["files", "s3"])
def storage(request: pytest.FixtureRequest, settings: SettingsWrapper, tmp_path: Path, backup_root: Path) -> Storage:
    """Django's storage of files, and a bucket behind the real protocol."""
    if request.param == "files":
        return use(settings, {**FILES, "OPTIONS": {"location": str(tmp_path / "copies")}})
    endpoint = request.getfixturevalue("s3_server")
    import boto3  # noqa: PLC0415 - slow to import

    access = {
        "endpoint_url": endpoint,
        "region_name": "us-east-1",
        "aws_access_key_id": "test",
        "aws_secret_access_key": "test",
    }
    bucket = f"bucket-{os.urandom(4).hex()}"
    boto3.client("s3", **access).create_bucket(Bucket=bucket)
    options = {
        "bucket_name": bucket,
        "endpoint_url": access["endpoint_url"],
        "region_name": "us-east-1",
        "access_key": "test",
        "secret_key": "test",
        "file_overwrite": False,
    }
    return use(settings, {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options})


def test_a_backup_is_restored_from_the_second_copy_when_the_first_is_gone(team: list[str], storage: Storage) -> None:
    """By its id, or by the path where it was; afterwards it is in the root again."""
    before = [content(table) for table in team]
    path = write_backup(connection, team).path
    names = sorted(file.name for file in path.iterdir())
    copied = {name: (path / name).read_bytes() for name in names}
    shutil.rmtree(path)
    execute("DELETE FROM bk_player")

    restore_backup(connection, find(path.name))

    assert [content(table) for table in team] == before
    assert {name: (path / name).read_bytes() for name in names} == copied
    shutil.rmtree(path)
    assert verify_backup(find(str(path))).id == path.name


def test_a_backup_that_neither_place_has_is_said_to_be_missing(
    team: list[str], storage: Storage, backup_root: Path
) -> None:
    """And leaves nothing in the root."""
    write_backup(connection, team)
    with pytest.raises(BackupError, match="there is no backup"):
        find("01JD7Q2V0G8K6F4XM2Q3T5R9WZ")
    assert len(list_backups()) == 1
    assert not list(backup_root.glob("*.partial"))


def test_a_damaged_second_copy_is_not_fetched(team: list[str], storage: Storage, backup_root: Path) -> None:
    """It is verified before it becomes a backup again."""
    path = write_backup(connection, team).path
    name = f"{path.name}/bk_team.jsonl.zst"
    storage.delete(name)
    storage.save(name, ContentFile((path / "bk_team.jsonl.zst").read_bytes()[:-1] + b"?"))
    shutil.rmtree(path)
    with pytest.raises(BackupError, match=r"bk_team\.jsonl\.zst: .*; use another backup"):
        find(path.name)
    assert list_backups() == []


def test_an_incomplete_second_copy_is_not_fetched(team: list[str], storage: Storage) -> None:
    """Its manifest is the last thing that is written there, too."""
    path = write_backup(connection, team).path
    storage.delete(f"{path.name}/manifest.json")
    shutil.rmtree(path)
    with pytest.raises(BackupError, match="there is no backup"):
        find(path.name)


@pytest.mark.parametrize(
    ("backend", "reason"),
    [("ForgetfulStorage", "its second copy is not the same"), ("FullStorage", "the storage says OSError: no room")],
)
def test_a_second_copy_that_failed_is_an_error_and_the_backup_stays(
    backend: str, reason: str, team: list[str], backup_root: Path, settings: SettingsWrapper, tmp_path: Path
) -> None:
    """An import does not begin on such a backup; a restore that was committed says so."""
    earlier = write_backup(connection, team)
    use(settings, {"BACKEND": f"{__name__}.{backend}", "OPTIONS": {"location": str(tmp_path / "copies")}})
    with pytest.raises(BackupError, match=f"is written and whole, but its second copy is not: .*{reason}"):
        write_backup(connection, team)
    assert len(list_backups()) == 2
    assert all(verify_backup(backup.path) for backup in list_backups())
    with pytest.raises(AfterCommitError, match="everything is restored"):
        restore_backup(connection, earlier.path)


def test_an_existing_copy_is_never_overwritten(
    team: list[str], backup_root: Path, settings: SettingsWrapper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever has the name of a new backup stays what it is."""
    storage = use(settings, {**FILES, "OPTIONS": {"location": str(tmp_path / "copies")}})
    monkeypatch.setattr("safe_import.backup.store.new_id", lambda after: "7ZZZZZZZZZ0000000000000000")
    storage.save("7ZZZZZZZZZ0000000000000000/bk_team.jsonl.zst", ContentFile(b"older"))
    with pytest.raises(BackupError, match="is there already, and is not overwritten"):
        write_backup(connection, team)
    with storage.open("7ZZZZZZZZZ0000000000000000/bk_team.jsonl.zst") as file:
        assert file.read() == b"older"


def test_a_storage_that_is_not_configured_is_refused(
    team: list[str], backup_root: Path, settings: SettingsWrapper
) -> None:
    """Before the backup is written."""
    settings.SAFE_IMPORT = {**settings.SAFE_IMPORT, "BACKUP_STORAGE": "nowhere"}
    with pytest.raises(SettingsError, match="STORAGES has no such alias"):
        write_backup(connection, team)
    assert list_backups() == []


@pytest.fixture
def only_copied(team: list[str], settings: SettingsWrapper, tmp_path: Path, backup_root: Path) -> Path:
    """A backup that is gone from the root, but has its second copy."""
    use(settings, {**FILES, "OPTIONS": {"location": str(tmp_path / "copies")}})
    path = write_backup(connection, team).path
    shutil.rmtree(path)
    return path


def test_a_backup_that_is_being_fetched_is_not_fetched_twice(only_copied: Path, backup_root: Path) -> None:
    """The second one to ask is told to wait."""
    with draft(backup_root, only_copied.name) as other:
        with pytest.raises(BackupError, match=r"is being fetched .*: wait until it is there"):
            find(only_copied.name)
        assert other.path.exists()


def test_a_backup_that_was_fetched_meanwhile_is_taken(
    only_copied: Path, backup_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look for it and the lock, another process brought it back."""

    @contextmanager
    def late(root: Path, identifier: str) -> Iterator[Draft]:
        monkeypatch.undo()
        find(identifier)
        with draft(root, identifier) as new:
            yield new

    monkeypatch.setattr("safe_import.backup.store.draft", late)
    assert find(only_copied.name) == only_copied
    assert verify_backup(only_copied).id == only_copied.name
    assert not list(backup_root.glob("*.partial"))


def test_a_full_disk_while_fetching_is_a_clear_error(only_copied: Path, backup_root: Path) -> None:
    """At whatever step; nothing is left, and with room again the backup is fetched."""
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    for at in range(1, 100):
        with failing(at, full, prefix="backup.") as points:
            try:
                find(only_copied.name)
            except BackupError as error:
                assert "could not be fetched: " in str(error)  # noqa: PT017
                assert "No space left on device" in str(error)  # noqa: PT017
                assert "the storage says" not in str(error)  # noqa: PT017
        assert not list(backup_root.glob("*.partial"))
        if len(points.reached) < at:
            break
        shutil.rmtree(only_copied, ignore_errors=True)
    assert at > 8
    assert verify_backup(only_copied).id == only_copied.name
