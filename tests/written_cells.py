"""Writes one cell in every format, as the table of formats and kinds of values in ``docs/input.md`` has it.

For text formats a cell is written as it stands in the file. For spreadsheets it is a kind and a value: ``number 1.5``,
``text 1.5``, ``date 2024-01-31``, ``datetime ...``, ``time 17:30``, ``duration 36:30``, ``boolean true``, ``error``,
``formula`` (one that was never calculated) or ``empty``.
"""

from __future__ import annotations

import datetime as dt
import gzip
import io
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import openpyxl
import xlwt
import zstandard

from tests.sources.books import ods_parts, zipped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HEADER = ("key", "cell")
_ERROR = "#DIV/0!"


def file_of(suffix: str, cell: str) -> bytes:
    """Return a file of one row with this cell beside its key.

    Args:
        suffix: of the format, without a dot; ``.gz`` and ``.zst`` pack what stands before them.
        cell: as the document writes it.
    """
    inner, _, packed = suffix.partition(".")
    return _PACKED[packed](_FORMATS[inner](cell))


def packed_as(suffix: str, text: bytes) -> bytes:
    """Return a file with the cells of a delimited text; the text itself for a format that is not packed."""
    if suffix == ".ods":
        lines = [line.split(",") for line in text.decode().splitlines()]
        rows = ("".join(f"<table:table-cell>{_ods_text(cell)}</table:table-cell>" for cell in line) for line in lines)
        return zipped(ods_parts("".join(f"<table:table-row>{row}</table:table-row>" for row in rows)))
    return _PACKED.get(suffix.removeprefix("."), bytes)(text)


def _delimited(delimiter: str) -> Callable[[str], bytes]:
    return lambda cell: f"{delimiter.join(HEADER)}\nk{delimiter}{cell}\n".encode()


def _json(cell: str) -> bytes:
    return f'[\n{{"key": "k", "cell": {cell}}}\n]'.encode()


def _jsonl(cell: str) -> bytes:
    return f'{{"key": "k", "cell": {cell}}}\n'.encode()


def _yaml(cell: str) -> bytes:
    return f"- key: k\n  cell: {cell}\n".encode()


def _typescript(cell: str) -> bytes:
    return f'export const rows: Row[] = [\n  {{key: "k", cell: {cell}}},\n];\n'.encode()


# -- spreadsheets


def _value(cell: str) -> tuple[str, Any]:
    """The kind of a cell, and its value."""
    kind, _, written = cell.partition(" ")
    reading: Mapping[str, Callable[[str], Any]] = {
        "number": lambda text: float(text) if set(text) & set(".e") else int(text),
        "date": dt.datetime.fromisoformat,
        "datetime": dt.datetime.fromisoformat,
        "time": dt.time.fromisoformat,
        "duration": lambda text: dt.timedelta(hours=int(text[:-3]), minutes=int(text[-2:])),
        "boolean": lambda text: text == "true",
        "text": str,
    }
    return kind, reading[kind](written) if written else None


def _xlsx(cell: str) -> bytes:
    book, packed = openpyxl.Workbook(), io.BytesIO()
    kind, value = _value(cell)
    book.active.append(HEADER)
    book.active.append(("k", {"error": _ERROR, "formula": "=1+1"}.get(kind, value)))
    if kind == "text":
        book.active.cell(2, 2).data_type = "s"  # also where it looks like a formula
    book.save(packed)
    return packed.getvalue()


_LAYOUTS = {"date": "YYYY-MM-DD", "datetime": "YYYY-MM-DD HH:MM", "time": "HH:MM", "duration": "[h]:mm"}


def _xls(cell: str) -> bytes:
    book, packed = xlwt.Workbook(), io.BytesIO()
    sheet, (kind, value) = book.add_sheet("Sheet1"), _value(cell)
    for at, name in enumerate(HEADER):
        sheet.write(0, at, name)
    sheet.write(1, 0, "k")
    if kind == "error":
        sheet.row(1).set_cell_error(1, _ERROR)
    elif kind == "duration":
        sheet.write(1, 1, value / dt.timedelta(days=1), xlwt.easyxf(num_format_str=_LAYOUTS[kind]))
    elif kind != "empty":
        sheet.write(1, 1, value, xlwt.easyxf(num_format_str=_LAYOUTS.get(kind, "General")))
    book.save(packed)
    return packed.getvalue()


def _ods(cell: str) -> bytes:
    kind, value = _value(cell)
    rows = "".join(
        f"<table:table-row><table:table-cell><text:p>{first}</text:p></table:table-cell>{second}</table:table-row>"
        for first, second in ((HEADER[0], _ods_cell("text", HEADER[1])), ("k", _ods_cell(kind, value)))
    )
    return zipped(ods_parts(rows))


def _ods_text(text: str) -> str:
    return f"<text:p>{escape(text)}</text:p>"


def _ods_cell(kind: str, value: Any) -> str:
    written: Mapping[str, Callable[[], str]] = {
        "number": lambda: f'office:value-type="float" office:value="{value!r}"',
        "date": lambda: f'office:value-type="date" office:date-value="{value.date().isoformat()}"',
        "datetime": lambda: f'office:value-type="date" office:date-value="{value.isoformat()}"',
        "time": lambda: f'office:value-type="time" office:time-value="{value:PT%HH%MM%SS}"',
        "duration": lambda: f'office:value-type="time" office:time-value="{_iso(value)}"',
        "boolean": lambda: f'office:value-type="boolean" office:boolean-value="{str(value).lower()}"',
        "error": lambda: f'table:formula="of:=NA()" calcext:value-type="error" office:string-value="{_ERROR}"',
        "formula": lambda: 'table:formula="of:=1+1"',
        "text": lambda: 'office:value-type="string"',
        "empty": lambda: "",
    }
    text = _ods_text(value) if kind == "text" else ""
    return f"<table:table-cell {written[kind]()}>{text}</table:table-cell>"


def _iso(length: dt.timedelta) -> str:
    hours, rest = divmod(length, dt.timedelta(hours=1))
    return f"PT{hours:02}H{rest.seconds // 60:02}M00S"


_PACKED: Mapping[str, Callable[[bytes], bytes]] = {"": bytes, "gz": gzip.compress, "zst": zstandard.compress}
_FORMATS: Mapping[str, Callable[[str], bytes]] = {
    "csv": _delimited(","),
    "tsv": _delimited("\t"),
    "json": _json,
    "jsonl": _jsonl,
    "yaml": _yaml,
    "ts": _typescript,
    "xlsx": _xlsx,
    "ods": _ods,
    "xls": _xls,
}
