"""``sync_providers`` against a server that answers well: what is created, updated, disabled, kept, undone."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from django.core.management import call_command
from django.utils import timezone

from commands.providers.models import Game, Provider
from safe_import.models import Run
from safe_import.runs.undo import undo
from tests.journal import journal
from tests.people.database import without_sequences
from tests.providers.api_server import GAMES, PROVIDERS, VARIANTS, a_game, full_set
from tests.providers.conftest import state

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django.fixtures import SettingsWrapper

    from tests.people.database import Contents
    from tests.providers.api_server import Api
    from tests.providers.conftest import Running

JOINED = "Pragmatic Play:\n  - Pragmatic Play Slots\n  - Pragmatic Play Live\n"


@pytest.fixture
def variants(tmp_path: Path, settings: SettingsWrapper, api: Api) -> Path:
    """The mapping file, which the settings name."""
    path = tmp_path / "variants.yaml"
    path.write_text(JOINED, encoding="utf-8")
    settings.PROVIDERS_API = {**settings.PROVIDERS_API, "variants": path}
    return path


def test_the_whole_api_is_taken_over_and_again_nothing_changes(
    api: Api, syncing: Running, variants: Path, contents: Contents
) -> None:
    """133 names, two of which are one provider, and 14,460 games; no more requests at a time than allowed."""
    api.games = full_set()
    dry = syncing("--dry-run")
    assert (dry.exit_code, Provider.objects.count(), Run.objects.count()) == (0, 0, 0)
    first = syncing("--plan", dry.report["plan"])
    providers = PROVIDERS - len(VARIANTS) + 1
    assert (first.exit_code, first.rows) == (0, {"read": providers + GAMES, "created": providers + GAMES})
    assert (Provider.objects.count(), Game.objects.count()) == (providers, GAMES)
    assert first.report["backup"] is not None
    games = contents()["providers_game"]
    again = syncing()
    assert (again.exit_code, again.rows) == (0, {"read": providers + GAMES, "unchanged": providers + GAMES})
    assert (again.report["backup"], contents()["providers_game"]) == (None, games)
    assert 1 < api.most_at_once <= 8
    assert Provider.objects.get(provider_name="Pragmatic Play").games.count() == 2 * 109


def test_what_the_api_says_of_a_game_is_what_lands(api: Api, syncing: Running) -> None:
    """Every value under the name that it has here; a new provider is a draft that takes all fiat currencies."""
    api.games = {"Acme": [a_game(7)]}
    assert syncing().exit_code == 0
    provider = Provider.objects.get()
    assert (provider.provider_name, provider.status, provider.currency_mode) == ("Acme", "DRAFT", "ALL_FIAT")
    assert Game.objects.values().get() == {
        "id": Game.objects.get().pk,
        "provider_id": provider.pk,
        **dict.fromkeys(("wallet_game_id", "game_title", "game_provider", "vendor"), ""),
        "game_type": "slots",
        "source": "api",
        "game_id": "7",
        "title": "Game 7",
        "platform": "desktop",
        "subtype": "video",
        "enabled": True,
        "fun_mode": False,
        "rtp": Decimal("96.5000"),
        "volatility": "high",
        "features": ["Free Spins"],
        "themes": ["Egypt", "Gold"],
        "tags": [],
        "thumbnail": "https://cdn.example/7.png",
        "api_provider": "acme",
    }


def test_games_gone_from_the_api_are_disabled_and_nothing_is_deleted(api: Api, syncing: Running) -> None:
    """And enabled again when they come back; games that no API knows are left alone."""
    api.games = {"Acme": [a_game(1), a_game(2), a_game(3)], "Bolt": [a_game(1)]}
    syncing()
    sheet = Game.objects.create(provider=Provider.objects.get(provider_name="Acme"), game_id="wallet:w1")
    del api.games["Acme"][0]
    gone = syncing()
    assert (gone.exit_code, gone.rows) == (0, {"read": 6, "updated": 1, "unchanged": 5})
    assert state(Game, "provider__provider_name", "game_id", "enabled") == [
        ("Acme", "1", False),
        ("Acme", "2", True),
        ("Acme", "3", True),
        ("Acme", sheet.game_id, True),
        ("Bolt", "1", True),
    ]
    assert Game.objects.get(game_id="1", enabled=False).title == "Game 1"
    assert syncing().rows == {"read": 5, "unchanged": 5}
    api.games["Acme"].append(a_game(1, title="Back"))
    assert syncing().rows == {"read": 6, "updated": 1, "unchanged": 5}
    assert state(Game, "title").count(("Back",)) == 1


def test_a_dry_run_writes_nothing_and_shows_what_would_be_disabled(
    api: Api, syncing: Running, contents: Contents
) -> None:
    """Neither when it was synced; a rehearsal keeps nothing either."""
    api.games = {"Acme": [a_game(1), a_game(2)]}
    syncing()
    del api.games["Acme"][0]
    before = contents()
    dry = syncing("--dry-run")
    assert dry.report["models"]["providers.Game"] == {"created": 0, "updated": 1, "unchanged": 1}
    assert contents() == before
    assert syncing("--rehearse").report["state"] == "rehearsed"
    assert without_sequences(contents()) == without_sequences(before)


def test_last_synced_is_set_by_every_sync(api: Api, syncing: Running) -> None:
    """Also by one that finds nothing to change, which counts nothing as updated and keeps a dry run's plan valid."""
    api.games = {"Acme": [a_game(1), a_game(2)], "Bolt": []}
    Provider.objects.create(provider_name="Of a sheet")
    Provider.objects.create(provider_name="ACME")
    start = timezone.now()
    syncing()
    first = dict(state(Provider, "provider_name", "last_synced"))
    assert first["ACME"] == first["Bolt"]
    assert (first["ACME"] > start, first["Of a sheet"]) == (True, None)
    plan = syncing("--dry-run").report["plan"]
    assert syncing("--plan", plan, "--max-changes", "0").rows == {"read": 4, "unchanged": 4}
    second = dict(state(Provider, "provider_name", "last_synced"))
    assert second["ACME"] > first["ACME"]
    assert second["Bolt"] > first["Bolt"]
    api.games["Acme"][0] = a_game(1, title="Other")
    assert syncing().rows == {"read": 4, "updated": 1, "unchanged": 3}
    assert Provider.objects.get(provider_name="Bolt").last_synced > second["Bolt"]


def test_a_sync_is_undone_exactly(api: Api, syncing: Running, contents: Contents) -> None:
    """What it disabled and updated is as before, what it created is gone if that is asked for."""
    api.games = {"Acme": [a_game(1), a_game(2), a_game(3)]}
    syncing()
    before = contents()["providers_game"]
    api.games = {"Acme": [a_game(1, title="Other", enabled=False), a_game(3), a_game(4)], "Bolt": [a_game(1)]}
    run = syncing().report["run"]
    assert {(each.model, each.action) for each in journal(run=run)} == {
        ("providers.Game", "create"),
        ("providers.Game", "update"),
        ("providers.Provider", "create"),
    }
    undo(run, delete_created=True)
    assert contents()["providers_game"] == before
    assert state(Provider, "provider_name") == [("Acme",)]


def test_a_provider_that_was_synced_since_is_not_deleted_by_an_undo(api: Api, syncing: Running) -> None:
    """It is a conflict; its games can be undone without it."""
    api.games = {"Acme": [a_game(1)]}
    run = syncing().report["run"]
    syncing()
    result = undo(run, delete_created=True, skip_conflicts=True)
    assert result.conflicts_total == 1
    assert (Provider.objects.count(), Game.objects.count()) == (1, 0)


def test_variants_are_one_provider(api: Api, syncing: Running, variants: Path) -> None:
    """A game that both have is one; its provider is found in whatever case it is written."""
    slots, live = VARIANTS
    api.games = {slots: [a_game(1), a_game(2)], live: [a_game(2), a_game(3)], "Pragmatic Plays": [a_game(2)]}
    stored = Provider.objects.create(provider_name="PRAGMATIC play", status="ACTIVE", notes="kept")
    assert syncing().exit_code == 0
    stored.refresh_from_db()
    assert (stored.provider_name, stored.status, stored.notes) == ("PRAGMATIC play", "ACTIVE", "kept")
    assert sorted(stored.games.values_list("game_id", flat=True)) == ["1", "2", "3"]
    assert Provider.objects.count() == 2


def test_what_the_api_does_not_say_is_kept(api: Api, syncing: Running) -> None:
    """Null, and a name that is not there, bring nothing; an empty list is brought."""
    api.games = {"Acme": [a_game(1)]}
    syncing()
    Game.objects.update(wallet_game_id="w", game_title="Of the sheet")
    api.games = {"Acme": [{"id": 1, "title": "Game 1", "enabled": True, "platform": None, "details": {"features": []}}]}
    assert syncing().exit_code == 0
    game = Game.objects.get()
    assert (game.platform, game.rtp, game.features, game.themes) == ("desktop", Decimal("96.5"), [], ["Egypt", "Gold"])
    assert (game.wallet_game_id, game.game_title) == ("w", "Of the sheet")


def test_an_empty_provider_is_one(api: Api, syncing: Running) -> None:
    """An answer without games, of the expected form, is no error where none are known."""
    api.games = {"Acme": []}
    assert syncing().rows == {"read": 1, "created": 1}


@pytest.mark.parametrize("name", ["Ärger & Söhne", "a/b?c=d#e", "100%", "日本 ゲーム", 'O\'Reilly "Q"'])
def test_odd_names_reach_the_api_as_they_are(api: Api, syncing: Running, name: str) -> None:
    """Quoted in the address, and back."""
    api.games = {name: [a_game(1)]}
    assert syncing().exit_code == 0
    assert state(Provider, "provider_name") == [(name,)]


def test_the_audit_log_tells_of_a_sync(api: Api, syncing: Running, tmp_path: Path) -> None:
    """As of every import; and the run has the answers' hash."""
    api.games = {"Acme": [a_game(1)]}
    outcome = syncing("--log-file", tmp_path / "audit.jsonl")
    assert '"providers.Game"' in (tmp_path / "audit.jsonl").read_text(encoding="utf-8")
    assert Run.objects.get(id=outcome.report["run"]).source == api.url.removeprefix("http://")


def test_people_are_told_how_far_it_is(api: Api, syncing: Running, capsys: pytest.CaptureFixture[str]) -> None:
    """On standard error, apart from the report."""
    api.games = {f"Provider {number}": [] for number in range(30)}
    call_command("sync_providers", "--no-input")
    printed = capsys.readouterr()
    assert printed.err.splitlines() == ["25 of 30 providers fetched", "30 of 30 providers fetched"]
    assert printed.out.startswith("provider_sync, 127.0.0.1:")
