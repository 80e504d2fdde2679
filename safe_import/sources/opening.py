"""From a path to a source. The format is told by its content, and by its name where that leaves a choice."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from django.utils.module_loading import import_string

from safe_import.conf import conf
from safe_import.errors import SettingsError, SourceError, UsageError
from safe_import.sources.compressed import name_inside, unpacked
from safe_import.sources.csv import CsvSource
from safe_import.sources.input_file import InputFile
from safe_import.sources.json import JsonLinesSource, JsonSource
from safe_import.sources.ods import OdsBook
from safe_import.sources.rejects import RejectsSource, is_rejects
from safe_import.sources.sheets import SheetSource
from safe_import.sources.text_file import TextFile
from safe_import.sources.xls import XlsBook
from safe_import.sources.xlsx import XlsxBook
from safe_import.sources.yaml import YamlSource
from safe_import.sources.zip_file import ZipParts

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from safe_import.sources.base import ByteFile, Source

# What begins like this is neither text nor a sheet; as text it would only give an obscure error about its encoding.
_REFUSED = {
    b"%PDF": "a PDF",
    b"\x1f\x8b": "a gzip file",
    b"\x28\xb5\x2f\xfd": "a zstandard file",
    b"SQLi": "an SQLite database",
}
_ZIP, _OLD_OFFICE = (b"PK\x03\x04", b"PK\x05\x06"), b"\xd0\xcf\x11\xe0"
_HEAD = 4096  # characters by which a text is recognised
_JSON_LIST, _JSON_OBJECT = re.compile(r"\s*\[\s*(?:[{\]]|$)"), re.compile(r"\s*\{\s*(?:[\"}]|$)")
_YAML = re.compile(r"(?:\s*#[^\n]*\n)*\s*(?:%YAML|---(?:\s|$)|- +[^\s,;|:][^,;|\t\n:]*:(?:\s|$))")
_MARKUP = re.compile(r"\s*<(?:!doctype|\?xml|html|table)", re.IGNORECASE)
_KEYED: dict[str, type[JsonSource | JsonLinesSource | YamlSource]] = {
    "json": JsonSource,
    "jsonl": JsonLinesSource,
    "yaml": YamlSource,
}


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What the user said of the file."""

    encoding: str | None
    delimiter: str | None
    sheet: str | None

    def refuse(self, label: str, *names: str) -> None:
        """Refuse an option that means nothing for the format of the file, rather than ignore it."""
        for name in names:
            if getattr(self, name) is not None:
                raise UsageError(f"{label}: --{name} means nothing for a file of this format; leave it out.")


def open_source(
    path: str | os.PathLike[str],
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
) -> Source:
    """Open a file of rows. Close it, or use it as a context manager.

    Args:
        path: of the file, or ``-`` for standard input.
        encoding: of text that is not UTF-8 and has no byte order mark.
        delimiter: one character, or ``tab``; found in the header unless given.
        sheet: the name of a sheet, where several hold something.

    Raises:
        SourceError: the file can't be read, or is of a format that nobody here knows.
        UsageError: an option can't be worked with.
    """
    file = InputFile(path)
    try:
        source = _source(file, _Chosen(encoding, delimiter, sheet))
        return RejectsSource(source) if is_rejects(source.header()) else source
    except BaseException:
        file.close()
        raise


def _source(file: InputFile, chosen: _Chosen) -> Source:
    own = conf().FORMATS.get(PurePath(file.label).suffix.lower())
    if own is not None:
        chosen.refuse(file.label, "encoding", "delimiter", "sheet")
        return _opened_by(own, file)
    head = file.head(4)
    if head.startswith(_ZIP):
        chosen.refuse(file.label, "encoding", "delimiter")
        return SheetSource(file, _book(ZipParts(file)), chosen.sheet)
    if head == _OLD_OFFICE:
        chosen.refuse(file.label, "encoding", "delimiter")
        return SheetSource(file, XlsBook(file), chosen.sheet)
    chosen.refuse(file.label, "sheet")
    return _text_source(unpacked(file), chosen)


def _opened_by(dotted: str, file: InputFile) -> Source:
    """Let the project open a file of a format of its own."""
    try:
        open_file: Callable[[ByteFile], Source] = import_string(dotted)
    except ImportError as error:
        raise SettingsError(f"SAFE_IMPORT FORMATS names {dotted}, which can't be imported.") from error
    return open_file(file)


def _book(parts: ZipParts) -> XlsxBook | OdsBook:
    if "xl/workbook.bin" in parts:
        raise parts.error("this is a binary workbook (xlsb); save it as xlsx")
    if "content.xml" in parts:
        return OdsBook(parts)
    if "_rels/.rels" in parts:
        return XlsxBook(parts)
    raise parts.error("this is a zip file, but neither xlsx nor ods; unpack it, or pack a text file with gzip")


def _text_source(file: ByteFile, chosen: _Chosen) -> Source:
    head = file.head(6)
    for mark, name in {**_REFUSED, **dict.fromkeys(_ZIP, "a zip file"), _OLD_OFFICE: "an old Office file"}.items():
        if head.startswith(mark):
            raise SourceError(f"{file.label}: this is {name}, not delimited text; save it as csv")
    kind = _kind(file, chosen.encoding)
    if kind == "csv":
        return CsvSource(file, encoding=chosen.encoding, delimiter=chosen.delimiter)
    chosen.refuse(file.label, "delimiter")
    return _KEYED[kind](file, encoding=chosen.encoding)


def _kind(file: ByteFile, encoding: str | None) -> str:
    """What kind of text it is: by how it begins, else by its name."""
    with TextFile(file, encoding).reading() as text:
        head = text.read(_HEAD)
    suffix = PurePath(name_inside(file.label)).suffix.lower()
    if _MARKUP.match(head):
        raise SourceError(f"{file.label}: this is HTML or XML, whatever its name says; save it as csv or xlsx")
    if _JSON_LIST.match(head):
        return "json"
    if _JSON_OBJECT.match(head):
        return "jsonl"
    if _YAML.match(head):
        return "yaml"
    by_name = {".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl", ".yaml": "yaml", ".yml": "yaml"}
    return by_name.get(suffix, "csv")
