"""Transform: from the objects of the file to the rows of the import, one an app.

An app names its categories; what each looks like stands elsewhere in the file. Here they are brought together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commands.catalogue.imports.extract import APPS, CATEGORIES
from safe_import.sources.typescript import SourceObject

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CATEGORY_COLUMN, REMARKS_COLUMN = "categories", "(remarks on the file)"


def transform(lists: Mapping[str, Sequence[SourceObject]]) -> list[SourceObject]:
    """Return one row an app, in the order of the file.

    ``categories`` becomes a list of objects: ``slug``, and ``name`` and ``icon`` where the file defines them. The first
    row also carries what there is to say of the file as a whole: the lines of definitions that no app uses, or that
    define a category again, and the ids of all apps.

    Args:
        lists: as ``extract`` returns them.
    """
    definitions, doubled = _by_slug(lists[CATEGORIES])
    rows = [SourceObject(app.line, _with_categories(app.values, definitions)) for app in lists[APPS]]
    named = {slug_of(name) for app in lists[APPS] for name in _texts(app.values.get(CATEGORY_COLUMN))}
    unused = [each.line for slug, each in definitions.items() if slug not in named]
    if rows:
        rows[0].values[REMARKS_COLUMN] = {
            "unused": unused,
            "doubled": doubled,
            "apps": _texts([row.values.get("id") for row in rows]),
        }
    return rows


def slug_of(name: str) -> str:
    """Return what a category is recognised by: its name without regard to case, blanks as hyphens."""
    return "-".join(name.casefold().split())


def _by_slug(definitions: Sequence[SourceObject]) -> tuple[dict[str, SourceObject], list[int]]:
    """The definitions by slug, the first one of each; and the lines of the others."""
    found: dict[str, SourceObject] = {}
    doubled = []
    for each in definitions:
        name = each.values.get("name")
        if found.setdefault(slug_of(name) if isinstance(name, str) else "", each) is not each:
            doubled.append(each.line)
    return found, doubled


def _with_categories(app: Mapping[str, Any], definitions: Mapping[str, SourceObject]) -> dict[str, Any]:
    """The values of an app; categories that are no list of texts stay as they are, for the row to refuse them."""
    values = dict(app)
    names = app.get(CATEGORY_COLUMN)
    if isinstance(names, list):
        values[CATEGORY_COLUMN] = [_category(each, definitions) for each in names]
    return values


def _category(name: Any, definitions: Mapping[str, SourceObject]) -> Any:
    if not isinstance(name, str):
        return name
    defined = definitions.get(slug_of(name))
    look = {key: defined.values[key] for key in ("name", "icon") if key in defined.values} if defined else {}
    return {"slug": slug_of(name), **look}


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
