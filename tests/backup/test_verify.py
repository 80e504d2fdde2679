"""Damage of whatever kind is found, and named."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from safe_import.backup.format import MANIFEST, render
from safe_import.backup.store import find, set_pinned
from safe_import.backup.verify import read_manifest, verify_backup
from safe_import.backup.write import write_backup
from safe_import.errors import BackupError
from tests.backup.conftest import execute

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def backup(team: list[str]) -> Path:
    """A small backup of two tables."""
    return write_backup(connection, team).path


def test_every_flipped_bit_of_every_byte_is_found(backup: Path) -> None:
    """One bit a byte, another one in the next byte; and every byte replaced by its complement."""
    verify_backup(backup)
    for path in sorted(backup.iterdir()):
        whole = path.read_bytes()
        for place in range(len(whole)):
            for mask in (1 << place % 8, 0xFF):
                path.write_bytes(whole[:place] + bytes([whole[place] ^ mask]) + whole[place + 1 :])
                with pytest.raises(BackupError):
                    verify_backup(backup)
        path.write_bytes(whole)
    verify_backup(backup)


def test_every_truncated_file_is_found(backup: Path) -> None:
    """Whether one byte is missing or all are."""
    for path in sorted(backup.iterdir()):
        whole = path.read_bytes()
        for length in {0, 1, len(whole) // 2, len(whole) - 1}:
            path.write_bytes(whole[:length])
            with pytest.raises(BackupError):
                verify_backup(backup)
        path.write_bytes(whole + b"\0")
        with pytest.raises(BackupError):
            verify_backup(backup)
        path.write_bytes(whole)


def test_chunks_that_changed_places_are_found(backup: Path) -> None:
    """Each is whole in itself, and yet not the one that the manifest means."""
    one, other = backup / "bk_team.jsonl.zst", backup / "bk_player.jsonl.zst"
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    with pytest.raises(BackupError, match=r"bk_.*\.jsonl\.zst"):
        verify_backup(backup)


def test_a_chunk_of_another_backup_is_found(backup: Path, team: list[str]) -> None:
    """The same table, another day."""
    execute("UPDATE bk_team SET name = 'RED' WHERE id = 1")
    other = write_backup(connection, team).path
    shutil.copy(other / "bk_team.jsonl.zst", backup / "bk_team.jsonl.zst")
    with pytest.raises(BackupError, match=r"bk_team\.jsonl\.zst: .* use another backup"):
        verify_backup(backup)


def test_the_manifest_of_another_backup_is_found(backup: Path, team: list[str]) -> None:
    """A directory answers to the id in its manifest."""
    other = write_backup(connection, team).path
    shutil.copy(other / MANIFEST, backup / MANIFEST)
    with pytest.raises(BackupError, match=f"holds the manifest of backup {other.name}"):
        verify_backup(backup)


def test_lines_that_are_not_the_manifests_are_found(backup: Path) -> None:
    """Also when the file is the manifest's, byte for byte: the hash of the lines counts for itself."""
    manifest = read_manifest(backup)
    chunk = manifest.table("bk_team").chunks[0].model_copy(update={"plain_sha256": "0" * 64})
    tables = [table.model_copy(update={"chunks": [chunk]}) for table in manifest.tables if table.name == "bk_team"]
    (backup / MANIFEST).write_bytes(render(manifest.model_copy(update={"tables": tables})))
    (backup / "bk_player.jsonl.zst").unlink()
    with pytest.raises(BackupError, match="the hash of its lines is not the manifest's"):
        verify_backup(backup)


def test_missing_and_additional_files_are_found(backup: Path) -> None:
    """The list of files is part of the proof; the mark of a pinned backup is no part of it."""
    set_pinned(backup, True)
    verify_backup(backup)
    (backup / "bk_more.jsonl.zst").write_bytes(b"")
    with pytest.raises(BackupError, match=r"bk_more\.jsonl\.zst is not part of the backup"):
        verify_backup(backup)
    (backup / "bk_more.jsonl.zst").unlink()
    (backup / "bk_team.jsonl.zst").unlink()
    with pytest.raises(BackupError, match=r"bk_team\.jsonl\.zst is missing"):
        verify_backup(backup)


def test_a_directory_without_a_manifest_is_no_backup(backup: Path) -> None:
    """The manifest is written last."""
    (backup / MANIFEST).unlink()
    with pytest.raises(BackupError, match=r"is not a backup: it has no manifest\.json"):
        verify_backup(backup)


def test_a_chunk_that_is_a_link_is_not_followed(backup: Path, tmp_path: Path) -> None:
    """Even when what it leads to is the right file."""
    chunk = backup / "bk_team.jsonl.zst"
    elsewhere = shutil.move(chunk, tmp_path / "elsewhere")
    chunk.symlink_to(elsewhere)
    with pytest.raises(BackupError, match="can't be read"):
        verify_backup(find(backup.name))
