"""Sound files of every format, by which fuzzing begins: some that real programs wrote, and some of our own."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import yaml
import zstandard

from tests.sources.books import HEADER, ods_parts, xlsx_parts, zipped

if TYPE_CHECKING:
    from collections.abc import Mapping

_DATA = Path(__file__).parent.parent / "data"
CANARY = "c4n4ry"  # stands in cells, and so may be found in no message
_ROWS = [
    {"name": CANARY, "Email": "ada@example.org", "size": 1},
    {"name": 'Bob "B."', "Email": None, "size": -7},
    {"name": "=1+1", "Email": f"{CANARY}@example.org", "size": 9007199254740993},
    {"name": "Ēve 🎉\nß", "Email": "e@example.org", "size": 0},
]
_CSV = (
    f'name,Email,size\n{CANARY},ada@example.org,1\n"Bob ""B.""",,-7\n=1+1,{CANARY}@example.org,9007199254740993\n'
    '"Ēve 🎉\nß",e@example.org,\\N\n'
)
_SCRIPT = (
    f"// rows\nexport const rows: Row[] = [\n  {{name: '{CANARY}', 'Email': `ada@example.org`, size: 1.50}},\n"
    f'  {{name: "Bob \\"B.\\"", size: -7, tags: [1, "{CANARY}", {{deep: null}}]}}, /* {{ */\n] as const;\n'
)
_CELLS = (
    f'<c r="A2" t="inlineStr"><is><t>{CANARY}</t></is></c><c r="B2"><v>1</v></c>',
    '<c r="A3" t="s"><v>0</v></c><c r="B3" s="1"><v>45000.5</v></c>',
    f'<c r="A4" t="str"><f>A1</f><v>{CANARY}</v></c><c r="B4" t="e"><v>#N/A</v></c>',
    '<c t="b"><v>1</v></c><c s="2"><v>1.5</v></c>',
)
_SHEET = HEADER + "".join(f'<row r="{line}">{cells}</row>' for line, cells in enumerate(_CELLS, 2))
_STYLES = (
    '<numFmts><numFmt numFmtId="200" formatCode="[h]:mm"/></numFmts>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="200"/></cellXfs>'
)
_TABLE = "".join(
    f"<table:table-row{repeated}>{cells}</table:table-row>"
    for repeated, cells in (
        ("", "".join(f"<table:table-cell><text:p>{name}</text:p></table:table-cell>" for name in ("name", "size"))),
        (
            ' table:number-rows-repeated="2"',
            (
                f"<table:table-cell><text:p>{CANARY}<text:s text:c='2'/>x</text:p><text:p>y</text:p></table:table-cell>"
                '<table:table-cell office:value-type="float" office:value="1.5"><text:p>2</text:p></table:table-cell>'
            ),
        ),
        (
            "",
            (
                '<table:table-cell office:value-type="date" office:date-value="2024-02-29"/>'
                '<table:table-cell office:value-type="time" office:time-value="PT17H30M00S"/>'
            ),
        ),
        ("", '<table:table-cell table:number-columns-repeated="2" office:value-type="boolean"/>'),
    )
)


def _packed() -> dict[str, bytes]:
    text = _CSV.encode()
    return {
        "people.csv.gz": gzip.compress(text, mtime=0),
        "people.csv.zst": zstandard.compress(text),
        "two.csv.zst": zstandard.compress(text) + zstandard.ZstdCompressor(write_checksum=True).compress(b"x,y,1\n"),
    }


def samples() -> Mapping[str, bytes]:
    """Sound files by their names, whose suffixes tell the format."""
    spreadsheets = {path.name: path.read_bytes() for path in sorted((_DATA / "spreadsheets").glob("people.[cxo]*"))}
    return {
        **spreadsheets,
        "users.csv": (_DATA / "people" / "users.csv").read_bytes(),
        "sample.csv": _CSV.encode(),
        "utf16.csv": _CSV.encode("utf-16"),
        "sample.tsv": _CSV.replace(",", "\t").encode(),
        "sample.json": orjson.dumps(_ROWS),
        "sample.jsonl": b"\n".join(map(orjson.dumps, _ROWS)),
        "sample.yaml": yaml.safe_dump(_ROWS, allow_unicode=True).encode(),
        "sample.ts": _SCRIPT.encode(),
        "sample.xlsx": zipped(xlsx_parts(_SHEET, strings="<si><t>shared</t></si>", styles=_STYLES)),
        "sample.ods": zipped(ods_parts(_TABLE)),
        **_packed(),
    }
