"""Makes a file that is nearly right from one that is: its bytes, or what it holds, are changed in a few places."""

from __future__ import annotations

import gzip
import io
import re
import zipfile
import zlib
from pathlib import PurePath
from typing import TYPE_CHECKING

import zstandard

from tests.sources.books import zipped

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping, Sequence

_NUMBERS = (
    b"0", b"-1", b"1", b"255", b"65536", b"1048576", b"1048577", b"2147483648", b"4294967295", b"18446744073709551616",
    b"1e400", b"-1e308", b"1e999999999", b"1E+1000000", b"nan", b"Infinity", b"9" * 5000, b"0.1", b"01", b"1_0",
    "٣".encode(), b"0x10", b"16384", b"16385",
)  # fmt: skip
_TOKENS = (
    b'"', b"'", b"`", b",", b";", b"\t", b"|", b"\r", b"\n", b"\r\n", b"\0", b"\x1a", b"\xff\xfe", b"\xfe\xff",
    b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xff", b"\xc3", b"\x85", "\u2028".encode(), "\u202e".encode(), b"<", b">", b"&",
    b"&amp;", b"&#0;", b"&#xD800;", b"]]>", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"<![CDATA[", b"<!--", b"<?xml?>", b"{",
    b"}", b"[", b"]", b"[" * 300, b"{" * 300, b'{"a":' * 2000, b"[" * 20000, b":", b"- ", b"- " * 500, b"&a ", b"*a",
    b"!!python/object:os.system ", b"---\n", b"...\n", b"%YAML 9.9\n", b"|\n", b">-\n", b"? ", b"\\u0000", b"\\ud800",
    b"\\", b"/*", b"*/", b"//", b"${", b"null", b"true", b"_x0000_", b"_xD800_", b"x" * 70_000, b" " * 10_000, b"\\N",
    b"safe_import_line,safe_import_reason,safe_import_run,", b"PK\x05\x06", b"PK\x01\x02", b"\x28\xb5\x2f\xfd",
    b' t="s"', b' t="n"', b' t="d"', b' t="e"', b' r="XFD1048576"', b' r="A0"', b' s="99"', b' s="-1"',
    b' table:number-rows-repeated="1048576"', b' table:number-columns-repeated="16384"', b' office:value-type="time"',
    b' office:value-type="void"', b"<v/>", b"<f/>", b"<table:table>", b"</table:table-row>", b"<si/>", b"<t>",
)  # fmt: skip
_NESTED = tuple(opening * depth + closing * depth for opening, closing in ((b"[", b"]"), (b'{"a":', b"}"), (b"- ", b""))
                for depth in (99, 101, 900, 50_000))  # fmt: skip
_DIGITS = re.compile(rb"\d+")
_VALUE = re.compile(rb'"[^"\n]*"|\'[^\'\n]*\'|(?<=>)[^<\n]+(?=<)|[\w.+@-]+')
_LARGEST = 1 << 20  # bytes; a hostile file need not be large


def mutated(name: str, content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Return a file that is nearly ``content``.

    Args:
        name: of the file, whose suffix tells what is within it.
        content: a sound file.
        others: files of which pieces may be put into this one.
        chance: where all choices come from.
    """
    within = _WITHIN.get(PurePath(name).suffix)
    if within is not None and chance.random() < 0.8:
        return within(content, others, chance)
    return _changed(content, others, chance)


def _changed(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        content = chance.choice(_CHANGES)(content, others, chance)[:_LARGEST]
    return content


def _slice(content: bytes, chance: random.Random) -> tuple[int, int]:
    start = chance.randrange(len(content) + 1)
    return start, min(len(content), start + chance.choice((1, 2, 4, 16, 100, 1000, len(content))))


def _one_byte(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    at = chance.randrange(len(content) + 1)
    return content[:at] + bytes([chance.randrange(256)]) + content[at + 1 :]


def _one_bit(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    if not content:
        return b"\x01"
    at = chance.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :]


def _left_out(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    start, end = _slice(content, chance)
    return content[:start] + content[end:]


def _doubled(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    start, end = _slice(content, chance)
    return content[:end] + content[start:end] * chance.choice((1, 1, 2, 50)) + content[end:]


def _cut_off(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content) + 1)]


def _put_in(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    at = chance.randrange(len(content) + 1)
    return content[:at] + chance.choice(_TOKENS) + content[at:]


def _other_number(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    found = list(_DIGITS.finditer(content))
    if not found:
        return _put_in(content, others, chance)
    place = chance.choice(found)
    return content[: place.start()] + chance.choice(_NUMBERS) + content[place.end() :]


def _other_value(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """In the place of one that its format takes for a value."""
    found = list(_VALUE.finditer(content))
    if not found:
        return _put_in(content, others, chance)
    place = chance.choice(found)
    return content[: place.start()] + chance.choice((*_NESTED, *_NUMBERS, *_TOKENS)) + content[place.end() :]


def _spliced(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    other = chance.choice(others)
    start, end = _slice(other, chance)
    at = chance.randrange(len(content) + 1)
    return content[:at] + other[start:end] + content[at:]


def _of_four_bytes(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """A length or an offset, as binary formats write them."""
    at, width = chance.randrange(len(content) + 1), chance.choice((2, 4, 8))
    number = chance.choice((0, 1, 2**15, 2**16 - 1, 2**31 - 1, 2**32 - 2, 2**63)) % 256**width
    return content[:at] + number.to_bytes(width, "little") + content[at + width :]


_CHANGES = (
    _one_byte, _one_bit, _left_out, _doubled, _cut_off, _put_in, _other_value, _other_number, _spliced, _of_four_bytes,
)  # fmt: skip


# -- what is packed


def _within_zip(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts: dict[str, bytes] = {name: archive.read(name) for name in archive.namelist()}
    name = chance.choice(sorted(name for name in parts if name.endswith((".xml", ".rels"))))
    if chance.random() < 0.05:
        del parts[name]
    else:
        parts[name] = _changed(parts[name], [*parts.values()], chance)
    return zipped(_with_names(parts, chance))


def _with_names(parts: Mapping[str, bytes], chance: random.Random) -> Mapping[str, bytes]:
    """Now and then another name: in capitals, with a way up, with backslashes."""
    if chance.random() > 0.05:
        return parts
    change: Callable[[str], str] = chance.choice(
        (str.upper, lambda name: f"/{name}", lambda name: name.replace("/", "\\"), lambda name: f"../{name}")
    )
    return {change(name): part for name, part in parts.items()}


def _within_gzip(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    try:
        text = gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        return _changed(content, others, chance)
    return gzip.compress(_changed(text, others, chance), mtime=0)


def _within_zstandard(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    text = zstandard.ZstdDecompressor().decompressobj().decompress(content)
    return zstandard.compress(_changed(text, others, chance))


_WITHIN: Mapping[str, Callable[[bytes, Sequence[bytes], random.Random], bytes]] = {
    ".xlsx": _within_zip,
    ".ods": _within_zip,
    ".gz": _within_gzip,
    ".zst": _within_zstandard,
}
