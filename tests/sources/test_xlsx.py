"""Excel files: every value comes as it is stored, what is no value is an error of its row, and nothing is padded."""

from __future__ import annotations

import datetime as dt
import tracemalloc
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safe_import.errors import SourceError, UsageError
from safe_import.sources import BadCell, BrokenRow, open_source
from tests.sources.books import HEADER, xlsx_parts, zipped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_django.fixtures import SettingsWrapper

    from safe_import.sources import Source

moment = dt.datetime.fromisoformat
DATES = '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="46"/><xf numFmtId="31"/></cellXfs>'


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Any]:
    """Writes an xlsx file of the given sheets and opens it."""
    with ExitStack() as stack:

        def write(*sheets: str, sheet: str | None = None, **options: Any) -> Source:
            path = tmp_path / "people.xlsx"
            path.write_bytes(zipped(xlsx_parts(*sheets, **options)))
            return stack.enter_context(open_source(path, sheet=sheet))

        yield write


def found(source: Source) -> list[Any]:
    """What a source yields; cells and rows that have no value as their codes."""
    return [
        (line, cells.problem.code if isinstance(cells, BrokenRow) else [_code(cell) for cell in cells])
        for line, cells in source.lines()
    ]


def _code(cell: Any) -> Any:
    return cell.code if isinstance(cell, BadCell) else cell


def row(*cells: str, line: int = 2) -> str:
    """A row of cells, each given as its attributes and content."""
    return f'<row r="{line}">{"".join(f"<c {cell}</c>" for cell in cells)}</row>'


VALUES = {
    't="n"><v>1</v>': 1,
    "><v>-12.5</v>": -12.5,
    "><v>3.0</v>": 3,
    "><v>1E3</v>": 1000,
    "><v>4915112345678</v>": 4915112345678,
    "><v>1.1000000000000001</v>": 1.1,
    "><v>12345678901234567890</v>": "too_many_digits",
    "><v>1e400</v>": "not_a_number",
    "><v>nan</v>": "not_a_number",
    "><v>1_000</v>": "not_a_number",
    't="b"><v>1</v>': True,
    't="b"><v>0</v>': False,
    't="str"><v>text</v>': "text",
    't="str"><v>_x0041__x000D_\n_x005F_x0041_</v>': "A\r\n_x0041_",
    't="str"><v>_xD83D__xDE00_</v>': "😀",
    't="str"><v>_xD83D_</v>': "not_text",
    't="inlineStr"><is><r><t>rich </t></r><r><t>text</t></r></is>': "rich text",
    't="s"><v>0</v>': "東京",
    't="s"><v>1</v>': " a\nb ",
    't="e"><v>#DIV/0!</v>': "cell_error",
    't="d"><v>2024-01-31T10:30:00</v>': moment("2024-01-31T10:30"),
    "><f>1+1</f><v>2</v>": 2,
    't="str"><f>"a"</f><v>a</v>': "a",
    't="str"><f>""</f><v></v>': None,
    "><f>1+1</f>": "formula_without_value",
    "><f>1+1</f><v/>": "formula_without_value",
    't="e"><f>1/0</f><v>#DIV/0!</v>': "cell_error",
    's="1"><v>45322</v>': moment("2024-01-31"),
    's="1"><v>45322.4375</v>': moment("2024-01-31T10:30"),
    's="1"><v>45322.708333333336</v>': moment("2024-01-31T17:00"),
    's="3"><v>45322</v>': moment("2024-01-31"),
    's="1"><v>1</v>': "ambiguous_date",
    's="1"><v>60</v>': "ambiguous_date",
    's="1"><v>61</v>': moment("1900-03-01"),
    's="1"><v>-1</v>': "ambiguous_date",
    's="1"><v>2958466</v>': "no_such_date",
    's="1"><v>1.5e15</v>': "no_such_date",
    's="1"><v>0.5</v>': dt.time(12),
    's="2"><v>1.5</v>': dt.timedelta(hours=36),
    's="2"><v>1e15</v>': "no_such_date",
}
STRINGS = '<si><t>東京</t><rPh sb="0" eb="2"><t>トウキョウ</t></rPh></si><si><t xml:space="preserve"> a\nb </t></si>'


@pytest.mark.parametrize(("cell", "value"), VALUES.items())
def test_a_cell_has_the_value_that_is_stored_or_is_an_error(cell: str, value: Any, book: Any) -> None:
    """Never the empty text in the place of a formula or an error, never a number that was rounded."""
    source = book(HEADER + row('r="A2" t="str"><v>x</v>', f'r="B2" {cell}'), strings=STRINGS, styles=DATES)
    assert found(source) == [(2, ["x", value])]


def test_the_epoch_is_read_from_the_file(book: Any) -> None:
    """The same number is a date four years and a day later in a file of an old Mac."""
    cells = [f'r="{column}2" s="1"><v>{serial}</v>' for column, serial in (("A", 43860), ("B", 60))]
    source = book(HEADER + row(*cells), styles=DATES, since_1904=True)
    assert found(source) == [(2, [moment("2024-01-31"), moment("1904-03-01")])]


def test_blank_rows_and_columns_before_the_header_are_passed_over(book: Any) -> None:
    """Lines stay those of the sheet."""
    blanks = '<row r="1"/><row r="2"><c r="B2" s="1"/><c r="C2" t="str"><v>  </v></c></row>'
    header = row('r="C4" t="str"><v>name</v>', 'r="D4" t="str"><v>size</v>', line=4)
    source = book(blanks + header + row('r="D7"><v>1</v>', line=7), styles=DATES)
    assert (source.header_line, source.header(), found(source)) == (4, ["name", "size"], [(7, [None, 1])])


def test_a_value_beside_the_header_is_an_error_of_its_row(book: Any) -> None:
    """It may be a note, or a column that somebody forgot to name."""
    source = book(HEADER + row('r="A2"><v>1</v>', 'r="C2" t="str"><v> </v>') + row('r="D3"><v>1</v>', line=3))
    assert found(source) == [(2, [1, None]), (3, "outside_header")]


def test_one_cell_in_the_farthest_corner_costs_nothing(book: Any) -> None:
    """It does not make a table of seventeen thousand million cells."""
    source = book(HEADER + row('r="A2"><v>1</v>') + row('r="XFD1048576"><v>1</v>', line=1_048_576))
    tracemalloc.start()
    try:
        assert found(source) == [(2, [1, None]), (1_048_576, "outside_header")]
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_a_million_rows_of_nothing_are_no_rows_and_take_no_memory(book: Any) -> None:
    """Spreadsheets leave them behind where somebody formatted a column."""
    phantoms = "".join(f'<row r="{line}"><c r="A{line}" s="1"/></row>' for line in range(2, 300_002))
    source = book(HEADER + phantoms + row('r="A300002"><v>1</v>', line=300_002), styles=DATES)
    tracemalloc.start()
    try:
        assert found(source) == [(300_002, [1, None])]
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_the_only_sheet_that_holds_something_is_read(book: Any) -> None:
    """Empty and hidden sheets are passed over; of several that hold something one is named."""
    blank = '<row r="3"><c r="A3" t="str"><v> </v></c></row>'
    other = HEADER.replace("name", "other")
    assert book("", blank, HEADER).header() == ["name", "size"]
    assert book(HEADER, other, hidden=(1,)).header() == ["other", "size"]
    with pytest.raises(SourceError, match=r"several sheets hold something \(S1, S2\); name one \(--sheet\)"):
        book(HEADER, other)
    assert book(HEADER, other, sheet="S2").header() == ["other", "size"]
    assert book(HEADER, other, hidden=(1,), sheet="S1").header() == ["name", "size"]
    with pytest.raises(UsageError, match="no sheet is called 'S3'; it has S1, S2"):
        book(HEADER, other, sheet="S3")
    for empty in (book, lambda *sheets: book(*sheets, sheet="S1")):
        with pytest.raises(SourceError, match="empty"):
            empty(blank)


def test_a_header_may_be_numbers_and_dates_but_no_error(book: Any) -> None:
    """They are called as they are written."""
    dated = row('r="A1"><v>2024</v>', 'r="C1" s="1"><v>45322</v>', line=1)
    assert book(dated, styles=DATES).header() == ["2024", "", "2024-01-31T00:00:00"]
    with pytest.raises(SourceError, match="line 1, column B: the header can't be read"):
        book(row('r="A1"><v>1</v>', 'r="B1"><f>A1</f>', line=1))


@pytest.mark.parametrize(
    "rows",
    [
        row('r="A2"><v>1</v>', line=2) + row('r="A1"><v>1</v>', line=1),
        row('r="A2"><v>1</v>') + row('r="A2"><v>1</v>'),
        row('r="A2"><v>1</v>', 'r="A2"><v>2</v>'),
        row('r="A1048577"><v>1</v>', line=1_048_577),
        row('r="XFE2"><v>1</v>'),
        row('r="2"><v>1</v>'),
        row('r="A2" t="s"><v>7</v>'),
        row('r="A2" t="s"><v>-1</v>'),
        row('r="A2" s="99"><v>1</v>'),
        '<row r="x"/>',
        "<row>",
    ],
)
def test_a_sheet_that_contradicts_itself_is_refused(rows: str, book: Any) -> None:
    """Which of two cells in one place is meant, nobody can tell."""
    with pytest.raises(SourceError, match=r"damaged.*save it anew"):
        list(book(HEADER + rows, styles=DATES).lines())


def test_cells_without_references_stand_one_after_the_other(book: Any) -> None:
    """Some programs leave them out."""
    source = book("<row><c t='str'><v>a</v></c><c t='str'><v>b</v></c></row><row><c><v>1</v></c><c><v>2</v></c></row>")
    assert (source.header(), found(source)) == (["a", "b"], [(2, [1, 2])])


def test_a_cell_beyond_the_limit_is_an_error_of_its_row(book: Any, settings: SettingsWrapper) -> None:
    """Whether its text stands in the cell or in the table of texts."""
    settings.SAFE_IMPORT = {"MAX_CELL_LENGTH": 10}
    cells = ['r="A2" t="s"><v>0</v>', f'r="B2" t="str"><v>{"x" * 11}</v>']
    source = book(HEADER + row(*cells), strings=f"<si><t>{'x' * 11}</t></si>")
    assert found(source) == [(2, ["cell_too_long", "cell_too_long"])]


def test_many_texts_do_not_lie_in_memory(book: Any) -> None:
    """The table of texts of a large file would fill it."""
    count = 50_000
    strings = "".join(f"<si><t>{number:0100}</t></si>" for number in range(count))
    rows = "".join(f'<row r="{2 + n}"><c r="A{2 + n}" t="s"><v>{n}</v></c></row>' for n in range(count))
    source = book(HEADER + rows, strings=strings)
    tracemalloc.start()
    try:
        assert all(cells == [f"{line - 2:0100}", None] for line, cells in source.lines())
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()


CELLS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20),
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(min_value=-1e15, max_value=1e15).map(lambda number: float(f"{number:.16g}")),  # openpyxl writes no more
    st.booleans(),
    st.dates(min_value=dt.date(1900, 3, 1)),
)


@given(table=st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=5))
def test_what_openpyxl_writes_is_read_back_the_same(
    table: list[list[Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Every value; a whole number comes as an integer, a day with its first moment, a formula is refused."""
    path = tmp_path_factory.getbasetemp() / "written.xlsx"
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.append(["a", "b", "c"])
    for cells in table:
        sheet.append(cells)
    workbook.save(path)
    with open_source(path) as source:
        rows = dict(found(source))
    for line, cells in enumerate(table, 2):
        assert rows.get(line, [None] * 3) == [_as_stored(cell) for cell in cells]


def _as_stored(cell: Any) -> Any:
    """What a cell comes to that openpyxl has written."""
    if isinstance(cell, str):
        if cell.startswith("=") and len(cell) > 1:
            return "formula_without_value"
        return _errors(cell) or cell or None
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    return dt.datetime.combine(cell, dt.time()) if isinstance(cell, dt.date) else cell


def _errors(cell: str) -> str | None:
    errors = ("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A")
    return "cell_error" if cell in errors else None
