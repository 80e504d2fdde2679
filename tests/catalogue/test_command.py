"""The command on changed files: what stays, what is refused, what is told."""

from __future__ import annotations

from decimal import Decimal
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from django.core.management import call_command

from commands.catalogue.models import App, Category, Developer, Screenshot
from tests.catalogue.conftest import REAL, an_app, script

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_django.fixtures import SettingsWrapper

    from tests.people.conftest import Outcome
    from tests.people.database import Contents

SHOTS = [f"https://r2.example/{number}.png" for number in range(1, 4)]
AUDIO, KIDS = {"name": "Audio", "icon": "<svg/>"}, {"name": "Kids", "icon": "<svg/>"}


def test_what_vanished_is_reported_and_kept(importing: Callable[..., Outcome]) -> None:
    """A screenshot, a category of an app, an app: named by primary key, with the line of the app."""
    first = an_app(1, categories=["audio", "kids"], screenshots_ar=SHOTS, screenshots_en=SHOTS)
    importing(script(first, an_app(2), categories=(AUDIO, KIDS)))
    later = an_app(1, categories=["audio"], screenshots_ar=[SHOTS[0], SHOTS[2]], screenshots_en=SHOTS)
    outcome = importing(script(later, categories=(AUDIO, KIDS)))
    assert outcome.exit_code == 0
    gone = {(each["column"], each["message"]) for each in outcome.report["warnings"] if each["code"] == "vanished"}
    shot = Screenshot.objects.get(language="ar", url=SHOTS[1])
    assert gone == {
        ("categories", f"no longer in the file, but kept: catalogue.Category #{Category.objects.get(slug='kids').pk}"),
        ("screenshots_ar", f"no longer in the file, but kept: catalogue.Screenshot #{shot.pk}"),
        ("id", "no longer in the file, but kept: catalogue.App #2_App"),
    }
    assert {each["line"] for each in outcome.report["warnings"] if each["code"] == "vanished"} == {2}
    assert (App.objects.count(), Screenshot.objects.count()) == (2, 6)
    assert App.objects.get(id="1_App").categories.count() == 2


def test_screenshots_take_the_order_of_the_file(importing: Callable[..., Outcome]) -> None:
    """Moved ones are moved, none is doubled."""
    importing(script(an_app(1, screenshots_en=SHOTS)))
    assert importing(script(an_app(1, screenshots_en=SHOTS[::-1]))).rows == {"read": 1, "updated": 1}
    assert [each.url for each in App.objects.get().screenshots.all()] == SHOTS[::-1]


def test_a_screenshot_that_stands_twice_is_one(importing: Callable[..., Outcome]) -> None:
    """The first place counts; in the other language it is another one."""
    outcome = importing(script(an_app(1, screenshots_ar=[SHOTS[0], SHOTS[1], SHOTS[0]], screenshots_en=SHOTS[:1])))
    assert outcome.warnings == [(2, "screenshots_ar", "doubled_screenshot")]
    found = Screenshot.objects.order_by("language", "position").values_list("language", "position", "url")
    assert list(found) == [("ar", 1, SHOTS[0]), ("ar", 2, SHOTS[1]), ("en", 1, SHOTS[0])]


def test_broken_addresses_are_left_out_and_what_is_there_stays(importing: Callable[..., Outcome]) -> None:
    """Each is a warning with its line and its column; none stops the app."""
    sound = "https://r2.example/icon.png"
    importing(script(an_app(1, applicationIcon=sound, Developer_Logo=sound)))
    broken = an_app(
        1, applicationIcon="Not Found", Developer_Logo=f"{sound[:-3]}Not Found", screenshots_ar=["oops", SHOTS[0]]
    )
    outcome = importing(script(an_app(2), broken))
    assert (outcome.exit_code, outcome.rows) == (0, {"read": 2, "created": 1, "updated": 1})
    assert sorted(outcome.warnings) == [
        (3, "Developer_Logo", "broken_address"),
        (3, "applicationIcon", "broken_address"),
        (3, "screenshots_ar", "broken_address"),
    ]
    assert "oops" not in str(outcome.report)
    assert App.objects.get(id="1_App").icon == Developer.objects.get().logo == sound
    assert [(each.position, each.url) for each in Screenshot.objects.all()] == [(2, SHOTS[0])]


def test_the_first_sound_logo_of_a_developer_counts(importing: Callable[..., Outcome]) -> None:
    """One that was not found is no description, so it contradicts nobody."""
    outcome = importing(
        script(an_app(1, Developer_Logo="Not Found"), *(an_app(n, Developer_Logo=SHOTS[0]) for n in (2, 3)))
    )
    assert outcome.warnings == [(2, "Developer_Logo", "broken_address")]
    assert Developer.objects.get().logo == SHOTS[0]


@pytest.mark.parametrize(("flags", "rating"), [((), "2.5"), (("--on-existing", "skip"), "4.5")])
def test_apps_that_exist_are_updated_or_left_alone(
    importing: Callable[..., Outcome], flags: tuple[str, ...], rating: str
) -> None:
    """As ``--on-existing`` says; new ones come in either way."""
    importing(script(an_app(1, Apps_Avg_Rating=4.5, Developer_Website="https://old.example")))
    changed = an_app(1, Apps_Avg_Rating=2.5, Developer_Website="https://new.example", screenshots_ar=SHOTS)
    outcome = importing(script(changed, an_app(2, Developer_Name_En="Other")), *flags)
    assert outcome.rows == {"read": 2, "created": 1, "skipped" if flags else "updated": 1}
    assert App.objects.get(id="1_App").rating == Decimal(rating)
    assert Screenshot.objects.count() == (0 if flags else 3)
    assert Developer.objects.get(name_en="Maker").website == f"https://{'old' if flags else 'new'}.example"


@pytest.mark.parametrize(
    ("values", "column", "code"),
    [
        ({"id": ""}, "id", "required"),
        ({"Name_Ar": None}, "Name_Ar", "required"),
        ({"Developer_Name_En": " "}, "Developer_Name_En", "required"),
        ({"Apps_Avg_Rating": 5.1}, "Apps_Avg_Rating", "out_of_range"),
        ({"Apps_Avg_Rating": 0.567}, "Apps_Avg_Rating", "too_many_places"),
        ({"Apps_Avg_Rating": "good"}, "Apps_Avg_Rating", "not_a_number"),
        ({"sort": -1}, "sort", "out_of_range"),
        ({"categories": "audio"}, "categories", "not_a_list"),
        ({"categories": [1]}, "categories", "not_a_list"),
        ({"screenshots_ar": "https://r2.example/1.png"}, "screenshots_ar", "not_a_list"),
        ({"screenshots_ar": [None]}, "screenshots_ar", "not_a_list"),
    ],
)
def test_an_app_that_is_wrong_stops_all(
    importing: Callable[..., Outcome], values: dict[str, object], column: str, code: str
) -> None:
    """With its line, its column and the reason; nothing is written."""
    outcome = importing(script(an_app(1), an_app(2, **values)))
    assert (outcome.exit_code, outcome.errors) == (1, [(3, column, code)])
    assert not App.objects.exists()


def test_an_id_that_stands_twice_is_an_error(importing: Callable[..., Outcome]) -> None:
    """Both lines are named."""
    outcome = importing(script(an_app(1), an_app(1)))
    assert (outcome.exit_code, outcome.errors) == (1, [(2, "id", "key_twice"), (3, "id", "key_twice")])


def test_a_name_that_the_import_does_not_know_is_an_error(importing: Callable[..., Outcome]) -> None:
    """Nothing of a file is dropped in silence."""
    outcome = importing(script(an_app(1, Name_Fr="App")))
    assert outcome.exit_code == 1
    assert [code for *_, code in outcome.errors] == ["unknown_column"]


def test_valid_apps_may_go_on_alone(importing: Callable[..., Outcome], tmp_path: Path) -> None:
    """The others are in a file of their own."""
    outcome = importing(script(an_app(1), an_app(2, sort="x"), an_app(3)), "--on-error", "continue")
    assert (outcome.exit_code, outcome.rows) == (3, {"read": 3, "created": 2, "rejected": 1})
    assert "2_App" in (tmp_path / outcome.report["rejects"]).read_text(encoding="utf-8")


def test_broken_typescript_is_one_clear_error(importing: Callable[..., Outcome], contents: Contents) -> None:
    """It names the file, the line and the reason; nothing is written, not even a record of a run."""
    before = contents()
    text = REAL.read_text(encoding="utf-8")
    outcome = importing(text.replace('"sort": 2,', '"sort": 2', 1))
    assert outcome.exit_code == 1
    assert outcome.report["error"] == "apps.ts, line 61, character 9: ',' or '}' is expected here"
    assert contents() == before


def test_every_batch_is_told(importing: Callable[..., Outcome], capsys: pytest.CaptureFixture[str]) -> None:
    """Of ten apps unless ``--batch-size`` says otherwise; on standard error, apart from the report."""
    told = {}
    for flags in ((), ("--batch-size", "20"), ("-v", "0"), ("--json",)):
        err = StringIO()
        call_command("import_catalogue_prod", "--source", str(REAL), "--dry-run", *flags, stdout=StringIO(), stderr=err)
        told[flags] = [line for line in err.getvalue().splitlines() if "apps read" in line]
    assert list(told.values()) == [
        ["10 apps read", "20 apps read", "30 apps read", "40 apps read", "44 apps read"],
        ["20 apps read", "40 apps read", "44 apps read"],
        [],
        [],
    ]


def test_a_batch_has_one_app_at_least(importing: Callable[..., Outcome]) -> None:
    """Anything else is wrong usage."""
    assert importing(REAL, "--batch-size", "0").exit_code == 2
    assert importing(REAL, "--delimiter", ";").exit_code == 2


def test_the_twin_clears_on_a_developers_machine_alone(
    importing: Callable[..., Outcome], settings: SettingsWrapper
) -> None:
    """In production it refuses; in development it deletes and loads in one transaction."""
    importing(script(an_app(1)))
    assert importing(script(an_app(2)), "--clear", production=False).exit_code == 1
    assert [app.pk for app in App.objects.all()] == ["1_App"]
    settings.SAFE_IMPORT = {**settings.SAFE_IMPORT, "ENVIRONMENT": "development"}
    outcome = importing(script(an_app(2)), "--clear", production=False)
    assert outcome.exit_code == 0, outcome.report
    assert [app.pk for app in App.objects.all()] == ["2_App"]
