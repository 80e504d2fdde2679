"""``sync_providers`` against a server that misbehaves: what fails is reported, and costs nothing but itself."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from freezegun import freeze_time

from commands.providers.api.client import _retry_after
from commands.providers.api.redaction import redacted
from commands.providers.models import Game, Provider
from safe_import.database import dialect
from safe_import.models import Run
from tests.providers.api_server import (
    SECRET,
    VARIANTS,
    a_game,
    breaks_off,
    drips,
    full_set,
    hangs,
    hangs_up,
    says,
)
from tests.providers.conftest import run_command, state
from tests.providers.test_sync import JOINED

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django.fixtures import SettingsWrapper

    from tests.people.conftest import Outcome
    from tests.people.database import Contents
    from tests.providers.api_server import Api, Handler
    from tests.providers.conftest import Running


def messages(outcome: Outcome) -> list[str]:
    """What the errors say."""
    return [each["message"] for each in outcome.report["errors"]]


def with_details(**details: object) -> dict[str, Any]:
    """An answer with one game, whose details are these."""
    return {"status": "OK", "data": [a_game(1, details=details)]}


# An answer, and what is said of it.
FORMS: list[tuple[object, str]] = [
    (b"", "the answer can't be read: not JSON: character 1 is not expected there"),
    (b"<html>Sorry</html>", "the answer can't be read: not JSON: character 1 is not expected there"),
    (b'{"status": "OK", "data": [', "the answer can't be read: not JSON: character 27 is not expected there"),
    (b'{"status": "OK", "status": "OK", "data": []}', "the answer can't be read: the JSON has a key twice"),
    (b'{"status": "OK", "data": [\xff]}', "the answer is not UTF-8"),
    (b'{"status": "OK", "data": [NaN]}', "the answer can't be read: NaN is not JSON"),
    (
        b'{"status": "OK", "data": [' + b"9" * 5000 + b"]}",
        "the answer can't be read: the JSON has a number of more",
    ),
    (b"[" * 100_000, "the answer can't be read: the JSON is nested too deeply"),
    (b"null", "the answer can't be read: null"),
    ([], "as a whole: "),
    ({}, "status: Field required"),
    ({"status": "OK"}, "data: Field required"),
    ({"status": "ERROR", "data": []}, "status: Input should be 'OK'"),
    ({"status": "OK", "data": None}, "data: "),
    ({"status": "OK", "data": {}}, "data: "),
    ({"status": "OK", "data": [None]}, "data[0]: "),
    ({"status": "OK", "data": [a_game(1), "x"]}, "data[1]: "),
    ({"status": "OK", "data": [{"id": 1, "title": "x"}]}, "data[0].enabled: Field required"),
    ({"status": "OK", "data": [a_game(1, id=None)]}, "data[0].id"),
    ({"status": "OK", "data": [a_game(1, id=" ")]}, "data[0].id"),
    ({"status": "OK", "data": [a_game(1, id=True)]}, "data[0].id"),
    ({"status": "OK", "data": [a_game(1, id=1.5)]}, "data[0].id"),
    ({"status": "OK", "data": [a_game(1, title=None)]}, "data[0].title"),
    ({"status": "OK", "data": [a_game(1, enabled="yes")]}, "data[0].enabled"),
    ({"status": "OK", "data": [a_game(1, enabled=2)]}, "data[0].enabled"),
    ({"status": "OK", "data": [a_game(1, details="x")]}, "data[0].details"),
    (with_details(rtp=[]), "data[0].details.rtp"),
    (with_details(features="x"), "data[0].details.features"),
    (with_details(tags=[1]), "data[0].details.tags[0]"),
    (with_details(thumbnails={"a": 1}), "data[0].details.thumbnails.a"),
    ({"status": "OK", "data": [a_game(1), a_game(1, title="x")]}, "the answer has the id of game 2 of "),
]


@pytest.fixture
def synced(api: Api, syncing: Running) -> Running:
    """Two providers with two games each are here already."""
    api.games = {"Acme": [a_game(1), a_game(2)], "Bolt": [a_game(1), a_game(2)]}
    assert syncing().exit_code == 0
    Provider.objects.update(last_synced=dt.datetime(2024, 1, 1, tzinfo=dt.UTC))
    return syncing


def test_what_may_pass_is_tried_again(api: Api, syncing: Running) -> None:
    """Too many requests, errors of the server, a connection that breaks off: the third attempt gets the answer."""
    faults = {"429": says({}, 429), "500": says({}, 500), "503": says({}, 503), "up": hangs_up, "off": breaks_off}
    api.games = {name: [a_game(1)] for name in faults}
    api.faults.update({"": [hangs_up], **{name: [fault, fault] for name, fault in faults.items()}})
    assert syncing().exit_code == 0
    assert api.asked == {"": 2, **dict.fromkeys(faults, 3)}
    assert Game.objects.count() == 5


def test_the_last_attempt_is_the_last(synced: Running, api: Api) -> None:
    """Then the provider is reported, and the others go on."""
    api.faults["Acme"] = [says({}, 503), breaks_off, says({}, 429)]
    api.games["Bolt"].append(a_game(3))
    outcome = synced()
    assert (outcome.exit_code, messages(outcome)) == (3, ["provider 'Acme': HTTP 429 (3 attempts)"])
    assert api.asked["Acme"] == 1 + 3
    assert outcome.rows == {"read": 5, "created": 1, "unchanged": 3, "rejected": 1}
    assert state(Game, "provider__provider_name", "enabled") == [("Acme", True)] * 2 + [("Bolt", True)] * 3
    stamps = dict(state(Provider, "provider_name", "last_synced"))
    assert stamps["Acme"].year == 2024
    assert stamps["Bolt"].year > 2024


def test_an_answer_that_takes_too_long_is_none(synced: Running, api: Api, settings: SettingsWrapper) -> None:
    """Also one of which a little arrives all the time."""
    settings.PROVIDERS_API = {**settings.PROVIDERS_API, "timeout": 2, "attempts": 2}
    api.games["Calm"] = []
    api.faults["Acme"], api.faults["Bolt"] = [hangs(6)] * 2, [drips] * 2
    outcome = synced()
    late = "no whole answer within 2 s (2 attempts)"
    assert messages(outcome) == [f"provider 'Acme': {late}", f"provider 'Bolt': {late}"]
    assert (outcome.exit_code, outcome.rows) == (3, {"read": 3, "created": 1, "rejected": 2})


def test_an_answer_of_another_form_is_an_error_and_no_empty_provider(api: Api, syncing: Running) -> None:
    """It says where; no game is disabled, no value is told, and nothing is asked again."""
    api.games = {"Sound": [a_game(1)], **{f"P{number:02}": [a_game(1), a_game(2)] for number in range(len(FORMS))}}
    assert syncing().exit_code == 0
    for number, (answer, _) in enumerate(FORMS):
        api.faults[f"P{number:02}"] = [says(answer)]
    outcome = syncing()
    assert (outcome.exit_code, outcome.rows) == (3, {"read": 2 + len(FORMS), "unchanged": 2, "rejected": len(FORMS)})
    for number, (message, (_, reason)) in enumerate(zip(messages(outcome), FORMS, strict=True)):
        assert message.startswith(f"provider 'P{number:02}': ")
        assert reason in message
    assert not Game.objects.filter(enabled=False).exists()
    assert set(api.asked.values()) == {2}
    assert "Game 1" not in str(outcome.report)


def test_any_other_status_is_an_error_at_once(api: Api, syncing: Running) -> None:
    """A redirect is not followed: the secret is for this address alone."""
    statuses = (204, 302, 401, 404)
    api.games = {"Sound": [], **{str(status): [] for status in statuses}}
    for status in statuses:
        api.faults[str(status)] = [says(b"", status, Location="/elsewhere")]
    outcome = syncing()
    assert messages(outcome) == [f"provider '{status}': HTTP {status}" for status in statuses]
    assert (outcome.exit_code, set(api.asked.values())) == (3, {1})


def test_a_value_that_does_not_fit_costs_its_game_alone(synced: Running, api: Api) -> None:
    """The others go on, and none is taken for one that is gone."""
    unfit: list[tuple[dict[str, Any], str, str]] = [
        ({"title": "x" * 201}, "title", "too_long"),
        ({"id": "9" * 201}, "game_id", "too_long"),
        ({"details": {"rtp": 10**99}}, "rtp", "too_many_digits"),
        ({"details": {"rtp": "96,5"}}, "rtp", "not_a_number"),
        ({"details": {"rtp": 96.12345}}, "rtp", "too_many_places"),
        ({"details": {"rtp": -1}}, "rtp", "out_of_range"),
        ({"details": {"volatility": "x" * 33}}, "volatility", "too_long"),
        ({"details": {"thumbnails": {"a": "x" * 1001}}}, "thumbnail", "too_long"),
    ]
    api.games["Acme"] += [a_game(number, **values) for number, (values, *_) in enumerate(unfit, 3)]
    outcome = synced()
    assert [(column, code) for _, column, code in outcome.errors] == [(column, code) for _, column, code in unfit]
    assert [each.split("(")[-1] for each in messages(outcome)] == [f"game {n} of 'Acme')" for n in range(3, 11)]
    assert outcome.exit_code == 3
    assert outcome.rows == {"read": 6 + len(unfit), "unchanged": 6, "rejected": len(unfit)}
    assert Game.objects.filter(enabled=True).count() == 4


def test_a_provider_that_does_not_fit_costs_its_games_too(synced: Running, api: Api) -> None:
    """It is told itself, and its games by their places; the others go on."""
    api.games = {"x" * 201: [a_game(1)], **api.games}
    outcome = synced()
    assert (outcome.exit_code, outcome.rows) == (3, {"read": 8, "unchanged": 6, "rejected": 2})
    first, second = messages(outcome)
    assert first == "at most 200 characters"
    assert second == f"at most 200 characters (game 1 of '{'x' * 80}...')"


def test_wide_values_that_fit_land_exactly(api: Api, syncing: Running) -> None:
    """Ids beyond 64 bits, texts up to the last character."""
    wide = {"id": 10**99 + 7, "title": "\U0001f600" * 200, "details": {"rtp": 99999.9999, "volatility": 5}}
    api.games = {"Acme": [a_game(1, **wide)]}
    assert syncing().exit_code == 0
    game = Game.objects.get()
    assert (game.game_id, game.title, str(game.rtp)) == (str(10**99 + 7), "\U0001f600" * 200, "99999.9999")
    assert game.volatility == "5"
    assert syncing().rows == {"read": 2, "unchanged": 2}


def test_equal_games_twice_in_an_answer_are_one(api: Api, syncing: Running) -> None:
    """A number and a text are the same id."""
    api.games = {"Acme": [a_game(1), a_game(1), a_game(1, id="1")]}
    assert syncing().rows == {"read": 2, "created": 2}


@pytest.mark.parametrize(("left", "refused"), [(2, False), (1, True), (0, True)])
def test_an_answer_with_less_than_half_of_the_games_is_refused(
    api: Api, syncing: Running, left: int, refused: bool
) -> None:
    """Half of them is not; the others go on; --accept-shrink takes it, and nothing is deleted."""
    api.games = {"Acme": [a_game(number) for number in range(4)], "Bolt": [a_game(1)]}
    syncing()
    api.games = {"Acme": api.games["Acme"][:left], "Bolt": [a_game(1), a_game(2)]}
    outcome = syncing()
    assert outcome.exit_code == (3 if refused else 0)
    if refused:
        text = f"provider 'Acme': {left} games, where 4 are enabled here; --accept-shrink takes that"
        assert messages(outcome) == [text]
        assert Game.objects.filter(enabled=True).count() == 4 + 2
        assert syncing("--accept-shrink").exit_code == 0
    assert Game.objects.filter(enabled=True, provider__provider_name="Acme").count() == left
    assert Game.objects.count() == 4 + 2


def test_a_provider_that_is_not_listed_any_more_is_an_answer_without_games(synced: Running, api: Api) -> None:
    """So it is refused, unless that is accepted; then it is asked about no more. Others were never synced."""
    Game.objects.create(provider=Provider.objects.create(provider_name="Of a sheet"), game_id="s")
    del api.games["Acme"]
    outcome = synced()
    assert (outcome.exit_code, outcome.rows) == (3, {"read": 4, "unchanged": 3, "rejected": 1})
    accepted = synced("--accept-shrink")
    assert (accepted.exit_code, accepted.rows["updated"]) == (0, 2)
    assert state(Game, "provider__provider_name", "enabled") == [
        *[("Acme", False)] * 2,
        *[("Bolt", True)] * 2,
        ("Of a sheet", True),
    ]
    assert synced().exit_code == 0


def test_vanished_games_are_disabled_only_when_all_variants_were_had(
    api: Api, syncing: Running, settings: SettingsWrapper, tmp_path: Path
) -> None:
    """What the other variant has comes in all the same."""
    (tmp_path / "variants.yaml").write_text(JOINED, encoding="utf-8")
    settings.PROVIDERS_API = {**settings.PROVIDERS_API, "variants": tmp_path / "variants.yaml"}
    slots, live = VARIANTS
    api.games = {slots: [a_game(1), a_game(2)], live: [a_game(3), a_game(4)]}
    syncing()
    stamp = Provider.objects.get().last_synced
    api.games = {slots: [a_game(1), a_game(5)], live: []}
    api.faults[live] = [says({}, 404)]
    outcome = syncing()
    assert (outcome.exit_code, messages(outcome)) == (3, [f"provider {live!r}: HTTP 404"])
    assert outcome.rows == {"read": 4, "created": 1, "unchanged": 2, "rejected": 1}
    assert Game.objects.filter(enabled=True).count() == 5
    assert Provider.objects.get().last_synced == stamp
    api.games[live] = [a_game(3)]
    assert syncing().rows == {"read": 6, "updated": 2, "unchanged": 4}
    assert sorted(Game.objects.filter(enabled=False).values_list("game_id", flat=True)) == ["2", "4"]


def test_a_variant_that_is_not_listed_any_more_was_not_had(
    api: Api, syncing: Running, settings: SettingsWrapper, tmp_path: Path
) -> None:
    """None of its provider's games is disabled unless that is accepted; where none would be it does not matter."""
    (tmp_path / "variants.yaml").write_text(JOINED, encoding="utf-8")
    settings.PROVIDERS_API = {**settings.PROVIDERS_API, "variants": tmp_path / "variants.yaml"}
    slots, live = VARIANTS
    api.games = {slots: [a_game(1), a_game(2), a_game(3)]}
    assert syncing().exit_code == 0
    api.games[live] = [a_game(4)]
    assert syncing().exit_code == 0
    del api.games[live]
    outcome = syncing()
    reason = "the mapping file has this name, the API does not list it; --accept-shrink takes that"
    assert (outcome.exit_code, messages(outcome)) == (3, [f"provider {live!r}: {reason}"])
    assert not Game.objects.filter(enabled=False).exists()
    assert syncing("--accept-shrink").rows == {"read": 5, "updated": 1, "unchanged": 4}
    assert Game.objects.get(enabled=False).game_id == "4"
    assert syncing().exit_code == 0


def test_without_the_list_of_providers_nothing_is_done(synced: Running, api: Api, contents: Contents) -> None:
    """An empty list is no list: it would disable everything."""
    before = contents()
    for fault, reason in (
        (says({}, 404), "HTTP 404"),
        (says({"status": "OK", "data": []}), "data: List should have at least 1 item"),
        (says({"status": "OK", "data": [1]}), "data[0]: Input should be a valid string"),
        (says({"status": "OK", "data": [" "]}), "data[0]"),
    ):
        api.faults[""] = [fault]
        outcome = synced("--accept-shrink")
        assert outcome.exit_code == 1
        assert reason in outcome.report["error"]
        assert contents() == before


def test_when_no_provider_can_be_had_the_sync_failed(synced: Running, api: Api) -> None:
    """Not in part: as a whole."""
    for name in api.games:
        api.faults[name] = [says({}, 404)]
    outcome = synced()
    assert outcome.exit_code == 1
    assert "no provider could be fetched" in outcome.report["error"]


def test_a_server_that_is_not_there_is_a_clear_error(api: Api, syncing: Running) -> None:
    """One sentence, no trace."""
    api.server_close()
    outcome = syncing()
    assert outcome.exit_code == 1
    assert "the list of providers: the connection failed (Connect" in outcome.report["error"]


def test_all_or_nothing_can_be_asked_for(synced: Running, api: Api) -> None:
    """``--on-error rollback``: one provider that fails keeps all others out."""
    api.faults["Acme"] = [says({}, 404)]
    api.games["Bolt"].append(a_game(3))
    outcome = synced("--on-error", "rollback")
    assert (outcome.exit_code, Game.objects.count()) == (1, 4)


def test_a_sync_in_part_leaves_no_file_behind(synced: Running, api: Api, tmp_path: Path) -> None:
    """Nobody could correct it, and import it again."""
    api.faults["Acme"] = [says({}, 404)]
    outcome = synced()
    assert outcome.report["rejects"] is None
    assert [path.name for path in tmp_path.iterdir()] == ["backups"]


def test_a_dry_run_exits_as_the_sync_would(synced: Running, api: Api) -> None:
    """In part, where a provider fails."""
    api.faults["Acme"] = [says({}, 404)]
    assert synced("--dry-run").exit_code == 3


def test_the_whole_api_on_a_bad_day(api: Api, syncing: Running) -> None:
    """Of 133 names some answer late, some never, some rubbish: all the others are in, each failure is told once."""
    api.games = full_set()
    names = list(api.games)
    for number, fault in enumerate([says({}, 404), says(b"{"), says({"status": "OK"})], 10):
        api.faults[names[number]] = [fault]
    for name in names[20:40]:
        api.faults[name] = [says({}, 429, Retry_After="0"), hangs_up]
    outcome = syncing()
    assert outcome.exit_code == 3
    assert [message.split(":")[0] for message in messages(outcome)] == [f"provider {names[n]!r}" for n in (10, 11, 12)]
    assert Provider.objects.count() == len(names) - 3
    assert Game.objects.count() == sum(len(games) for name, games in api.games.items() if name not in names[10:13])


# -- how long to wait


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_honoured(api: Api, syncing: Running, form: str) -> None:
    """In seconds, and as a date of HTTP."""

    def refuse(handler: Handler) -> None:
        moment = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=2)
        asked = "1" if form == "seconds" else format_datetime(moment, usegmt=True)
        handler.reply({}, 503, Retry_After=asked)

    api.games = {"Acme": [a_game(1)]}
    api.faults["Acme"] = [refuse]
    assert syncing().exit_code == 0
    first, second = api.times["Acme"]
    assert second - first >= 0.9


def test_one_that_asks_for_too_long_a_wait_fails_at_once(synced: Running, api: Api) -> None:
    """Rather than to be asked again before its time."""
    api.faults["Acme"] = [says({}, 429, Retry_After="3600")]
    outcome = synced()
    assert messages(outcome) == ["provider 'Acme': HTTP 429, and the API asks to wait for more than 2 s"]
    assert api.asked["Acme"] == 2


@freeze_time("2026-01-01 12:00:00")
@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        ("9" * 400, 9_999_999_999),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30),
        ("Thursday, 01-Jan-26 12:00:30 GMT", 30),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("Mon, 01 Jan 99999999999 00:00:00 GMT", None),
        ("Mon, 01 Jan 2026 00:00:00 +" + "9" * 30, None),
        ("Thu, 41 Jan 2026 12:00:30 GMT", None),
        ("٣", None),
    ],
)
def test_both_forms_of_retry_after_are_read(value: str, seconds: float | None) -> None:
    """What is neither is passed over."""
    assert _retry_after(value) == seconds


# -- the secret


@pytest.mark.parametrize("secret", ["back\\slash", "it's", 'the "key"', "'both\" \\", "tab\tbed", "schlüssel"])
@pytest.mark.parametrize("beside", ["", "'", '"', "'\""])
def test_the_secret_appears_in_no_log_however_it_is_written(
    secret: str, beside: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The HTTP client logs headers as Python spells bytes and texts, where a backslash or a quote is doubled."""
    logger, header = logging.getLogger("httpcore.http11"), secret + beside
    with caplog.at_level(logging.DEBUG), redacted(secret):
        for spelled in (header, header.encode(), header.encode("latin-1")):
            logger.debug("headers=%r", [(b"X", spelled)])
        logger.debug("reason=%s", header)
    for record in caplog.records:
        assert "[secret]" in record.getMessage(), record.getMessage()


def test_the_secret_appears_in_no_log(
    synced: Running, api: Api, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """At DEBUG, the HTTP client included, with a server that sends it back in headers, reason and body."""
    api.faults["Acme"] = [
        says({"echo": SECRET}, 503, X_Echo=SECRET, Retry_After=SECRET),
        says({"echo": SECRET}, 404, X_Echo=SECRET),
    ]
    with caplog.at_level(logging.DEBUG):
        outcome = synced("--log-file", tmp_path / "audit.jsonl")
    assert outcome.exit_code == 3
    assert any(record.name.startswith("httpcore") and "[secret]" in record.getMessage() for record in caplog.records)
    seen = [caplog.text, str(outcome.report), (tmp_path / "audit.jsonl").read_text(encoding="utf-8")]
    seen += [repr(vars(record)) for record in caplog.records]
    seen += [str(vars(run)) for run in Run.objects.all()]
    assert not [text for text in seen if SECRET in text]


def test_settings_that_can_not_be_worked_with_are_wrong_usage(
    api: Api, syncing: Running, settings: SettingsWrapper
) -> None:
    """Before anything is asked; what is wrong is named, and not quoted."""
    sound = settings.PROVIDERS_API
    unsound: list[tuple[dict[str, object], str]] = [
        ({"url": ""}, "an address such as"),
        ({"url": "ftp://x"}, "an address such as"),
        ({"url": "http://api.example.com"}, "must begin with https"),
        ({"url": f"https://me:{SECRET}@api.example.com"}, "must hold no password"),
        ({"url": "https://api.example.com?a=b"}, "an address such as"),
        ({"operator": ""}, "operator: "),
        ({"timeout": 0}, "timeout: "),
        ({"concurrency": 0}, "concurrency: "),
        ({"atempts": 1}, "atempts: "),
        ({"variants": "/none.yaml"}, "variants: "),
        *(({"secret": secret}, "secret: ") for secret in (f"{SECRET}\n", f"{SECRET}é", "", f" {SECRET}")),
    ]
    for given, reason in unsound:
        settings.PROVIDERS_API = {**sound, **given}
        outcome = syncing()
        assert (outcome.exit_code, api.asked.total()) == (2, 0), given
        assert reason in outcome.report["error"]
        assert SECRET not in str(outcome.report)


def test_a_mapping_file_that_can_not_be_worked_with_is_wrong_usage(api: Api, syncing: Running, tmp_path: Path) -> None:
    """Before anything is asked."""
    for text, reason in (
        ("Acme: Acme Slots\n", "'Acme' needs a list of the names of the API"),
        ("Acme: [[x]]\n", "'Acme' needs a list of the names of the API"),
        ("A: [x]\nB: [x]\n", "'x' stands under two providers"),
        ("A: [x]\nA: [y]\n", "a name stands twice"),
        ("- x\n", "a mapping is expected"),
        ("a: {\n", "not YAML"),
    ):
        (tmp_path / "variants.yaml").write_text(text, encoding="utf-8")
        outcome = syncing("--variants", tmp_path / "variants.yaml")
        assert (outcome.exit_code, api.asked.total()) == (2, 0), text
        assert reason in outcome.report["error"]


def test_the_wrong_secret_is_told(api: Api, syncing: Running, settings: SettingsWrapper) -> None:
    """As what the API says."""
    settings.PROVIDERS_API = {**settings.PROVIDERS_API, "secret": "other"}
    assert "HTTP 401" in run_command("sync_providers").report["error"]


def test_while_another_run_works_on_the_providers_the_api_is_not_asked(api: Api, syncing: Running) -> None:
    """So no sync writes answers that are older than those which are here."""
    api.games = {"Acme": [a_game(1)]}
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with dialect(connection).run_lock([Provider._meta.db_table], "a test"):
            held.set()
            done.wait(30)
        connection.close()

    other = threading.Thread(target=hold)
    other.start()
    assert held.wait(10)
    try:
        outcome = syncing()
    finally:
        done.set()
        other.join()
    assert (outcome.exit_code, api.asked.total()) == (4, 0)
    assert syncing().exit_code == 0
