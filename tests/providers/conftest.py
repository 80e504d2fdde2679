"""The API and the file of the older program, and commands that run on them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command

from safe_import.errors import SafeImportError
from tests.people.conftest import Outcome
from tests.people.database import Contents, contents_of_database
from tests.providers.api_server import OPERATOR, SECRET, Api, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_django.fixtures import SettingsWrapper

    Running = Callable[..., Outcome]

_CURRENCY = "id INTEGER PRIMARY KEY, provider_id INTEGER, currency_code TEXT, display TEXT, source TEXT"
TABLES = {
    "countries": "iso3 TEXT PRIMARY KEY, iso2 TEXT, name TEXT",
    "providers": "id INTEGER PRIMARY KEY, provider_name TEXT, status TEXT, currency_mode TEXT, logos TEXT,"
    " google_sheet_id TEXT, last_synced TEXT, notes TEXT",
    "fiat_currencies": _CURRENCY,
    "crypto_currencies": _CURRENCY,
    "restrictions": "id INTEGER PRIMARY KEY, provider_id INTEGER, country_code TEXT, restriction_type TEXT,"
    " source TEXT",
    "games": "id INTEGER PRIMARY KEY, provider_id INTEGER, wallet_game_id TEXT, game_title TEXT, game_provider TEXT,"
    " vendor TEXT, game_type TEXT, source TEXT, game_id TEXT, title TEXT, platform TEXT, subtype TEXT,"
    " enabled INTEGER, fun_mode INTEGER, rtp REAL, volatility TEXT, features TEXT, themes TEXT, tags TEXT,"
    " thumbnail TEXT, api_provider TEXT",
}
ROWS = """
INSERT INTO countries VALUES ('MLT', 'MT', 'Malta'), ('DEU', 'DE', 'Deutschland');
INSERT INTO providers (id, provider_name, status, currency_mode, logos, google_sheet_id, last_synced, notes) VALUES
    (3, 'Acme', 'ACTIVE', 'LIST', '{"light": "https://x.example/y.png"}', '1AbC', '2024-05-01 10:00:00', 'two lines'),
    (70, 'Bolt', NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO fiat_currencies VALUES
    (1, 3, 'EUR', 'Euro', 'sheet'), (2, 3, 'USD', NULL, NULL), (3, 70, 'EUR', NULL, NULL);
INSERT INTO crypto_currencies VALUES (1, 70, 'BTC', 'Bitcoin', 'sheet');
INSERT INTO restrictions VALUES (1, 3, 'DEU', 'RESTRICTED', 'sheet'), (2, 70, 'FRA', 'BLOCKED', NULL);
INSERT INTO games (id, provider_id, wallet_game_id, game_title, game_type, source, enabled, rtp, features, themes)
    VALUES (1, 3, 'w1', 'A game of the sheet', 'slots', 'sheet', 0, 96.51, '["Free Spins", "A, B"]', 'Egypt, Gold');
INSERT INTO games (id, provider_id, source, game_id, title, platform, enabled, fun_mode, api_provider) VALUES
    (2, 70, 'api', '42', 'A game of the API', 'desktop', 1, 1, 'bolt'),
    (3, 3, 'api', '42', 'Another 42', NULL, 1, 0, NULL);
"""


def run_command(name: str, *arguments: object) -> Outcome:
    """Run a command with ``--json``."""
    out, code = StringIO(), 0
    try:
        call_command(name, *map(str, arguments), "--json", "--no-input", stdout=out, stderr=StringIO())
    except CommandError as error:
        code = error.returncode
    except SafeImportError as error:  # what a command can't say in JSON would be a traceback
        raise AssertionError(f"{name} lets through {type(error).__name__}") from error
    return Outcome(json.loads(out.getvalue()), code)


@pytest.fixture
def api(settings: SettingsWrapper, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """A server of the API, which the settings name."""
    for variable in ("http_proxy", "https_proxy", "all_proxy"):  # a proxy of this machine does not know our server
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.upper(), raising=False)
    with serving() as server:
        settings.PROVIDERS_API = {
            "url": server.url,
            "operator": OPERATOR,
            "secret": SECRET,
            "attempts": 3,
            "first_wait": 0.01,
            "longest_wait": 2,
            "timeout": 10,
        }
        yield server


@pytest.fixture
def syncing(transactional_db: None, backup_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Running:
    """Runs ``sync_providers``, in a folder of the test."""
    monkeypatch.chdir(tmp_path)
    return lambda *flags: run_command("sync_providers", *flags)


@pytest.fixture
def migrating(transactional_db: None, backup_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Running:
    """Runs ``migrate_from_sqlite``, in a folder of the test."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: run_command("migrate_from_sqlite", *arguments)


@pytest.fixture
def old_file(tmp_path: Path) -> Path:
    """The file of the older program."""
    path = tmp_path / "old.sqlite3"
    change(path, "".join(f"CREATE TABLE {table} ({columns});" for table, columns in TABLES.items()) + ROWS)
    return path


def change(path: Path, sql: str) -> None:
    """Run statements on a file of SQLite."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(sql)


@pytest.fixture
def contents(transactional_db: None) -> Contents:
    """Reads every table and every sequence of the database."""
    return contents_of_database


def state(model: Any, *fields: str) -> list[tuple[Any, ...]]:
    """The values of all records, in order."""
    return sorted(model.objects.values_list(*fields))
