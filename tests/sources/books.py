"""Spreadsheet files made by hand, so that they can be as odd as files of strangers are."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_RELATIONS = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
_OF_DOCUMENTS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
HEADER = '<row r="1"><c r="A1" t="str"><v>name</v></c><c r="B1" t="str"><v>size</v></c></row>'


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    """Pack parts into a zip file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return packed.getvalue()


def xlsx_parts(
    *sheets: str, strings: str = "", styles: str = "", since_1904: bool = False, hidden: tuple[int, ...] = ()
) -> dict[str, str | bytes]:
    """Return the parts of an xlsx file.

    Args:
        sheets: the rows of each sheet, as XML; they are called S1, S2 ...
        strings: the elements of the table of shared strings.
        styles: the elements ``numFmts`` and ``cellXfs``.
        since_1904: whether dates count from 1904.
        hidden: the numbers of the sheets that are not shown.
    """
    names = "".join(
        f'<sheet name="S{n}" sheetId="{n}" r:id="r{n}" state="{"hidden" if n in hidden else "visible"}"/>'
        for n in range(1, len(sheets) + 1)
    )
    related = "".join(
        f'<Relationship Id="r{n}" Type="{_OF_DOCUMENTS}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(sheets) + 1)
    )
    return {
        "_rels/.rels": f'<Relationships {_RELATIONS}><Relationship Id="w" Type="{_OF_DOCUMENTS}/officeDocument"'
        ' Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {_MAIN} xmlns:r="{_OF_DOCUMENTS}"><workbookPr date1904="{int(since_1904)}"/>'
        f"<sheets>{names}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f"<Relationships {_RELATIONS}>{related}"
        f'<Relationship Id="s" Type="{_OF_DOCUMENTS}/sharedStrings" Target="/xl/sharedStrings.xml"/>'
        f'<Relationship Id="y" Type="{_OF_DOCUMENTS}/styles" Target="styles.xml"/></Relationships>',
        "xl/sharedStrings.xml": f"<sst {_MAIN}>{strings}</sst>",
        "xl/styles.xml": f"<styleSheet {_MAIN}>{styles}</styleSheet>",
        **{
            f"xl/worksheets/sheet{n}.xml": f"<worksheet {_MAIN}><sheetData>{rows}</sheetData></worksheet>"
            for n, rows in enumerate(sheets, 1)
        },
    }


def ods_parts(*tables: str, styles: str = "") -> dict[str, str | bytes]:
    """Return the parts of an ods file; each table is the XML of its rows, and is called T1, T2 ..."""
    spaces = " ".join(
        f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{prefix}:1.0"'
        for prefix in ("office", "table", "text", "style")
    )
    content = "".join(
        f'<table:table table:name="T{n}" table:style-name="ta{n}">{rows}</table:table>'
        for n, rows in enumerate(tables, 1)
    )
    return {
        "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
        "content.xml": f'<office:document-content {spaces} xmlns:calcext="urn:org:documentfoundation:calcext">'
        f"<office:automatic-styles>{styles}</office:automatic-styles><office:body><office:spreadsheet>{content}"
        "</office:spreadsheet></office:body></office:document-content>",
    }
