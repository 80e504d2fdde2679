"""The formats of LibreOffice and of old Excel; and what LibreOffice writes in each of the formats is read alike."""

from __future__ import annotations

import datetime as dt
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import xlwt

from safe_import.errors import SafeImportError, SourceError
from safe_import.sources import BadCell, BrokenRow, open_source
from tests.sources.books import ods_parts, zipped

if TYPE_CHECKING:
    from pytest_django.fixtures import SettingsWrapper

MADE_BY_LIBREOFFICE = Path(__file__).parent.parent / "data" / "spreadsheets"
moment = dt.datetime.fromisoformat


def found(path: Path, **options: Any) -> list[Any]:
    """The header and the rows of a file; cells and rows without a value as their codes."""
    with open_source(path, **options) as source:
        return [source.header(), *((line, _codes(cells)) for line, cells in source.lines())]


def _codes(cells: Any) -> Any:
    if isinstance(cells, BrokenRow):
        return cells.problem.code
    return [cell.code if isinstance(cell, BadCell) else cell for cell in cells]


@pytest.mark.parametrize("suffix", ["xlsx", "ods", "xls"])
def test_what_libreoffice_writes_is_read_alike_in_every_format(suffix: str) -> None:
    """Stored values, not the shown ones; lines of the sheet; formulas by their results, errors as errors."""
    again = ["first  line\nsecond line", "0049 151", None, None, 7, 0, None]
    assert found(MADE_BY_LIBREOFFICE / f"people.{suffix}") == [
        ["name", "phone", "born", "seen", "ratio", "active", "sum"],
        (
            3,
            [
                'Jörg 東京 "quoted", & more',
                4915112345678,
                moment("1984-02-29"),
                moment("2024-01-31T17:30"),
                0.123456,
                1,
                3,
            ],
        ),
        (7, again),
        (8, again),
        (9, ["failed", None, None, None, None, None, "cell_error"]),
        (10, [5, 5, 5, 5, None, None, None]),
    ]


def test_what_libreoffice_writes_as_csv_is_read() -> None:
    """Quotes, line breaks in cells; rows of delimiters alone before the header are passed over."""
    header, *rows = found(MADE_BY_LIBREOFFICE / "people.csv")
    assert header == ["", "name", "phone", "born", "seen", "ratio", "active", "sum"]
    first = [
        "",
        'Jörg 東京 "quoted", & more',
        "4915112345678",
        "02/29/1984",
        "2024-01-31 17:30:00",
        "0.123456",
        "1",
        "3",
    ]
    assert [cells for _, cells in rows if any(cells)] == [
        first,
        *[["", "first  line\nsecond line", "0049 151", "", "", "7", "0", ""]] * 2,
        ["", "failed", "", "", "", "", "", "#DIV/0!"],
        ["", "5", "5", "5", "5", "", "", ""],
    ]


def cell(kind: str, attributes: str = "", text: str = "") -> str:
    """A cell of an ods file."""
    of_kind = f'office:value-type="{kind}"' if kind else ""
    return f"<table:table-cell {of_kind} {attributes}>{text}</table:table-cell>"


HEADER = "".join(cell("string", text=f"<text:p>{name}</text:p>") for name in "ab")
HEADER = f"<table:table-row>{HEADER}</table:table-row>"
ONES = cell("float", 'office:value="1" table:number-columns-repeated="{}"')
VALUES = {
    cell("float", 'office:value="3.14159"', "<text:p>3.14</text:p>"): 3.14159,
    cell("float", 'office:value="3"'): 3,
    cell("float", 'office:value="12345678901234567890"'): "too_many_digits",
    cell("float"): "not_a_number",
    cell("percentage", 'office:value="0.5"', "<text:p>50%</text:p>"): 0.5,
    cell("currency", 'office:value="9.99"', "<text:p>10</text:p>"): 9.99,
    cell("boolean", 'office:boolean-value="true"'): True,
    cell("date", 'office:date-value="2024-01-31"', "<text:p>1/31/24</text:p>"): moment("2024-01-31"),
    cell("date", 'office:date-value="2024-01-31T17:30:00"'): moment("2024-01-31T17:30"),
    cell("date", 'office:date-value="2024-02-30"'): "no_such_date",
    cell("time", 'office:time-value="PT17H30M00S"'): dt.time(17, 30),
    cell("time", 'office:time-value="PT36H00M00.5S"'): dt.timedelta(hours=36, milliseconds=500),
    cell("time", 'office:time-value="P1Y"'): "no_such_date",
    cell("string", text="<text:p>a<text:s text:c='2'/>b<text:tab/>c<text:line-break/>d</text:p>"): "a  b\tc\nd",
    cell("string", text="<text:p>a<text:span>b</text:span></text:p><text:p>c</text:p>"): "ab\nc",
    cell("string", text="<office:annotation><text:p>note</text:p></office:annotation><text:p>a</text:p>"): "a",
    cell("", 'table:formula="of:=1+1"'): "formula_without_value",
    cell("", 'table:formula="of:=&quot;&quot;"', "<text:p/>"): None,
    cell("float", 'table:formula="of:=1+1" office:value="2"', "<text:p>2</text:p>"): 2,
    cell("string", 'table:formula="of:=1/0" calcext:value-type="error"', "<text:p>#DIV/0!</text:p>"): "cell_error",
}


@pytest.mark.parametrize(("written", "value"), VALUES.items())
def test_a_cell_of_an_ods_file_has_the_value_that_is_stored(written: str, value: Any, tmp_path: Path) -> None:
    """And not the one that is shown."""
    row = f"<table:table-row>{cell('string', text='<text:p>x</text:p>')}{written}</table:table-row>"
    (tmp_path / "a.ods").write_bytes(zipped(ods_parts(HEADER + row)))
    assert found(tmp_path / "a.ods") == [["a", "b"], (2, ["x", value])]


def test_repeated_cells_and_rows_count_as_often_as_they_stand_there(tmp_path: Path) -> None:
    """A million blank ones cost nothing."""
    nothing = '<table:table-cell table:number-columns-repeated="16384"/>'
    blank = f'<table:table-row table:number-rows-repeated="{{}}">{nothing}</table:table-row>'
    seven = cell("float", 'office:value="7" table:number-columns-repeated="2"')
    rows = f'<table:table-row table:number-rows-repeated="2">{seven}</table:table-row>'
    outside = cell("", 'table:number-columns-repeated="16383"') + cell("float", 'office:value="1"')
    last = f"<table:table-row>{outside}</table:table-row>"
    content = ods_parts(HEADER + blank.format(3) + rows + blank.format(1_000_000) + last)
    (tmp_path / "a.ods").write_bytes(zipped(content))
    assert found(tmp_path / "a.ods") == [["a", "b"], (5, [7, 7]), (6, [7, 7]), (1_000_007, "outside_header")]


def test_a_cell_that_is_repeated_to_the_last_column_takes_no_memory(tmp_path: Path) -> None:
    """Two kilobytes that stand for ten million cells: rows are made one by one, and are errors of their own."""
    rows = f"<table:table-row>{ONES.format(16_384)}</table:table-row>" * 600
    (tmp_path / "a.ods").write_bytes(zipped(ods_parts(HEADER + rows)))
    tracemalloc.start()
    try:
        assert found(tmp_path / "a.ods") == [["a", "b"], *((line, "too_many_cells") for line in range(2, 602))]
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


def test_a_header_that_is_repeated_to_the_last_column_is_refused(tmp_path: Path) -> None:
    """By the limit that holds for every format."""
    rows = f'<table:table-row table:number-rows-repeated="1000000">{ONES.format(16_384)}</table:table-row>'
    (tmp_path / "a.ods").write_bytes(zipped(ods_parts(rows)))
    with pytest.raises(SourceError, match=r"more than 1,000 columns \(SAFE_IMPORT MAX_COLUMNS\)"):
        found(tmp_path / "a.ods")


def test_the_sheets_of_an_ods_file_are_chosen_like_those_of_others(tmp_path: Path) -> None:
    """The only one that is shown and holds something, or the one that is named."""
    hidden = '<style:style style:name="ta1"><style:table-properties table:display="false"/></style:style>'
    (tmp_path / "a.ods").write_bytes(zipped(ods_parts(HEADER, HEADER.replace(">a<", ">c<"), styles=hidden)))
    assert found(tmp_path / "a.ods") == [["c", "b"]]
    assert found(tmp_path / "a.ods", sheet="T1") == [["a", "b"]]
    (tmp_path / "a.ods").write_bytes(zipped(ods_parts(HEADER, HEADER)))
    with pytest.raises(SourceError, match=r"several sheets hold something \(T1, T2\)"):
        found(tmp_path / "a.ods")


@pytest.mark.parametrize(
    "rows",
    [
        '<table:table-row table:number-rows-repeated="99999999"/>',
        '<table:table-row table:number-rows-repeated="0"/>',
        f"<table:table-row>{ONES.format(16_385)}</table:table-row>",
        f"<table:table-row>{ONES.format(16_384) * 2}</table:table-row>",
        "<table:table/>",
        "<table:table-row>",
    ],
)
def test_an_ods_file_that_contradicts_itself_is_refused(rows: str, tmp_path: Path) -> None:
    """Nothing is repeated more often than a sheet has places."""
    (tmp_path / "a.ods").write_bytes(zipped(ods_parts(HEADER + rows)))
    with pytest.raises(SourceError, match=r"damaged.*save it anew"):
        found(tmp_path / "a.ods")


@pytest.mark.parametrize("since_1904", [False, True])
def test_the_epoch_of_an_xls_file_is_read_from_it(since_1904: bool, tmp_path: Path) -> None:
    """The same day, whichever number stands for it."""
    book = xlwt.Workbook()
    book.dates_1904 = since_1904
    sheet = book.add_sheet("Sheet1")
    sheet.write(0, 0, "born")
    sheet.write(1, 0, 41_000 if since_1904 else 42_462, xlwt.easyxf(num_format_str="YYYY-MM-DD"))
    book.save(tmp_path / "people.xls")
    assert found(tmp_path / "people.xls") == [["born"], (2, [moment("2016-04-02")])]


def test_an_xls_file_is_read_as_a_whole_up_to_a_size(settings: SettingsWrapper) -> None:
    """The error names the setting, and the formats that have no such limit."""
    path = MADE_BY_LIBREOFFICE / "people.xls"
    settings.SAFE_IMPORT = {"MAX_WHOLE_FILE_SIZE": path.stat().st_size - 1}
    with pytest.raises(SourceError, match=r"MAX_WHOLE_FILE_SIZE\); save it as csv, xlsx or jsonl"):
        found(path)


def test_a_damaged_xls_file_raises_our_own_exceptions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And prints nothing."""
    content = (MADE_BY_LIBREOFFICE / "people.xls").read_bytes()
    damaged = [content[:length] for length in range(8, len(content), 97)]
    for at in range(8, len(content), 29):
        damaged += [content[:at] + bytes([content[at] ^ bit]) + content[at + 1 :] for bit in (1, 0x80, 0xFF)]
    for each in damaged:
        (tmp_path / "damaged.xls").write_bytes(each)
        try:
            found(tmp_path / "damaged.xls")
        except SafeImportError:
            continue
    assert capsys.readouterr() == ("", "")
