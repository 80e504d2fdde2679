"""The old blog, as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.legacy.old_blog import make_old_blog

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django.fixtures import SettingsWrapper


@pytest.fixture
def old_blog(tmp_path: Path, settings: SettingsWrapper, backup_root: Path) -> Path:
    """The file of the old blog, which the settings name; backups go to a folder of the test."""
    settings.LEGACY_BLOG = str(make_old_blog(tmp_path / "old_blog.sqlite3"))
    return tmp_path / "old_blog.sqlite3"
