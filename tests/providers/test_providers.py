"""``import_providers_prod``: a sheet of providers, as csv or xlsx."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

import openpyxl
import pytest
from django.core.management import CommandError, call_command

from commands.providers.models import Game, Provider
from tests.people.conftest import Importer
from tests.providers.conftest import state

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django.fixtures import SettingsWrapper

BOM = "\ufeff"
FIELDS = ("provider_name", "status", "currency_mode")


@pytest.fixture
def importing(transactional_db: None, backup_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Importer:
    """Runs ``import_providers_prod``, or its twin."""
    monkeypatch.chdir(tmp_path)
    return Importer(tmp_path)


@pytest.mark.parametrize("name", ["Provider Name", "provider_name", "name"])
def test_the_name_column_has_three_names(importing: Importer, name: str) -> None:
    """A csv with semicolons and a byte order mark; new providers are drafts that take all fiat currencies."""
    outcome = importing("providers", f"{BOM}{name};Status;Currency Mode\nAcme;Active;LIST\nBolt;;\n")
    assert (outcome.exit_code, outcome.rows) == (0, {"read": 2, "created": 2})
    assert state(Provider, *FIELDS) == [("Acme", "ACTIVE", "LIST"), ("Bolt", "DRAFT", "ALL_FIAT")]


def test_two_of_the_names_at_once_are_an_error(importing: Importer) -> None:
    """Which one counts is not guessed."""
    assert importing("providers", "name;Provider Name\nAcme;Bolt\n").exit_code == 1


def test_a_spreadsheet_will_do(importing: Importer, tmp_path: Path) -> None:
    """The same in xlsx."""
    book = openpyxl.Workbook()
    for row in (["Provider Name", "Status", "Currency Mode", "Notes"], ["Acme", "ACTIVE", "All fiat", "x"], ["Bolt"]):
        book.active.append(row)
    book.save(tmp_path / "providers.xlsx")
    assert importing("providers", tmp_path / "providers.xlsx").rows == {"read": 2, "created": 2}
    assert state(Provider, *FIELDS, "notes") == [("Acme", "ACTIVE", "ALL_FIAT", "x"), ("Bolt", "DRAFT", "ALL_FIAT", "")]


def test_an_existing_provider_keeps_what_is_not_brought(importing: Importer) -> None:
    """Blank cells and missing columns change nothing; a name in another case is the same provider."""
    acme = Provider.objects.create(provider_name="Acme", status="ACTIVE", currency_mode="LIST", notes="ours")
    Game.objects.create(provider=acme, game_id="1")
    assert importing("providers", "name;Status\nACME;\n").rows == {"read": 1, "unchanged": 1}
    assert importing("providers", "name;Currency Mode\nacme;all_fiat\n").rows == {"read": 1, "updated": 1}
    assert state(Provider, *FIELDS, "notes") == [("Acme", "ACTIVE", "ALL_FIAT", "ours")]
    assert Game.objects.count() == 1


def test_again_changes_nothing(importing: Importer) -> None:
    """Idempotent."""
    text = f"{BOM}name;Status;Currency Mode\nÄrger;Draft;List\n"
    importing("providers", text)
    assert importing("providers", text).rows == {"read": 1, "unchanged": 1}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("name;Status\nAcme;Gone\n", (2, "Status", "not_a_choice")),
        ("name;Currency Mode\nAcme;EUR\n", (2, "Currency Mode", "not_a_choice")),
        ("name;Status\n;ACTIVE\n", (2, "name", "required")),
        (f"name\n{'x' * 201}\n", (2, "name", "too_long")),
        ("name\nAcme\nacme\n", (2, "name", "key_twice")),
        ("name;Statsu\nAcme;ACTIVE\n", (1, "Statsu", "unknown_column")),
    ],
)
def test_what_is_wrong_is_told_with_its_place(importing: Importer, text: str, error: tuple[int, str, str]) -> None:
    """And nothing is imported."""
    outcome = importing("providers", text)
    assert outcome.exit_code == 1
    assert error in outcome.errors
    assert not Provider.objects.exists()


def test_the_twin_clears_on_a_developers_machine_alone(importing: Importer, settings: SettingsWrapper) -> None:
    """In production it refuses; in development it deletes and loads in one transaction."""
    Provider.objects.create(provider_name="Old")
    assert importing("providers", "name\nNew\n", "--clear", production=False).exit_code == 1
    settings.SAFE_IMPORT = {**settings.SAFE_IMPORT, "ENVIRONMENT": "development"}
    assert importing("providers", "name\nNew\n", "--clear", production=False).exit_code == 0
    assert state(Provider, "provider_name") == [("New",)]


def test_help_says_what_each_command_does(capsys: pytest.CaptureFixture[str]) -> None:
    """Not that it reads a file, where it reads none."""
    said = {}
    for name in ("sync_providers", "migrate_from_sqlite", "import_providers_prod"):
        with pytest.raises(SystemExit):
            call_command(name, "--help")
        said[name] = " ".join(capsys.readouterr().out.split())
    assert "what the API says" in said["sync_providers"]
    assert "--accept-shrink" in said["sync_providers"]
    assert "file of SQLite" in said["migrate_from_sqlite"]
    assert "Import providers from a file into production" in said["import_providers_prod"]


def test_the_documented_flags_are_there() -> None:
    """Every production import has them; those that read no table file have none for such files."""
    for name in ("sync_providers", "migrate_from_sqlite"):
        with pytest.raises(CommandError):
            call_command(name, "x", "--encoding", "utf-8", stdout=StringIO(), stderr=StringIO())
