"""Spellings of names: which are the same to a person, and which one was probably meant."""

from __future__ import annotations

import difflib
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_SEPARATORS = str.maketrans("", "", " _-\u00a0\u2010\u2011")
_SHOWN = 12


def fold(spelling: str) -> str:
    """Return what is left of a spelling without case, blanks, underscores and hyphens."""
    return unicodedata.normalize("NFKC", spelling).casefold().translate(_SEPARATORS).strip()


def nearest(spelling: str, known: Iterable[str]) -> list[str]:
    """Return at most three of the known names, the most similar first; none when none is similar."""
    by_fold = {fold(name): name for name in known}
    return [by_fold[match] for match in difflib.get_close_matches(fold(spelling), by_fold, n=3, cutoff=0.6)]


def did_you_mean(spelling: str, known: Iterable[str]) -> str:
    """Return ``"did you mean 'Email'?"``, or nothing when no known name is similar."""
    names = nearest(spelling, known)
    return f"did you mean {' or '.join(map(repr, names))}?" if names else ""


def listed(names: Iterable[str]) -> str:
    """Return the names as a message lists them, cut after a dozen."""
    every = list(names)
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return ", ".join(every[:_SHOWN]) + more
