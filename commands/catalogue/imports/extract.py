"""Extract: from the text of a TypeScript file to the objects that it declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safe_import.sources.typescript import objects_in

if TYPE_CHECKING:
    from safe_import.sources.typescript import SourceObject

APPS, CATEGORIES = "applicationsData", "categories"


def extract(text: str, label: str = "text") -> dict[str, list[SourceObject]]:
    """Return the objects of the lists ``applicationsData`` and ``categories``, as the file has them.

    Args:
        text: of the file.
        label: the name of the file, for messages.

    Raises:
        SourceError: the file is broken; says where.
    """
    return objects_in(text, (APPS, CATEGORIES), label)
