"""When two texts are the same key: the one definition that the files, the stage and the databases share."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

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


def fold_all(values: Sequence[Any], casefold: bool) -> list[str | None]:
    """``fold`` of every value that is not None, which usually are ASCII texts all of them."""
    texts = [None if value is None else value if type(value) is str else str(value) for value in values]
    all_texts = "".join(filter(None, texts))
    if "\0" in all_texts:  # which no column takes, so such a value is refused; its key must be storable all the same
        texts = [None if text is None else text.replace("\0", "\ufffd") for text in texts]
    if not all_texts.isascii():
        return [None if text is None else fold(text, casefold) for text in texts]
    return [None if text is None else text.lower() for text in texts] if casefold else texts
