"""The app catalogue: developers, categories, apps, which app is in which category, and screenshots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from commands.catalogue.imports.addresses import fault_of
from commands.catalogue.imports.remarks import remark_differences, remark_faults, remark_file, remark_vanished
from commands.catalogue.imports.row import AppRow
from commands.catalogue.models import App, Category, Developer, Language, Screenshot
from safe_import.spec.import_spec import ImportSpec, NoOptions
from safe_import.spec.link import Link, own
from safe_import.spec.lookup import Lookup
from safe_import.spec.target import target

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from safe_import.spec.target import Mode, Record

_TEXTS = (
    "id", "name_ar", "name_en", "short_description_ar", "short_description_en", "description_ar", "description_en",
    "status", "sort", "rating", "developer",
)  # fmt: skip
_ADDRESSES = ("icon", "main_image_ar", "main_image_en", "google_play", "app_store", "app_gallery")
_OF_DEVELOPER = {"developer_name_ar": "name_ar", "developer_website": "website", "developer_logo": "logo"}


class CatalogueOptions(NoOptions):
    """What happens to apps that are there already, and how often the command tells how far it is."""

    on_existing: Literal["update", "skip"] = Field("update", description="what happens to apps that exist")
    batch_size: int = Field(10, ge=1, description="tell how far the import is after so many apps")


def _mode(options: CatalogueOptions) -> Mode:
    return "insert" if options.on_existing == "skip" else "upsert"


class CatalogueImport(ImportSpec):
    """One row an app. A broken address is never written: its row gets a warning, and what is there stays."""

    name = "catalogue"
    row = AppRow
    Options = CatalogueOptions
    group_by = "developer"
    known_apps = Lookup(App, {}, value="pk", many=True)
    known_categories = Lookup(App.categories.through, {"app": "id"}, value=("category", "category__slug"), many=True)
    known_screenshots = Lookup(Screenshot, {"app": "id"}, value=("pk", "language", "url"), many=True)

    def derive(self, rows: Sequence[AppRow]) -> None:
        """Remarks on what is odd about the apps of one developer; nothing is derived."""
        remark_differences(rows, tuple(_OF_DEVELOPER))
        for row in rows:
            remark_faults(row, (*_ADDRESSES, "developer_website", "developer_logo"))
            remark_vanished(row)
            remark_file(row)

    @target(
        Developer,
        key="name_en",
        agree="first",
        columns={**{v: k for k, v in _OF_DEVELOPER.items()}, "name_en": "developer"},
    )
    def developers(self, row: AppRow) -> Iterator[Record]:
        known = _sound(row.brought(*_OF_DEVELOPER))
        yield {"name_en": row.developer, **{_OF_DEVELOPER[name]: value for name, value in known.items()}}

    @target(Category, key="slug", columns=dict.fromkeys(("slug", "name", "icon"), "categories"))
    def categories(self, row: AppRow) -> Iterator[Record]:
        for each in row.categories or ():
            yield each.model_dump(exclude_none=True)

    @target(App, key="id", main=True, mode=_mode, links={"developer": Link(Developer, "name_en")})
    def apps(self, row: AppRow) -> Iterator[Record]:
        yield {**row.brought(*_TEXTS), **_sound(row.brought(*_ADDRESSES))}

    @target(
        App.categories.through,
        key=("app", "category"),
        mode="insert",
        links={"category": Link(Category, "slug")},
        columns={"category": "categories"},
    )
    def memberships(self, row: AppRow) -> Iterator[Record]:
        for each in row.categories or ():
            yield {"app": own(App), "category": each.slug}

    @target(Screenshot, key=("app", "language", "url"), agree="first")
    def screenshots(self, row: AppRow) -> Iterator[Record]:
        for language in Language.values:
            for position, url in enumerate(
                row.brought(f"screenshots_{language}").get(f"screenshots_{language}", ()), 1
            ):
                if not fault_of(url):
                    yield {"app": own(App), "language": language, "position": position, "url": url}


def _sound(values: dict[str, Any]) -> dict[str, Any]:
    """The values without the addresses that are broken."""
    return {name: value for name, value in values.items() if name == "developer_name_ar" or not fault_of(value)}
