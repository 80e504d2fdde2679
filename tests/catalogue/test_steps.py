"""Extract, transform and load, each called alone."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from commands.catalogue.imports import extract, load, transform
from commands.catalogue.imports.addresses import fault_of
from commands.catalogue.models import App, Category, Developer
from safe_import.errors import SourceError
from safe_import.sources.given import GivenRows
from safe_import.sources.typescript import SourceObject
from tests.catalogue.conftest import REAL, an_app, script

if TYPE_CHECKING:
    from pathlib import Path


def test_extract_gives_the_objects_of_the_file_with_their_lines() -> None:
    """Nothing is left out or changed; the rating is exact."""
    found = extract(REAL.read_text(encoding="utf-8"), REAL.name)
    assert {name: len(objects) for name, objects in found.items()} == {"applicationsData": 44, "categories": 11}
    first = found["applicationsData"][0]
    assert (first.line, first.values["id"], first.values["Apps_Avg_Rating"]) == (2, "1_Wahy", Decimal("4.9"))
    assert found["categories"][0].line == 1910
    assert found["categories"][0].values["icon"].startswith("<svg ")


@pytest.mark.parametrize("missing", ["applicationsData", "categories"])
def test_extract_needs_both_lists(missing: str) -> None:
    """A list that was renamed is an error, not an empty catalogue."""
    with pytest.raises(SourceError, match=f"apps.ts: the file declares no list called {missing}"):
        extract(script(an_app(1)).replace(f"const {missing}", "const other"), "apps.ts")


def test_transform_brings_apps_and_categories_together() -> None:
    """By name, without regard to case; what is defined nowhere has its slug alone."""
    lists = {
        "applicationsData": [SourceObject(2, an_app(1, categories=["audio", "Sign Language"]))],
        "categories": [SourceObject(9, {"name": "Audio", "icon": "<svg/>"})],
    }
    (row,) = transform(lists)
    assert row.line == 2
    assert row.values["categories"] == [
        {"slug": "audio", "name": "Audio", "icon": "<svg/>"},
        {"slug": "sign-language"},
    ]


def test_transform_says_which_definitions_nobody_uses() -> None:
    """And which define a category again; both by line. The objects of the file stay as they are."""
    app = SourceObject(2, an_app(1, categories=["audio"]))
    names = {11: "Audio", 12: "Kids", 13: "AUDIO"}
    definitions = [SourceObject(line, {"name": name, "icon": ""}) for line, name in names.items()]
    (row,) = transform({"applicationsData": [app], "categories": definitions})
    assert row.values["(remarks on the file)"] == {"unused": [12], "doubled": [13], "apps": ["1_App"]}
    assert app.values == an_app(1, categories=["audio"])


def test_transform_leaves_to_validation_what_is_no_list_of_texts() -> None:
    """It never fails itself."""
    lists = {
        "applicationsData": [
            SourceObject(2, an_app(1, categories="audio")),
            SourceObject(3, an_app(2, categories=[1, None])),
        ],
        "categories": [SourceObject(9, {"title": "Audio"})],
    }
    assert [row.values["categories"] for row in transform(lists)] == ["audio", [1, None]]


@pytest.mark.django_db(transaction=True)
def test_load_takes_rows_from_anywhere(backup_root: Path) -> None:
    """It is an import as every other, so the options are those of ``run_import``."""
    rows = GivenRows([an_app(1, categories=[{"slug": "audio", "name": "Audio"}], Apps_Avg_Rating=Decimal("4.85"))])
    assert load(rows, dry_run=True).rows.created == 1
    assert not App.objects.exists()
    result = load(rows)
    assert (result.state, result.rows.created) == ("verified", 1)
    app = App.objects.get()
    assert (app.pk, app.rating, app.developer) == ("1_App", Decimal("4.85"), Developer.objects.get(name_en="Maker"))
    assert list(app.categories.all()) == [Category.objects.get(slug="audio", name="Audio")]


@pytest.mark.parametrize(
    "address",
    [
        "https://tafsir.net",
        "http://example.org:8080/a b/c.png?d=e#f",
        "https://apps.example/sa/app/%D9%88/id1",
        "https://appgallery.huawei.com/#/app/C110460595",
        "https://مثال.example/x",
    ],
)
def test_an_address_is_sound(address: str) -> None:
    """Whatever a browser takes, blanks in the path included."""
    assert fault_of(address) == ""


@pytest.mark.parametrize(
    "address",
    [
        "https://r2.example/15_Ayah/developer_logo.Not Found",
        "https://r2.example/undefined",
        "https://r2.example/logo.null",
        "Not Found",
        "",
        "tafsir.net",
        "ftp://tafsir.net/x",
        "javascript:alert(1)",
        "https://",
        "https:///logo.png",
        "https://localhost/logo.png",
        "https://two words.example/",
        "https://[::1",
        "https://example.org:port/",
        "https://example.org/<svg>",
        "https://example.org/a\nb",
    ],
)
def test_an_address_is_broken(address: str) -> None:
    """No address at all, or what a program puts in the place of a file that it did not find."""
    assert fault_of(address) != ""
    assert address not in fault_of(address) or not address
