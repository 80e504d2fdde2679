"""Files that are packed: what unpacks to too much, or is no longer whole, is refused before it takes memory."""

from __future__ import annotations

import io
import resource
import struct
import tracemalloc
import zipfile
import zlib
from typing import TYPE_CHECKING

import pytest

from safe_import.errors import SafeImportError, SourceError
from safe_import.sources import open_source
from tests.sources.books import HEADER, ods_parts, xlsx_parts, zipped

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_django.fixtures import SettingsWrapper

BOOK = xlsx_parts(HEADER + '<row r="2"><c r="A2"><v>1</v></c></row>')
TABLE = ods_parts(
    '<table:table-row><table:table-cell office:value-type="string"><text:p>name</text:p></table:table-cell>'
    "</table:table-row>"
)


def read(path: Path, content: bytes) -> list[object]:
    """Write a file and read all of it."""
    path.write_bytes(content)
    with open_source(path) as source:
        return list(source.lines())


def test_what_unpacks_to_too_much_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    """Ten megabytes of blanks that take ten kilobytes; the error names the setting."""
    bomb = zipped({**BOOK, "xl/media/picture": b" " * 10_000_000})
    tracemalloc.start()
    try:
        with pytest.raises(SourceError, match=r"200 times its size .*MAX_ZIP_RATIO"):
            read(tmp_path / "bomb.xlsx", bomb)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_the_limits_of_packed_files_are_settings(tmp_path: Path, settings: SettingsWrapper) -> None:
    """Each names itself in its error."""
    content = zipped(BOOK)
    for name, limit in (("MAX_UNPACKED_SIZE", 1_000), ("MAX_ZIP_ENTRIES", len(BOOK) - 1)):
        settings.SAFE_IMPORT = {name: limit}
        with pytest.raises(SourceError, match=name):
            read(tmp_path / "book.xlsx", content)
    settings.SAFE_IMPORT = {"MAX_ZIP_ENTRIES": len(BOOK)}
    assert read(tmp_path / "book.xlsx", content) == [(2, [1, None])]


@pytest.mark.parametrize("said", [0, 1, 0xFFFF])
def test_a_million_entries_are_counted_not_kept(said: int, tmp_path: Path) -> None:
    """Whatever the file says of their number: an object for each would take hundreds of megabytes."""
    entry = struct.pack("<4s24xHHH12x", b"PK\x01\x02", 1, 0, 0) + b"a"
    directory = entry * 1_000_000
    end = struct.pack("<4s4xHHLLH", b"PK\x05\x06", said, said, len(directory), 4, 0)
    (tmp_path / "many.xlsx").write_bytes(b"PK\x03\x04" + directory + end)
    tracemalloc.start()
    try:
        with pytest.raises(SourceError, match="more than 10,000 parts"):
            open_source(tmp_path / "many.xlsx")
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()


_ENTRY = struct.pack("<4s24xHHH12x", b"PK\x01\x02", 1, 0, 0) + b"a"


def end_record(size: int, disks: bytes = bytes(4)) -> bytes:
    """The last record of a zip file, whose directory has so many bytes."""
    return struct.pack("<4s4sHHLLH", b"PK\x05\x06", disks, 1, 1, size, 4, 0)


def _with_a_signature_for_disk_numbers(directory: bytes) -> bytes:
    return directory + end_record(len(directory), b"PK\x05\x06")


def _with_a_locator_that_points_elsewhere(directory: bytes) -> bytes:
    """To a record of an empty directory, while the one before the locator is read by zipfile."""
    said = [struct.pack("<4sQHHLLQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, size, 4) for size in (0, len(directory))]
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 4, 1)
    return said[0] + directory + said[1] + locator + end_record(0xFFFFFFFF)


def _behind_entries_that_fill_what_is_counted(directory: bytes) -> bytes:
    long = struct.pack("<4s24xHHH12x", b"PK\x01\x02", 1, 0xFFFF, 0xFFFF) + b"a" + bytes(0xFFFF * 2)
    return long * 100 + directory + end_record(len(long) * 100 + len(directory))


@pytest.mark.parametrize(
    "hiding",
    [
        _with_a_signature_for_disk_numbers,
        _with_a_locator_that_points_elsewhere,
        _behind_entries_that_fill_what_is_counted,
    ],
)
def test_entries_are_not_hidden_from_the_count(hiding: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """What is counted is what is read later; a file that leaves a choice is refused."""
    (tmp_path / "many.xlsx").write_bytes(b"PK\x03\x04" + hiding(_ENTRY * 50_000))
    tracemalloc.start()
    try:
        with pytest.raises(SourceError, match=r"more than 10,000 parts|not packed as usual"):
            open_source(tmp_path / "many.xlsx")
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_entries_are_counted_again_when_they_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the first count ever led astray, the second one is of what is read."""
    monkeypatch.setattr("safe_import.sources.zip_file.ZipParts._count_entries", lambda *_: None)
    with pytest.raises(SourceError, match="more than 10,000 parts"):
        read(tmp_path / "many.xlsx", b"PK\x03\x04" + _ENTRY * 10_001 + end_record(len(_ENTRY) * 10_001))


@pytest.mark.parametrize("comment", [b"", b"made by hand", bytes(65_535)])
def test_a_zip64_file_with_a_comment_is_read(comment: bytes, tmp_path: Path) -> None:
    """As programs write it that do not know beforehand how large a file becomes."""
    packed = zipped(BOOK)
    at = packed.rindex(b"PK\x05\x06")
    *_, count, size, offset, _ = struct.unpack("<4s4xHHLLH", packed[at:])
    end = struct.pack("<4sQHHLLQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, at, 1)
    last = struct.pack("<4s4xHHLLH", b"PK\x05\x06", 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, len(comment))
    assert read(tmp_path / "book.xlsx", packed[:at] + end + locator + last + comment) == [(2, [1, None])]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, 9])
def test_only_the_packing_of_spreadsheets_is_unpacked(method: int, tmp_path: Path) -> None:
    """The other ways of packing give megabytes for a few bytes, all at once."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in BOOK.items():
            archive.writestr(name, content)
        archive.writestr("xl/picture", "a", method if method != 9 else None)
    content = packed.getvalue()
    at = content.rindex(b"PK\x01\x02")
    content = content[: at + 10] + struct.pack("<H", method) + content[at + 12 :]
    with pytest.raises(SourceError, match="packed in a way that spreadsheets are not; save it anew"):
        read(tmp_path / "x.xlsx", content)


def test_no_more_of_a_part_is_unpacked_than_it_declares(tmp_path: Path) -> None:
    """The limits are judged by what is declared; a hundred megabytes more are never seen."""
    name, declared = "xl/worksheets/sheet1.xml", 1_000
    text = str(BOOK[name]).encode().ljust(100_000_000)
    content = bytearray(zipped({**{part: held for part, held in BOOK.items() if part != name}, name: text}))
    said = struct.pack("<L", zlib.crc32(text[:declared])), struct.pack("<L", declared)
    at = content.rindex(b"PK\x01\x02")
    content[at + 16 : at + 20], content[at + 24 : at + 28] = said
    at = content.rindex(b"PK\x03\x04")
    content[at + 14 : at + 18], content[at + 22 : at + 26] = said
    tracemalloc.start()
    try:
        assert read(tmp_path / "x.xlsx", bytes(content)) == [(2, [1, None])]
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("parts", "name"), [(BOOK, "xl/worksheets/sheet1.xml"), (TABLE, "content.xml")])
@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">',
    ],
)
def test_a_document_type_is_refused(doctype: str, parts: dict[str, str], name: str, tmp_path: Path) -> None:
    """With it every entity, whether it multiplies itself or reads a file of the server."""
    with pytest.raises(SourceError, match=rf"{name} has a document type"):
        read(tmp_path / "x", zipped({**parts, name: doctype + parts[name]}))


@pytest.mark.parametrize("part", ["xl/sharedStrings.xml", "xl/styles.xml", "xl/workbook.xml", "_rels/.rels"])
def test_every_part_that_is_read_is_judged(part: str, tmp_path: Path) -> None:
    """Not the sheets alone."""
    with pytest.raises(SourceError, match=f"{part} has a document type"):
        read(tmp_path / "x.xlsx", zipped({**BOOK, part: f"<!DOCTYPE x>{BOOK[part]!s}"}))
    with pytest.raises(SourceError, match=f"{part} is damaged"):
        read(tmp_path / "x.xlsx", zipped({**BOOK, part: "<a>"}))
    with pytest.raises(SourceError, match=f"{part} is missing|neither xlsx nor ods"):
        read(tmp_path / "x.xlsx", zipped({name: text for name, text in BOOK.items() if name != part}))


def test_a_tag_without_end_is_not_held_in_memory(tmp_path: Path, settings: SettingsWrapper) -> None:
    """The parser keeps a tag until it is complete."""
    settings.SAFE_IMPORT = {"MAX_ZIP_RATIO": 100_000}
    sheet = '<worksheet><sheetData><row r="' + "1" * 40_000_000
    with pytest.raises(SourceError, match="has a tag of more than"):
        read(tmp_path / "x.xlsx", zipped({**BOOK, "xl/worksheets/sheet1.xml": sheet}))


MANY = {
    "_rels/.rels": (BOOK, "<Relationship Id='r{}' Target='x'/>", "</Relationships>"),
    "xl/_rels/workbook.xml.rels": (BOOK, "<Relationship Id='r{}' Target='x'/>", "</Relationships>"),
    "xl/workbook.xml": (BOOK, "<sheet name='s{}' r:id='r1'/>", "</sheets>"),
    "xl/styles.xml": (BOOK, "<cellXfs><xf numFmtId='{}'/></cellXfs>", "</styleSheet>"),
    "content.xml": (TABLE, "<table:table table:name='t{}'/>", "</office:spreadsheet>"),
}
MANY_OF_STYLES = {
    "xl/styles.xml": (BOOK, "<numFmts><numFmt numFmtId='{}' formatCode='0'/></numFmts>", "</styleSheet>"),
    "content.xml": (
        TABLE,
        "<style:style style:name='s{}'><style:table-properties table:display='false'/></style:style>",
        "</office:automatic-styles>",
    ),
}


@pytest.mark.parametrize(("part", "many"), [*MANY.items(), *MANY_OF_STYLES.items()])
def test_what_is_kept_of_a_book_is_limited(
    part: str, many: tuple[dict[str, str | bytes], str, str], tmp_path: Path
) -> None:
    """A hundred thousand sheets, styles or relations; spreadsheet programs have at most some ten thousand of one."""
    parts, element, before = many
    elements = "".join(element.format(number) for number in range(100_000))
    hostile = zipped({**parts, part: str(parts[part]).replace(before, elements + before)})
    tracemalloc.start()
    try:
        with pytest.raises(SourceError, match=f"its part {part} has more than [0-9]+,000 (sheets|styles|relations)"):
            read(tmp_path / "x", hostile)
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
    finally:
        tracemalloc.stop()


def test_other_zip_files_are_told_by_their_content(tmp_path: Path) -> None:
    """Whatever their name is."""
    assert read(tmp_path / "book.csv", zipped(BOOK)) == [(2, [1, None])]
    with pytest.raises(SourceError, match="xlsb"):
        read(tmp_path / "a.xlsx", zipped({"_rels/.rels": "", "xl/workbook.bin": ""}))
    for parts in ({}, {"people.csv": "a,b\n1,2\n"}):
        with pytest.raises(SourceError, match=r"neither xlsx nor ods|damaged"):
            read(tmp_path / "a.xlsx", zipped(parts))


def test_a_part_that_stands_twice_is_refused(tmp_path: Path) -> None:
    """One program would read the first of them, and another the second."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in (*BOOK.items(), ("XL\\workbook.xml", "<a/>")):
            archive.writestr(name, content)
    with pytest.raises(SourceError, match="same name"):
        read(tmp_path / "x.xlsx", packed.getvalue())


def test_a_protected_file_is_refused_with_that_reason(tmp_path: Path) -> None:
    """Marked in the zip file, or an xlsx file that Excel has encrypted into an old Office file."""
    protected = bytearray(zipped(BOOK))
    at = protected.index(b"PK\x01\x02")
    protected[at + 8] |= 1
    with pytest.raises(SourceError, match="password"):
        read(tmp_path / "x.xlsx", bytes(protected))
    with pytest.raises(SourceError, match="password"):
        read(tmp_path / "x.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2_000))


@pytest.mark.parametrize("content", [zipped(BOOK), zipped(TABLE)], ids=["xlsx", "ods"])
def test_a_file_that_is_cut_off_or_damaged_raises_our_own_exceptions(content: bytes, tmp_path: Path) -> None:
    """At every length, and with any byte changed; in bounded memory."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    damaged = [content[:length] for length in range(4, len(content), 7)]
    for at in range(0, len(content), 11):
        damaged += [content[:at] + bytes([content[at] ^ bit]) + content[at + 1 :] for bit in (1, 0x80, 0xFF)]
    for each in damaged:
        try:
            read(tmp_path / "damaged", each)
        except SafeImportError:
            continue
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
