"""Excel's format.

# Note [Own sheet reader]

Sheets are read by our own handler, a cell at a time. openpyxl gives for a formula that was never calculated what it
gives for an empty cell, keeps every text and every row element in memory, and pads rows and columns up to the farthest
cell. All of it matters here. What number formats mean is taken from it.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format

from safe_import.sources.shared_strings import SharedStrings
from safe_import.sources.xlsx_sheet import Kind, SheetHandler
from safe_import.sources.xml_stream import XmlHandler, chunks, starts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from safe_import.sources.sheets import SheetRow
    from safe_import.sources.zip_file import ZipParts

_TRUE = ("1", "true", "on")
_EAST_ASIAN_DATES = {*range(27, 37), *range(50, 59)}  # built in, but not known to openpyxl


@dataclass(frozen=True, slots=True)
class _Related:
    """A part that another one names."""

    kind: str
    path: str


class XlsxBook:
    """The sheets of an xlsx file, in constant memory.

    Args:
        parts: the file, unpacked.

    Raises:
        SourceError: it is damaged.
    """

    def __init__(self, parts: ZipParts) -> None:
        self._parts = parts
        workbook = next((part.path for part in _related(parts, "").values() if part.kind == "officeDocument"), "")
        related = _related(parts, workbook)
        self._paths: dict[str, str] = {}
        self._shown: dict[str, bool] = {}
        self._since_1904 = False
        for name, attributes in starts(parts, workbook):
            if name == "sheet":
                self._add_sheet(attributes, related)
                parts.limit(workbook, len(self._shown), "sheets")
            elif name == "workbookPr":
                self._since_1904 = attributes.get("date1904") in _TRUE
        by_kind = {part.kind: part.path for part in related.values()}
        self._kinds = _kinds_of_styles(parts, by_kind["styles"]) if "styles" in by_kind else []
        self._strings = SharedStrings(parts, by_kind.get("sharedStrings"))

    def sheets(self) -> Mapping[str, bool]:
        """Return the names of the sheets, and whether each is shown."""
        return self._shown

    def rows(self, sheet: str) -> Iterator[SheetRow]:
        """Yield the rows of a sheet that hold something."""
        handler = SheetHandler(self._strings, self._kinds, self._since_1904)
        for _ in chunks(self._parts, self._paths[sheet], handler):
            yield from handler.rows
            handler.rows.clear()

    def close(self) -> None:
        """Remove what was spooled."""
        self._strings.close()

    def _add_sheet(self, attributes: Mapping[str, str], related: Mapping[str, _Related]) -> None:
        identifier = next((value for name, value in attributes.items() if name.endswith(":id")), "")
        part, sheet = related.get(identifier), attributes.get("name", "")
        if part is not None and part.kind == "worksheet":  # and no sheet that is a chart
            self._paths[sheet] = part.path
            self._shown[sheet] = attributes.get("state", "visible") == "visible"


def _related(parts: ZipParts, part: str) -> dict[str, _Related]:
    """The parts that ``part`` names, by the id it gives them; those of the file as a whole for no part."""
    folder, name = posixpath.split(part)
    path = posixpath.join(folder, "_rels", f"{name}.rels")
    found = {}
    for element, attributes in starts(parts, path):
        if element == "Relationship" and attributes.get("TargetMode") != "External":
            target = posixpath.normpath(posixpath.join("/", folder, attributes.get("Target", "")))
            kind = attributes.get("Type", "").rpartition("/")[2]
            found[attributes.get("Id", "")] = _Related(kind, target.lstrip("/"))
            parts.limit(path, len(found), "relations")
    return found


class _Styles(XmlHandler):
    """Gathers the number format of every style."""

    def __init__(self) -> None:
        self.formats: dict[int, str] = {}
        self.of_styles: list[int] = []
        self._within = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name in ("numFmts", "cellXfs"):
            self._within = name
        elif name == "numFmt" and self._within == "numFmts":
            self.formats[int(attributes["numFmtId"])] = attributes.get("formatCode", "")
        elif name == "xf" and self._within == "cellXfs":
            self.of_styles.append(int(attributes.get("numFmtId", "0")))

    def end(self, name: str) -> None:
        if name == self._within:
            self._within = ""


def _kinds_of_styles(parts: ZipParts, path: str) -> list[Kind]:
    """What the numbers of cells are under each style."""
    styles = _Styles()
    for _ in chunks(parts, path, styles):
        parts.limit(path, max(len(styles.formats), len(styles.of_styles)), "styles")
    return [_kind(identifier, styles.formats) for identifier in styles.of_styles]


def _kind(identifier: int, own: Mapping[int, str]) -> Kind:
    layout = own.get(identifier, BUILTIN_FORMATS.get(identifier))
    if layout is None:
        return "date" if identifier in _EAST_ASIAN_DATES else "number"
    if is_timedelta_format(layout):
        return "duration"
    return "date" if is_date_format(layout) else "number"
