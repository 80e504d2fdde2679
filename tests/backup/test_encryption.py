"""Production writes what it can't read; who has the key restores it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from pyrage import x25519

from safe_import.backup.encryption import Identity
from safe_import.backup.format import parse
from safe_import.backup.restore import restore_backup
from safe_import.backup.verify import verify_backup
from safe_import.backup.write import write_backup
from safe_import.errors import BackupError, SettingsError
from tests.backup.conftest import content, execute

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django.fixtures import SettingsWrapper


def key_file(path: Path) -> str:
    """Write a key file as age-keygen does, and return the public key."""
    identity = x25519.Identity.generate()
    path.write_text(f"# created: today\n# public key: {identity.to_public()}\n{identity}\n")
    return str(identity.to_public())


@pytest.fixture
def key(tmp_path: Path, settings: SettingsWrapper, backup_root: Path) -> Path:
    """A key file; backups are encrypted to it and to another one."""
    path = tmp_path / "key.txt"
    recipients = [key_file(path), key_file(tmp_path / "other.txt")]
    settings.SAFE_IMPORT = {**settings.SAFE_IMPORT, "BACKUP_RECIPIENTS": recipients}
    return path


@pytest.mark.parametrize("name", ["key.txt", "other.txt"])
def test_each_recipient_can_restore(name: str, team: list[str], key: Path) -> None:
    """The backup that the restore takes of the state before is encrypted as well."""
    before = [content(table) for table in team]
    backup = write_backup(connection, team)
    execute("DELETE FROM bk_player")
    result = restore_backup(connection, backup.path, identity=Identity(key.with_name(name)))
    assert [content(table) for table in team] == before
    assert result.before
    assert all(file.endswith(".age") for file in verify_backup(result.before.path).files())


def test_no_plain_text_is_on_the_disk(team: list[str], key: Path, backup_root: Path) -> None:
    """Neither in the chunks nor in anything else beside them."""
    execute("UPDATE bk_player SET name = 'canary in a coal mine' WHERE id = 1")
    path = write_backup(connection, team).path
    assert (path / "bk_player.jsonl.zst.age").read_bytes().startswith(b"age-encryption.org/v1")
    for file in backup_root.rglob("*"):
        assert file.is_dir() or b"canary" not in file.read_bytes()
    manifest = parse((path / "manifest.json").read_bytes(), path)
    assert manifest.encryption
    assert len(manifest.encryption.recipients) == 2


def test_without_a_key_the_stored_bytes_are_verified_and_nothing_is_restored(team: list[str], key: Path) -> None:
    """What production can do, and what it can't."""
    path = write_backup(connection, team).path
    verify_backup(path)
    with pytest.raises(BackupError, match="is encrypted: give the secret key of a recipient with --identity FILE"):
        restore_backup(connection, path)


def test_a_wrong_key_changes_nothing_and_leaves_no_plain_text(team: list[str], key: Path, tmp_path: Path) -> None:
    """It is found before the restore begins."""
    path = write_backup(connection, team).path
    key_file(tmp_path / "stranger.txt")
    before = [content(table) for table in team]
    with pytest.raises(BackupError, match="can't be decrypted with this identity"):
        restore_backup(connection, path, identity=Identity(tmp_path / "stranger.txt"))
    assert [content(table) for table in team] == before
    assert {file.suffix for file in path.iterdir()} == {".age", ".json"}


@pytest.mark.parametrize("text", [None, "", "no key\n", "AGE-SECRET-KEY-1WRONG\n", "\udcff"])
def test_a_file_without_a_key_is_refused(text: str | None, tmp_path: Path) -> None:
    """Missing, empty, or something else."""
    if text is not None:
        (tmp_path / "key.txt").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(BackupError, match="can't be read, or holds no key"):
        Identity(tmp_path / "key.txt")


def test_a_recipient_that_is_no_key_is_refused_before_anything_is_written(
    team: list[str], settings: SettingsWrapper, backup_root: Path
) -> None:
    """With the way to make a pair."""
    settings.SAFE_IMPORT = {**settings.SAFE_IMPORT, "BACKUP_RECIPIENTS": ["ssh-rsa AAAA"]}
    with pytest.raises(SettingsError, match=r"no age public key .* age-keygen"):
        write_backup(connection, team)
    assert [path.name for path in backup_root.iterdir()] == [".lock"]


def test_every_flipped_byte_of_an_encrypted_chunk_is_found(team: list[str], key: Path) -> None:
    """With the key and without it."""
    path = write_backup(connection, team).path
    chunk = path / "bk_team.jsonl.zst.age"
    whole = chunk.read_bytes()
    for place in range(0, len(whole), 7):
        chunk.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        for identity in (None, Identity(key)):
            with pytest.raises(BackupError):
                verify_backup(path, identity)
    shutil.rmtree(path)
