"""Columns with gaps: None stays where it is, whatever becomes of the values between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

NONE = type(None)


def filled(values: Sequence[Any], types: set[type]) -> Sequence[Any]:
    """Return the values that are not None; those at hand where ``types``, the types of all, has no None."""
    return [value for value in values if value is not None] if NONE in types else values


def spread(made: Sequence[Any], values: Sequence[Any], gap: Any = None) -> Sequence[Any]:
    """Return what was made of the values that are not None, in their places, with ``gap`` in those of the others."""
    if len(made) == len(values):
        return made
    each = iter(made)
    return [gap if value is None else next(each) for value in values]
