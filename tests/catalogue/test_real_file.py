"""The real file: it lands whole, once, and can be taken back."""

from __future__ import annotations

from decimal import Decimal
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from django.core.management import call_command

from commands.catalogue.models import App, Category, Developer, Screenshot
from safe_import.conf import conf
from safe_import.models import Run
from tests.catalogue.conftest import REAL
from tests.people.database import Contents, contents_of_database, without_sequences

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.people.conftest import Outcome

COUNTS = {
    "catalogue.Developer": 34,
    "catalogue.Category": 11,
    "catalogue.App": 44,
    "catalogue.App_categories": 109,
    "catalogue.Screenshot": 563,
}


@pytest.fixture
def catalogue() -> Contents:
    """Reads the tables of the catalogue."""
    return lambda: {
        name: rows for name, rows in without_sequences(contents_of_database()).items() if name.startswith("catalogue_")
    }


def test_the_file_lands_whole(importing: Callable[..., Outcome]) -> None:
    """Every app, developer, category and screenshot, and nothing that the file does not have."""
    outcome = importing(REAL)
    assert outcome.exit_code == 0, outcome.report
    assert outcome.rows == {"read": 44, "created": 44}
    assert {label: counts["created"] for label, counts in outcome.report["models"].items()} == COUNTS
    assert (App.objects.count(), Developer.objects.count(), Category.objects.count()) == (44, 34, 11)


def test_what_lands_is_what_the_file_says(importing: Callable[..., Outcome]) -> None:
    """In both languages, the rating to the last digit, screenshots in their order."""
    importing(REAL)
    app = App.objects.select_related("developer").get(id="1_Wahy")
    assert (app.name_ar, app.name_en, app.rating, app.sort) == ("وَحي", "Wahy", Decimal("4.9"), 1)
    assert app.short_description_ar == "القرآن تلاوة وتفسير كلمة بكلمة"
    assert app.description_en.startswith("Holy Quran app with unique features")
    assert "\n" in app.description_ar
    assert app.developer.name_ar == "مركز تفسير للدراسات القرآنية"
    slugs = app.categories.order_by("slug").values_list("slug", flat=True)
    assert list(slugs) == ["audio", "mushaf", "riwayat", "tafsir", "translations"]
    assert Category.objects.get(slug="mushaf").name == "Mushaf"
    for language in ("ar", "en"):
        urls = list(app.screenshots.filter(language=language).values_list("url", flat=True))
        assert [url.rpartition("/")[2] for url in urls] == [f"0{n}_screenshots_{language}.png" for n in range(1, 9)]


def test_the_file_again_changes_nothing(importing: Callable[..., Outcome], catalogue: Contents) -> None:
    """Apps are recognised by their id, everything else by what names it."""
    importing(REAL)
    before = catalogue()
    outcome = importing(REAL)
    assert (outcome.exit_code, outcome.rows) == (0, {"read": 44, "unchanged": 44})
    assert catalogue() == before


def test_a_dry_run_writes_nothing_and_its_plan_can_be_held(
    importing: Callable[..., Outcome], contents: Contents
) -> None:
    """The digest of the dry run is that of the import."""
    before = contents()
    planned = importing(REAL, "--dry-run")
    assert contents() == before
    assert importing(REAL, "--plan", planned.report["plan"]).rows == {"read": 44, "created": 44}


def test_an_import_can_be_undone(importing: Callable[..., Outcome], catalogue: Contents) -> None:
    """Nothing of it is left."""
    empty = catalogue()
    run = importing(REAL).report["run"]
    call_command("undo_import", run, "--delete-created", "--no-input", stdout=StringIO())
    assert catalogue() == empty


def test_a_backup_is_written_first_and_restores_what_was(
    importing: Callable[..., Outcome], catalogue: Contents, backup_root: Path
) -> None:
    """Of the second import: it brings back what the first one left."""
    importing(REAL)
    before = catalogue()
    changed = REAL.read_text(encoding="utf-8").replace('"Apps_Avg_Rating": 4.9', '"Apps_Avg_Rating": 1.25')
    outcome = importing(changed)
    assert outcome.rows["updated"] > 0
    assert catalogue() != before
    call_command("restore_backup", outcome.report["backup"], "--no-input", stdout=StringIO(), stderr=StringIO())
    assert catalogue() == before


def test_seven_developers_are_described_otherwise_by_a_later_app(importing: Callable[..., Outcome]) -> None:
    """The first one counts, and every difference is listed with its line."""
    warnings = [each for each in importing(REAL).warnings if each[2] == "developer_differs"]
    assert [line for line, column, _ in warnings if column == "Developer_Logo"] == [
        357, 667, 1110, 1331, 1474, 1573, 1612, 1654, 1786, 1830,
    ]  # fmt: skip
    assert [line for line, column, _ in warnings if column != "Developer_Logo"] == [1573, 1573]
    lines = {line for line, *_ in warnings}
    apps = [app for app in App.objects.all() if _line_of(app.pk) in lines]
    assert len({app.developer_id for app in apps}) == 7
    assert Developer.objects.get(name_en="Noor International").website == "https://noorinternational.net/ar"
    assert Developer.objects.get(name_en="Maknon").logo.endswith("/14_Quran Mobasher/developer_logo.png")


def _line_of(app: str) -> int:
    """The line on which the object of an app begins: the one before its id."""
    text = REAL.read_text(encoding="utf-8")
    return text.count("\n", 0, text.index(f'"id": "{app}"'))


def test_logos_that_were_not_found_are_warnings_with_their_line(importing: Callable[..., Outcome]) -> None:
    """They are left out; no other address of the file is broken."""
    broken = [each for each in importing(REAL).warnings if each[2] == "broken_address"]
    assert broken == [(line, "Developer_Logo", "broken_address") for line in (51, 399, 784, 1284, 1382, 1706)]
    assert not Developer.objects.filter(logo__contains="Not Found").exists()
    assert Screenshot.objects.count() == 563


def test_what_the_lists_do_not_have_in_common_is_reported(importing: Callable[..., Outcome]) -> None:
    """A category that nobody defines is imported without an icon; a definition that nobody uses is not."""
    warnings = importing(REAL).warnings
    assert (2, "categories", "unused_category") in warnings
    assert len([each for each in warnings if each[2] == "undefined_category"]) == 9
    assert Category.objects.get(slug="tools").icon == ""
    assert not Category.objects.filter(slug="other").exists()


def test_a_statement_may_take_five_minutes(importing: Callable[..., Outcome]) -> None:
    """Unless the command line says otherwise; the run remembers what it said."""
    assert conf().STATEMENT_TIMEOUT == 300
    run = importing(REAL, "--statement-timeout", "60").report["run"]
    assert Run.objects.get(pk=run).arguments["statement_timeout"] == 60
