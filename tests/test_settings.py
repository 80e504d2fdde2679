"""The settings: what is read, what is refused, and that the documentation says the same."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import re
import subprocess
import sys
from ast import literal_eval
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from safe_import.conf import Settings, conf
from safe_import.errors import SettingsError
from safe_import.settings_checks import check_settings

if TYPE_CHECKING:
    from pytest_django.fixtures import SettingsWrapper

PROJECT = Path(__file__).resolve().parent.parent
TABLE_ROW = re.compile(r"^\| `([A-Z_]+)` \| `(.+?)` \|", re.MULTILINE)


def test_every_setting_and_its_default_stand_in_the_documentation() -> None:
    section = (PROJECT / "docs" / "settings.md").read_text().split("## System checks")[0]
    documented = {key: literal_eval(default) for key, default in TABLE_ROW.findall(section)}
    assert documented == dataclasses.asdict(Settings())
    assert list(documented) == [field.name for field in dataclasses.fields(Settings)]


def test_every_check_id_stands_in_the_documentation() -> None:
    documented = set(re.findall(r"safe_import\.[EW]\d{3}", (PROJECT / "docs" / "settings.md").read_text()))
    source = (PROJECT / "safe_import" / "settings_checks.py").read_text()
    assert set(re.findall(r"safe_import\.[EW]\d{3}", source)) <= documented


def test_settings_are_read_when_they_are_asked_for(settings: SettingsWrapper) -> None:
    settings.SAFE_IMPORT = {"BATCH_SIZE": 7}
    assert conf().BATCH_SIZE == 7
    settings.SAFE_IMPORT = {"BATCH_SIZE": 8}
    assert conf().BATCH_SIZE == 8


def test_without_any_setting_the_environment_is_production(settings: SettingsWrapper) -> None:
    del settings.SAFE_IMPORT
    assert conf() == Settings()
    assert conf().ENVIRONMENT == "production"


def test_settings_cannot_be_changed_by_who_reads_them() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        conf().BATCH_SIZE = 1


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ENVIRONMENT", "prod"),
        ("BACKUP_ROOT", "relative/folder"),
        ("BACKUP_ROOT", 7),
        ("BACKUP_SCOPE", "database"),
        ("BACKUP_RECIPIENTS", "age1one"),
        ("LOCK_TIMEOUT", 0),
        ("LOCK_TIMEOUT", True),
        ("LOCK_TIMEOUT", float("inf")),
        ("LOCK_TIMEOUT", dt.timedelta(minutes=5)),
        ("STATEMENT_TIMEOUT", None),
        ("BATCH_SIZE", "5000"),
        ("BATCH_SIZE", 2.0),
        ("CLEAR_TOKEN", ""),
        ("MAX_ROWS", -1),
        ("KEEP_LAST", 0),
    ],
)
def test_a_value_that_cannot_be_worked_with_is_an_error_that_names_its_key(
    key: str, value: Any, settings: SettingsWrapper
) -> None:
    settings.SAFE_IMPORT = {key: value}
    with pytest.raises(SettingsError, match=key):
        conf()
    (found,) = check_settings()
    assert (found.id, found.obj) == ("safe_import.E003", key)
    assert found.hint


def test_a_misspelt_key_is_an_error_that_names_the_nearest(settings: SettingsWrapper) -> None:
    settings.SAFE_IMPORT = {"LOCK_TIMOUT": 5}
    with pytest.raises(SettingsError, match=r"'LOCK_TIMOUT'.*'LOCK_TIMEOUT'"):
        conf()
    (found,) = check_settings()
    assert found.id == "safe_import.E002"


def test_all_errors_are_reported_in_one_go(settings: SettingsWrapper) -> None:
    settings.SAFE_IMPORT = {"LOCK_TIMOUT": 5, "BATCH_SIZE": 0, "MAX_ROWS": "many"}
    assert {found.obj for found in check_settings()} == {"LOCK_TIMOUT", "BATCH_SIZE", "MAX_ROWS"}


def test_something_other_than_a_dict_is_an_error(settings: SettingsWrapper) -> None:
    settings.SAFE_IMPORT = ["BATCH_SIZE"]
    with pytest.raises(SettingsError):
        conf()
    assert [found.id for found in check_settings()] == ["safe_import.E001"]


def test_a_missing_backup_root_is_a_warning(settings: SettingsWrapper) -> None:
    settings.SAFE_IMPORT = {}
    assert [found.id for found in check_settings()] == ["safe_import.W001"]


def test_a_backup_root_may_be_text_or_a_path(settings: SettingsWrapper, tmp_path: Path) -> None:
    for root in (tmp_path, str(tmp_path)):
        settings.SAFE_IMPORT = {"BACKUP_ROOT": root}
        assert tmp_path == conf().BACKUP_ROOT
        assert check_settings() == []


def test_the_older_name_of_the_backup_root_is_honoured(settings: SettingsWrapper, tmp_path: Path) -> None:
    settings.SAFE_IMPORT = {"PRODUCTION_BACKUP_DIR": str(tmp_path)}
    assert tmp_path == conf().BACKUP_ROOT
    settings.SAFE_IMPORT = {}
    settings.PRODUCTION_BACKUP_DIR = str(tmp_path)
    assert tmp_path == conf().BACKUP_ROOT


def test_two_names_for_the_backup_root_are_an_error(settings: SettingsWrapper, tmp_path: Path) -> None:
    settings.SAFE_IMPORT = {"BACKUP_ROOT": tmp_path / "new", "PRODUCTION_BACKUP_DIR": tmp_path / "old"}
    with pytest.raises(SettingsError, match="PRODUCTION_BACKUP_DIR"):
        conf()


def in_reference_project(*arguments: str, **environment: str) -> str:
    """Run Python under the reference project's settings, in a process of its own, and return what it prints."""
    ours = ("SAFE_IMPORT", "DATABASE", "DJANGO")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    result = subprocess.run(
        [sys.executable, *arguments],
        env={**kept, "DJANGO_SETTINGS_MODULE": "commands.settings", **environment},
        cwd=PROJECT,
        check=True,
        capture_output=True,
        text=True,
    )
    return result.stdout.strip()


def reference_setting(expression: str, **environment: str) -> str:
    """Return what an expression is worth under the reference project's settings."""
    return in_reference_project("-c", f"from django.conf import settings; print({expression})", **environment)


def test_the_reference_project_is_in_production_with_sqlite_when_nothing_says_otherwise() -> None:
    assert reference_setting("settings.SAFE_IMPORT['ENVIRONMENT']") == "production"
    assert reference_setting("settings.SAFE_IMPORT['BACKUP_ROOT']") == str(PROJECT / "backups")
    assert reference_setting("settings.DATABASES['default']['NAME']") == str(PROJECT / "db.sqlite3")
    assert reference_setting("'commands.people.development' in settings.INSTALLED_APPS") == "False"


@pytest.mark.parametrize(
    ("environment", "installed"), [("development", "True"), ("staging", "True"), ("prod", "False")]
)
def test_commands_that_clear_are_installed_in_development_and_staging_alone(environment: str, installed: str) -> None:
    found = reference_setting(
        "'commands.people.development' in settings.INSTALLED_APPS", SAFE_IMPORT_ENVIRONMENT=environment
    )
    assert found == installed


def test_a_socket_folder_is_written_as_a_percent_encoded_host() -> None:
    url = "postgresql://anna:p%40ss@%2Frun%2FSocket_Folder/people"
    keys = "[settings.DATABASES['default'][key] for key in ('HOST', 'USER', 'PASSWORD', 'NAME')]"
    assert literal_eval(reference_setting(keys, DATABASE_URL=url)) == ["/run/Socket_Folder", "anna", "p@ss", "people"]


def test_the_reference_project_migrates_the_database_that_its_url_names(database_url: str) -> None:
    in_reference_project("manage.py", "migrate", DATABASE_URL=database_url)
    assert in_reference_project("manage.py", "migrate", "--check", DATABASE_URL=database_url) == ""
    with pytest.raises(subprocess.CalledProcessError):
        in_reference_project("manage.py", "migrate", "--check", DATABASE_URL="sqlite:///:memory:")
