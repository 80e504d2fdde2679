"""What a row is warned of. No warning stops it, and none holds a value: records are named by their primary key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commands.catalogue.imports.addresses import fault_of
from commands.catalogue.models import Language

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from commands.catalogue.imports.row import AppRow

_NAMED = 5  # records that a warning names


def remark_differences(rows: Sequence[AppRow], fields: Sequence[str]) -> None:
    """Warn of each row that describes its developer otherwise than an earlier one; the earlier one counts.

    Args:
        rows: those of one developer, in the order of the file.
        fields: what rows say of their developer.
    """
    first: dict[str, tuple[Any, int]] = {}
    for row in rows:
        for name, value in row.brought(*fields).items():
            if name != "developer_name_ar" and fault_of(value):
                continue
            said, line = first.setdefault(name, (value, row.line))
            if said != value:
                message = f"line {line} says otherwise of the same developer; that one counts"
                row.warn("developer_differs", message, field=name)


def remark_faults(row: AppRow, fields: Sequence[str]) -> None:
    """Warn of every broken address, and of a screenshot that stands twice."""
    for name, value in row.brought(*fields).items():
        if fault := fault_of(value):
            row.warn("broken_address", f"{fault}; left out", field=name)
    for name in (f"screenshots_{language}" for language in Language.values):
        urls = getattr(row, name) or ()
        for position, url in enumerate(urls, 1):
            if fault := fault_of(url):
                row.warn("broken_address", f"number {position} is {fault}; left out", field=name)
            elif (earlier := urls.index(url) + 1) < position:
                message = f"number {position} is number {earlier} once more; the first one counts"
                row.warn("doubled_screenshot", message, field=name)


def remark_vanished(row: AppRow) -> None:
    """Warn of what the app has in the database and no longer in the file. It is kept."""
    if row.categories is not None:
        slugs = {each.slug for each in row.categories}
        gone = [pk for pk, slug in row.found["known_categories"] if slug not in slugs]
        _remark_kept(row, "categories", "catalogue.Category", gone)
    for language in Language.values:
        name = f"screenshots_{language}"
        if (urls := getattr(row, name)) is not None:
            gone = [pk for pk, of, url in row.found["known_screenshots"] if of == language and url not in urls]
            _remark_kept(row, name, "catalogue.Screenshot", gone)


def remark_file(row: AppRow) -> None:
    """Warn of what concerns the file as a whole; the row that carries it says so."""
    for part in row.categories or ():
        if part.name is None:
            row.warn("undefined_category", "the file does not define one of these; it has no icon", field="categories")
    if row.remarks_on_file is None:
        return
    for line in row.remarks_on_file.unused:
        row.warn("unused_category", f"line {line} defines a category that no app is in; left out", field="categories")
    for line in row.remarks_on_file.doubled:
        row.warn("doubled_category", f"line {line} defines a category again; left out", field="categories")
    present = set(row.remarks_on_file.apps)
    _remark_kept(row, "id", "catalogue.App", [pk for pk in row.found["known_apps"] if pk not in present])


def _remark_kept(row: AppRow, field: str, label: str, gone: Iterable[Any]) -> None:
    names = sorted(f"{label} #{pk}" for pk in gone)
    if names:
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        message = f"no longer in the file, but kept: {', '.join(names[:_NAMED])}{more}"
        row.warn("vanished", message, field=field)
