"""Rejected rows of spreadsheets, JSON and YAML keep their values: as a sheet, or as text where that is exact."""

from __future__ import annotations

import datetime as dt
import stat
import tempfile
import zipfile
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import openpyxl
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safe_import.errors import SourceError
from safe_import.records import Problem
from safe_import.sources import BadCell, open_source
from safe_import.sources.given import GivenRows
from safe_import.sources.rejects import RejectsFile, default_name, parent_run
from tests.input_samples import TYPES, validated
from tests.sources.books import HEADER, xlsx_parts, zipped

if TYPE_CHECKING:
    from pathlib import Path

    from safe_import.sources import Source

RUN = "01JD7Q2V0G8K6F4XM2Q3T5R9WZ"
PROBLEM = Problem(1, "a", "wrong", "=not right")
moment = dt.datetime.fromisoformat


def again(path: Path, source: Source) -> tuple[Any, list[Any]]:
    """Reject every row of a source, and read the rejects file."""
    path.unlink(missing_ok=True)
    with RejectsFile(path, source, RUN) as file:
        file.fill((line, [PROBLEM]) for line, _ in source.lines())
    with open_source(path) as rejects:
        assert parent_run(rejects) == RUN
        return rejects.header(), [list(cells) for _, cells in rejects.lines()]


TEXTS = st.text(min_size=1).filter(str.strip)
NESTED = st.lists(st.integers() | TEXTS) | st.dictionaries(TEXTS, st.booleans() | TEXTS)
WRITABLE = st.characters(exclude_categories=["Cs"], exclude_characters="\0")  # which is an error in any csv file


@given(
    rows=st.lists(
        st.one_of(st.text(WRITABLE, min_size=1), NESTED).map(lambda value: {"a": "x", "b": value}), min_size=1
    ),
    suffix=st.sampled_from([".csv", ".xlsx"]),
)
def test_texts_and_nested_values_come_back_the_same(
    rows: list[dict[str, Any]], suffix: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever is in them: formulas, control characters, what looks like an escape of the format."""
    path = tmp_path_factory.getbasetemp() / f"rejects{suffix}"
    assert again(path, GivenRows(rows)) == (["a", "b"], [["x", row["b"]] for row in rows])


VALUES = [
    1,
    -(2**60),
    0.1,
    0.30000000000000004,
    1e20,
    Decimal("1.10"),
    True,
    "#N/A",
    "=1+1",
    "_x0041_",
    " a\r\n\tb\x01 ",
    "safe_import:bad:x",
    "'safe_import:json:[]",
]


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_numbers_and_texts_mean_the_same_to_every_type(suffix: str, tmp_path: Path) -> None:
    """A number that a sheet, or a text, can't hold exactly is never written as another one."""
    _, rows = again(tmp_path / f"rejects{suffix}", GivenRows([{"a": "x", "b": value} for value in VALUES]))
    for value, (_, found) in zip(VALUES, rows, strict=True):
        kind = "Boolean" if value is True else "Text" if isinstance(value, str) else "Number"
        assert validated(TYPES[kind], found).row.cell == validated(TYPES[kind], value).row.cell
        assert not isinstance(value, str) or found == value


def test_dates_of_a_sheet_stay_dates_in_a_sheet(tmp_path: Path) -> None:
    """And are texts that mean the same in csv."""
    cells = '<c r="A2" s="1"><v>45322</v></c><c r="B2" s="1"><v>45322.5</v></c>'
    styles = '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'
    (tmp_path / "a.xlsx").write_bytes(zipped(xlsx_parts(f'{HEADER}<row r="2">{cells}</row>', styles=styles)))
    with open_source(tmp_path / "a.xlsx") as source:
        assert default_name(source) == "a.rejects.xlsx"
        _, (sheet,) = again(tmp_path / "r.xlsx", source)
        _, (text,) = again(tmp_path / "r.csv", source)
    assert sheet == [moment("2024-01-31"), moment("2024-01-31T12:00")]
    assert text == ["2024-01-31 00:00:00", "2024-01-31 12:00:00"]
    for found in (sheet, text):
        assert validated(TYPES["Date"], found[0]).row.cell == dt.date(2024, 1, 31)
        moments = [validated(TYPES["DateTime"], each).row.cell.replace(tzinfo=None) for each in found]
        assert moments == sheet


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_a_cell_without_a_value_is_refused_again_until_it_has_one(suffix: str, tmp_path: Path) -> None:
    """A formula that failed does not become a text, nor a blank."""
    cells = '<c r="A2"><f>1+1</f></c><c r="B2" t="e"><v>#N/A</v></c>'
    (tmp_path / "a.xlsx").write_bytes(zipped(xlsx_parts(f'{HEADER}<row r="2">{cells}</row>')))
    with open_source(tmp_path / "a.xlsx") as source:
        _, (found,) = again(tmp_path / f"rejects{suffix}", source)
    assert [(type(cell), cell.code) for cell in found] == [(BadCell, "formula_without_value"), (BadCell, "cell_error")]


def test_a_sheet_of_rejects_is_private_and_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No formula in it; and no copy of its cells stays anywhere, whether it is published or not."""
    spool = tmp_path / "spool"
    spool.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spool))
    source = GivenRows([{"=a": "=1+1", "b": "@x"}])
    again(tmp_path / "r.xlsx", source)
    assert stat.S_IMODE((tmp_path / "r.xlsx").stat().st_mode) == 0o600
    cells = [cell for row in openpyxl.load_workbook(tmp_path / "r.xlsx").active.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} == {"s", "n"}
    assert [cell.value for cell in cells if cell.data_type == "n"] == [1]
    assert not any(cell.value.startswith(tuple("=+-@")) for cell in cells if cell.data_type == "s")
    with pytest.raises(SourceError, match="no row starts"), RejectsFile(tmp_path / "other.xlsx", source) as file:
        file.fill([(1, [PROBLEM]), (9, [PROBLEM])])
    assert list(spool.iterdir()) == []
    assert not (tmp_path / "other.xlsx").exists()


def test_an_earlier_sheet_of_rejects_is_kept_and_no_other_sheet_is_touched(tmp_path: Path) -> None:
    """A sheet of ours is known by its properties."""
    source = GivenRows([{"a": "x"}])
    for _ in range(2):
        with RejectsFile(tmp_path / "r.xlsx", source) as file:
            file.fill([(1, [PROBLEM])])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.1.xlsx", "r.xlsx"]
    openpyxl.Workbook().save(tmp_path / "other.xlsx")
    (tmp_path / "half.xlsx").write_bytes(b"PK\x03\x04")
    with zipfile.ZipFile(tmp_path / "zip.xlsx", "w"):
        pass
    for name in ("other.xlsx", "half.xlsx", "zip.xlsx"):
        with pytest.raises(SourceError, match="is no rejects file"):
            RejectsFile(tmp_path / name, source)


def test_a_text_that_no_sheet_can_hold_is_not_cut(tmp_path: Path) -> None:
    """The row is named by its line, and refused until it is taken from the original file."""
    source = GivenRows([{"a": "x" * 32_768}, {"a": "y"}])
    with RejectsFile(tmp_path / "r.xlsx", source) as file:
        file.fill([(1, [PROBLEM]), (2, [PROBLEM])])
    with open_source(tmp_path / "r.xlsx") as rejects:
        first, second = (cells for _, cells in rejects.lines())
    assert (first.problem.code, second) == ("row_not_kept", ["y"])


def test_a_page_is_no_rejects_file(tmp_path: Path) -> None:
    """It could not be imported again."""
    with pytest.raises(SourceError, match=r"name a \.csv or \.xlsx file"):
        RejectsFile(tmp_path / "r.html", GivenRows([{"a": 1}]))


def test_rejects_of_jsonl_are_imported_with_their_nested_values(tmp_path: Path) -> None:
    """And a line that was no JSON is refused again."""
    content = orjson.dumps({"a": [1, {"b": None}], "c": 1}) + b"\nnope\n"
    (tmp_path / "a.jsonl").write_bytes(content)
    with open_source(tmp_path / "a.jsonl") as source:
        assert default_name(source) == "a.rejects.csv"
        assert again(tmp_path / "r.csv", source) == (["a", "c"], [[[1, {"b": None}], "1"], ["nope"]])
