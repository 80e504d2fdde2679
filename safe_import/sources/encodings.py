"""Which encodings a file may have that is not UTF-8."""

from __future__ import annotations

import codecs
import contextlib
from typing import BinaryIO

from charset_normalizer import from_bytes

_SHOWN = 5
_CHUNK = 1 << 16
_FEW = 32  # bytes beyond ASCII: too few to tell an encoding by, so the most frequent one comes first
# What files are mostly written in, the more frequent first. Of several that fit as well, these are named before others.
_FREQUENT = (
    "cp1252", "cp1251", "cp1250", "cp932", "gb18030", "cp949", "big5", "euc_jp", "koi8_r", "cp1253", "cp1254", "cp1255",
    "cp1256", "cp1257", "cp874", "mac_roman", "iso8859_2", "iso8859_15", "cp437", "cp850",
)  # fmt: skip
# Not what files are written in: escapes within ASCII, the names of hosts. The first three decode to half characters.
_NOT_OF_FILES = {"utf-7", "unicode-escape", "raw-unicode-escape", "idna", "punycode", "undefined"}


def codec_name(encoding: str) -> str:
    """Return the name that Python has for the encoding of a text file.

    Raises:
        LookupError: there is no such encoding, it makes no text, or it is none that files are written in.
    """
    with contextlib.suppress(UnicodeError):
        b"a".decode(encoding)  # refuses codecs that do not make text
    name = codecs.lookup(encoding).name
    if name in _NOT_OF_FILES:
        raise LookupError(name)
    return name


def fitting_encodings(sample: bytes) -> list[str]:
    """Return at most five encodings in which these bytes look like text, the likelier ones first."""
    found = [encoding for match in from_bytes(sample) for encoding in (match.encoding, *match.could_be_from_charset)]
    first = _FREQUENT[:1] if sum(byte > 0x7F for byte in sample) < _FEW else ()
    likely = dict.fromkeys([*first, *(name for name in _FREQUENT if name in found), *found])
    return [name for name in likely if name not in ("utf_7", "utf_8", "ascii")][:_SHOWN]


def decodes(binary: BinaryIO, encoding: str) -> bool:
    """Whether all the bytes that follow are text in this encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while chunk := binary.read(_CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True
