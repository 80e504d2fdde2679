"""``migrate_from_sqlite``: everything comes over once, what is there is kept, and the old file is only read."""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from commands.providers.imports import LegacyFile
from commands.providers.models import Country, CryptoCurrency, FiatCurrency, Game, Provider, Restriction
from safe_import.models import Run
from safe_import.runs.undo import undo
from tests.people.database import without_sequences
from tests.providers.conftest import TABLES, change, state

if TYPE_CHECKING:
    from pathlib import Path

    from tests.people.database import Contents
    from tests.providers.conftest import Running

MODELS = (Country, Provider, FiatCurrency, CryptoCurrency, Restriction, Game)


def counts() -> list[int]:
    """How many records each model has."""
    return [model.objects.count() for model in MODELS]


def test_everything_comes_over(migrating: Running, old_file: Path) -> None:
    """Every column as it is; links by the name of their provider, whatever key it gets here."""
    Provider.objects.create(provider_name="Takes the first key").delete()
    outcome = migrating(old_file)
    assert (outcome.exit_code, outcome.rows) == (0, {"read": 13, "created": 13})
    assert state(Country, "iso3", "iso2", "name") == [("DEU", "DE", "Deutschland"), ("MLT", "MT", "Malta")]
    assert state(Provider, "provider_name", "status", "currency_mode", "google_sheet_id", "notes") == [
        ("Acme", "ACTIVE", "LIST", "1AbC", "two lines"),
        ("Bolt", "DRAFT", "ALL_FIAT", "", ""),
    ]
    acme = Provider.objects.get(provider_name="Acme")
    assert acme.logos == {"light": "https://x.example/y.png"}
    assert acme.last_synced == dt.datetime(2024, 5, 1, 10, tzinfo=dt.UTC)
    assert state(FiatCurrency, "provider__provider_name", "currency_code", "display", "source") == [
        ("Acme", "EUR", "Euro", "sheet"),
        ("Acme", "USD", "", ""),
        ("Bolt", "EUR", "", ""),
    ]
    assert state(CryptoCurrency, "provider__provider_name", "currency_code", "display", "source") == [
        ("Bolt", "BTC", "Bitcoin", "sheet")
    ]
    assert state(Restriction, "provider__provider_name", "country_code", "restriction_type", "source") == [
        ("Acme", "DEU", "RESTRICTED", "sheet"),
        ("Bolt", "FRA", "BLOCKED", ""),
    ]
    assert state(Game, "provider__provider_name", "game_id", "title", "enabled", "fun_mode", "api_provider") == [
        ("Acme", "42", "Another 42", True, False, ""),
        ("Acme", "wallet:w1", "", False, False, ""),
        ("Bolt", "42", "A game of the API", True, True, "bolt"),
    ]
    game = Game.objects.get(wallet_game_id="w1")
    assert (game.rtp, game.features, game.themes) == (Decimal("96.51"), ["Free Spins", "A, B"], ["Egypt", "Gold"])


def test_run_again_nothing_is_doubled(migrating: Running, old_file: Path) -> None:
    """Every row is there, and is left alone."""
    migrating(old_file)
    before = counts()
    again = migrating(old_file)
    assert (again.exit_code, again.rows) == (0, {"read": 13, "skipped": 13})
    assert (counts(), again.report["backup"]) == (before, None)


def test_records_that_exist_are_kept(migrating: Running, old_file: Path) -> None:
    """As they are, in whatever case the name is written; what is missing is added to them."""
    Country.objects.create(iso3="MLT", name="Our Malta")
    ours = Provider.objects.create(provider_name="ACME", status="DRAFT", notes="ours")
    Game.objects.create(provider=ours, game_id="42", title="Our 42", enabled=False)
    assert migrating(old_file).rows == {"read": 13, "created": 10, "skipped": 3}
    ours.refresh_from_db()
    assert (ours.provider_name, ours.status, ours.notes) == ("ACME", "DRAFT", "ours")
    assert Country.objects.get(iso3="MLT").name == "Our Malta"
    assert state(Game, "title", "enabled") == [("", False), ("A game of the API", True), ("Our 42", False)]
    assert ours.fiat_currencies.count() == 2


def test_it_has_dry_run_backup_plan_and_undo(migrating: Running, old_file: Path, contents: Contents) -> None:
    """As every production import."""
    Provider.objects.create(provider_name="Here before")
    before = contents()
    dry = migrating(old_file, "--dry-run")
    assert (dry.rows["created"], contents()) == (13, before)
    assert migrating(old_file, "--plan", "0" * 64).exit_code == 1
    done = migrating(old_file, "--plan", dry.report["plan"])
    assert (done.exit_code, done.report["deletions"]) == (0, "none, proven")
    assert done.report["backup"] is not None
    undo(done.report["run"], delete_created=True)
    after = without_sequences(contents())
    assert {table: rows for table, rows in after.items() if table.startswith("providers_")} == {
        table: rows for table, rows in without_sequences(before).items() if table.startswith("providers_")
    }


def test_the_old_file_is_not_changed(migrating: Running, old_file: Path) -> None:
    """Not a byte, and nothing appears beside it; a file that can't be written is read all the same."""
    before = old_file.read_bytes()
    old_file.chmod(0o400)
    assert migrating(old_file).exit_code == 0
    assert old_file.read_bytes() == before
    assert [path.name for path in old_file.parent.iterdir() if path.name.startswith("old")] == ["old.sqlite3"]
    with LegacyFile(old_file) as file, pytest.raises(sqlite3.OperationalError, match="readonly"):
        file._connection.execute("DELETE FROM games")


def test_a_file_that_is_not_there_is_not_made(migrating: Running, tmp_path: Path) -> None:
    """It is named; nor is a directory taken for a file."""
    outcome = migrating(tmp_path / "none.sqlite3")
    assert (outcome.exit_code, outcome.report["error"]) == (1, "none.sqlite3: there is no such file")
    assert not (tmp_path / "none.sqlite3").exists()
    assert migrating(tmp_path).exit_code == 1


def test_odd_names_of_files_are_names(migrating: Running, old_file: Path) -> None:
    """Nothing in a name is taken for a part of an address."""
    odd = old_file.rename(old_file.with_name("a ?mode=rwc&x#y%20.sqlite3"))
    assert migrating(odd).exit_code == 0
    assert migrating(old_file.with_name("b?mode=rwc")).exit_code == 1
    assert not old_file.with_name("b").exists()


def test_what_is_missing_is_named(migrating: Running, old_file: Path) -> None:
    """All of it, before anything is read."""
    whole = old_file.read_bytes()
    for sql, reason in (
        ("DROP TABLE games", "old.sqlite3 has no table games."),
        ("DROP TABLE games; DROP TABLE countries", "old.sqlite3 has no table countries, games."),
        ("ALTER TABLE games DROP COLUMN provider_id", "old.sqlite3 has no column games.provider_id."),
        (
            "ALTER TABLE restrictions DROP COLUMN country_code; ALTER TABLE providers RENAME provider_name TO name",
            "old.sqlite3 has no column providers.provider_name, restrictions.country_code.",
        ),
        ("ALTER TABLE providers RENAME id TO key", "old.sqlite3 has no column providers.id."),
    ):
        old_file.write_bytes(whole)
        change(old_file, sql)
        outcome = migrating(old_file)
        assert (outcome.exit_code, outcome.report["error"]) == (1, f"{reason} Is it the right file?")
    assert (counts(), Run.objects.count()) == ([0] * 6, 0)


def test_columns_that_are_not_needed_may_be_missing(migrating: Running, old_file: Path) -> None:
    """Their fields get what the models say."""
    change(old_file, "ALTER TABLE games DROP COLUMN rtp; ALTER TABLE providers DROP COLUMN notes")
    assert migrating(old_file).exit_code == 0


def test_names_are_taken_as_sqlite_compares_them(migrating: Running, old_file: Path) -> None:
    """Without regard to case, and from a view as well."""
    change(old_file, "ALTER TABLE games RENAME TO old_games; CREATE VIEW Games AS SELECT * FROM old_games")
    change(old_file, "ALTER TABLE providers RENAME provider_name TO Provider_Name")
    assert migrating(old_file).rows == {"read": 13, "created": 13}


def test_a_column_that_nobody_knows_is_an_error(migrating: Running, old_file: Path) -> None:
    """Nothing is dropped in silence; where that is said it is left out."""
    change(old_file, "ALTER TABLE games ADD COLUMN colour TEXT DEFAULT 'red'")
    outcome = migrating(old_file)
    assert outcome.exit_code == 1
    assert ("games.colour", "unknown_column") in [(column, code) for _, column, code in outcome.errors]
    assert migrating(old_file, "--ignore-unknown").exit_code == 0


def test_what_is_no_database_is_a_clear_error(migrating: Running, tmp_path: Path) -> None:
    """In words; and it is left as it is."""
    for content in (b"", b"no database" * 100, b"SQLite format 3\0" + b"\xff" * 2000):
        (tmp_path / "old.sqlite3").write_bytes(content)
        outcome = migrating(tmp_path / "old.sqlite3")
        assert outcome.exit_code == 1
        assert outcome.report["error"].startswith("old.sqlite3")
        assert (tmp_path / "old.sqlite3").read_bytes() == content


def test_a_file_that_is_damaged_changes_nothing(migrating: Running, old_file: Path) -> None:
    """Also where the damage is met in the middle."""
    many = ", ".join(f"({number}, 3, 'g{number}', '{'x' * 150}')" for number in range(100, 2000))
    change(old_file, f"INSERT INTO games (id, provider_id, game_id, title) VALUES {many}")
    size = old_file.stat().st_size
    with old_file.open("r+b") as file:
        file.seek(size // 2)
        file.write(os.urandom(size // 4))
    outcome = migrating(old_file)
    assert (outcome.exit_code, counts()) == (1, [0] * 6)


UNFIT = [
    ("games", "provider_id = 99", "provider_id", "link_missing"),
    ("games", "provider_id = NULL", "provider_id", "required"),
    ("games", "game_id = NULL", "game_id", "required"),
    ("games", "title = hex(zeroblob(101))", "title", "too_long"),
    ("games", "title = CAST(x'ff' AS TEXT)", "title", "not_utf8"),
    ("games", "enabled = 2", "enabled", "not_a_boolean"),
    ("games", "rtp = 9e999", "rtp", "not_a_number"),
    ("games", "rtp = 96.12345", "rtp", "too_many_places"),
    ("games", "tags = '[1]'", "tags", "not_a_list"),
    ("games", "tags = '['", "tags", "not_json"),
    ("providers", "status = 'GONE'", "status", "not_a_choice"),
    ("providers", "logos = 'x'", "logos", "not_json"),
    ("providers", "logos = '[]'", "logos", "not_a_mapping"),
    ("providers", "last_synced = 'once'", "last_synced", "not_a_datetime"),
    ("restrictions", "country_code = ' '", "country_code", "required"),
]
NEW_ROWS = {
    "games": "(id, provider_id, game_id) VALUES ({0}, 3, 'g{0}')",
    "providers": "(id, provider_name) VALUES ({0}, 'P{0}')",
    "restrictions": "(id, provider_id, country_code, restriction_type) VALUES ({0}, 3, 'ITA', 'R{0}')",
}


def test_values_that_do_not_fit_stop_all(migrating: Running, old_file: Path) -> None:
    """All of them are told, with table, column and reason; the other rows may go on alone, and no file is left."""
    for number, (table, assignment, *_) in enumerate(UNFIT, 1000):
        change(old_file, f"INSERT INTO {table} {NEW_ROWS[table].format(number)}")
        change(old_file, f"UPDATE {table} SET {assignment} WHERE id = {number}")
    outcome = migrating(old_file)
    assert (outcome.exit_code, counts()) == (1, [0] * 6)
    told = [(column, code) for _, column, code in outcome.errors]
    assert sorted(told) == sorted((f"{table}.{column}", code) for table, _, column, code in UNFIT)
    places = [each["message"].split("(")[-1] for each in outcome.report["errors"]]
    assert places[-10:] == [f"row {number} of games)" for number in range(4, 14)]
    alone = migrating(old_file, "--on-error", "continue")
    assert (alone.exit_code, alone.report["rejects"]) == (3, None)
    assert alone.rows == {"read": 13 + len(UNFIT), "created": 13, "rejected": len(UNFIT)}


def test_a_row_that_refers_to_a_rejected_one_is_rejected(migrating: Running, old_file: Path) -> None:
    """A provider that is wrong keeps what belongs to it out as well."""
    change(old_file, "UPDATE providers SET status = 'GONE' WHERE id = 70")
    outcome = migrating(old_file, "--on-error", "continue")
    assert (outcome.exit_code, outcome.rows) == (3, {"read": 13, "created": 8, "rejected": 5})
    assert not Game.objects.filter(api_provider="bolt").exists()


def test_records_that_are_there_twice_are_errors(migrating: Running, old_file: Path) -> None:
    """Two providers that differ in case, two games with one id: both rows are named."""
    change(old_file, "INSERT INTO providers (id, provider_name) VALUES (71, 'BOLT')")
    change(old_file, "INSERT INTO games (id, provider_id, game_id) VALUES (9, 3, '42')")
    outcome = migrating(old_file)
    assert outcome.exit_code == 1
    assert [code for *_, code in outcome.errors].count("key_twice") == 4


def test_rows_written_while_others_write_are_read(migrating: Running, old_file: Path) -> None:
    """A file in WAL mode, with changes that are not in its main part yet."""
    writer = sqlite3.connect(old_file)
    try:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("INSERT INTO countries VALUES ('FRA', 'FR', 'France')")
        writer.commit()
        assert migrating(old_file).exit_code == 0
    finally:
        writer.close()
    assert Country.objects.count() == 3


def test_the_tables_come_in_the_order_of_their_dependencies() -> None:
    """What is referred to comes first."""
    assert list(TABLES) == ["countries", "providers", "fiat_currencies", "crypto_currencies", "restrictions", "games"]
    from commands.providers.imports import legacy  # noqa: PLC0415 - needs the apps

    assert list(legacy.TABLES) == list(TABLES)
