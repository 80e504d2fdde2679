"""When two texts are the same key: the one definition that the files, the stage and the databases share."""

from __future__ import annotations

import unicodedata


def fold(text: str, casefold: bool) -> str:
    """The form of ``text`` under which keys are compared; never what is written.

    Canonical normalisation (NFC), so that an ``é`` of one code point equals one of two; with ``casefold`` also Unicode's
    full case folding, so that ``ß`` equals ``SS`` (Unicode Standard, section 3.13, canonical caseless matching).
    """
    if text.isascii():
        return text.lower() if casefold else text
    composed = unicodedata.normalize("NFC", text)
    return unicodedata.normalize("NFC", composed.casefold()) if casefold else composed
