"""Values that a row needs from the database before its records can be made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Lookup:
    """A value found in the database for each row, under ``row.found[name of the lookup]``.

    Looked up a batch of rows at a time, in the snapshot in which the plan is made.

    Args:
        model: where to look; its ``_base_manager`` is asked.
        by: {ORM path: field of the row}; empty looks at every record.
        value: an ORM path or expression, or a tuple of them (found as a tuple).
        casefold: compare text without regard to case.
        many: find a list of all that match, in the order of ``order_by``; otherwise one value, or None when nothing
            matches (the first by ``order_by`` when several do).
        order_by: as in Django.
    """

    model: Any
    by: Mapping[str, str] = field(default_factory=dict)
    value: Any = "pk"
    casefold: bool = False
    many: bool = False
    order_by: tuple[str, ...] = ("pk",)
