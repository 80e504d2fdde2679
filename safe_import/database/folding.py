"""When two texts are the same key: the one definition that the files, the stage and the databases share."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

from safe_import.database.gaps import NONE, filled, spread

if TYPE_CHECKING:
    from collections.abc import Sequence


def fold(text: str, casefold: bool) -> str:
    """The form of ``text`` under which keys are compared; never what is written.

    Canonical normalisation (NFC), so that an ``é`` of one code point equals one of two; with ``casefold`` also
    Unicode's full case folding, so that ``ß`` equals ``SS`` (Unicode Standard, section 3.13, canonical caseless
    matching).
    """
    if text.isascii():
        return text.lower() if casefold else text
    composed = unicodedata.normalize("NFC", text)
    return unicodedata.normalize("NFC", composed.casefold()) if casefold else composed


def fold_all(values: Sequence[Any], casefold: bool) -> Sequence[str | None]:
    """``fold`` of the text of every value that is not None, which nearly always can be had in one go."""
    types = set(map(type, values))
    given = filled(values, types)
    texts = given if types <= {str, NONE} else list(map(str, given))
    joined = "\n".join(texts)
    folded = fold(_storable(joined), casefold)  # as a whole: no mark composes with a line feed
    if folded == joined:
        return values if texts is given else spread(texts, values)
    each = folded.split("\n")
    if len(each) != len(texts):  # some hold line feeds
        each = [fold(_storable(text), casefold) for text in texts]
    return spread(each, values)


def _storable(text: str) -> str:
    """Without NUL, which no column takes, so such a value is refused; its key must be storable all the same."""
    return text.replace("\0", "\ufffd")
