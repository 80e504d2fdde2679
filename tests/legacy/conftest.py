"""Old databases: that of the blog, and others that a test fills itself."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from safe_import.legacy import Migration
from safe_import.legacy.run import migrate
from tests.legacy.old_blog import make_old_blog

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_django.fixtures import SettingsWrapper

    from safe_import.records import RunResult


@pytest.fixture
def old_blog(tmp_path: Path, settings: SettingsWrapper, backup_root: Path) -> Path:
    """The file of the old blog, which the settings name; backups go to a folder of the test."""
    settings.LEGACY_BLOG = str(make_old_blog(tmp_path / "old_blog.sqlite3"))
    return tmp_path / "old_blog.sqlite3"


@pytest.fixture
def old_database(tmp_path: Path) -> Callable[[str], type[Migration]]:
    """Runs a script in an old database, and gives the base of migrations that read it."""
    path = tmp_path / "old.sqlite3"

    class OldMigration(Migration):
        @classmethod
        def open_db_connection(cls) -> sqlite3.Connection:
            return sqlite3.connect(path)

    def old(script: str) -> type[Migration]:
        connection = sqlite3.connect(path)
        connection.executescript(script)
        connection.close()
        return OldMigration

    return old


@pytest.fixture
def bring(backup_root: Path) -> Callable[..., RunResult]:
    """Runs migrations and keeps what they bring."""

    def run(*migrations: type[Migration], **options: Any) -> RunResult:
        return migrate(migrations, commit=True, **options)

    return run
