"""Rejected rows keep their cells, run nothing in a spreadsheet, and are imported again as they are."""

from __future__ import annotations

import csv
import io
import re
import resource
import stat
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from safe_import.errors import SourceError
from safe_import.records import Problem
from safe_import.sources import BrokenRow, open_source
from safe_import.sources.csv_syntax import DELIMITERS
from safe_import.sources.escaping import as_text, as_value, escaped, unescaped
from safe_import.sources.rejects import REJECTS_COLUMNS, RejectsFile
from safe_import.sources.table_file import TableFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from safe_import.sources import Source

PROBLEM = Problem(2, "name", "too_long", "at most 5 characters")
RISKY = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"


def opened(path: Path, content: str) -> Source:
    """Write a file and open it."""
    path.write_text(content, encoding="utf-8", newline="")
    return open_source(path)


def rejected(folder: Path, source: Source, *lines: int) -> Path:
    """Reject some rows of a source."""
    with RejectsFile(folder / "rejects.csv", source) as file:
        file.fill((line, [PROBLEM]) for line in lines)
    return folder / "rejects.csv"


def rows(source: Source) -> list[Any]:
    """What a source yields, without the lines; broken rows as their codes."""
    return [cells.problem.code if isinstance(cells, BrokenRow) else list(cells) for _, cells in source.lines()]


def test_a_rejects_file_is_imported_as_it_is(tmp_path: Path) -> None:
    """The header and the cells are the original ones, whatever the delimiter was; the reason stands beside them."""
    source = opened(tmp_path / "people.csv", 'name;note\n=1+1;"a;""b""\nc"\nBob;\n\'=x; y \n')
    path = rejected(tmp_path, source, 2, 5)
    first = path.read_text(encoding="utf-8-sig").splitlines()[:2]
    assert first[0] == "safe_import_line;safe_import_reason;safe_import_run;name;note"
    assert first[1].startswith("2;name: at most 5 characters;;'=1+1;")
    again = open_source(path)
    assert again.header() == ["name", "note"]
    assert rows(again) == [["=1+1", 'a;"b"\nc'], ["'=x", " y "]]


def test_what_was_rejected_can_be_rejected_again(tmp_path: Path) -> None:
    """Apostrophes and columns of our own do not pile up."""
    source = opened(tmp_path / "people.csv", "name;note\n-Ada;@x\nBob;1\n")
    first = open_source(rejected(tmp_path, source, 2, 3))
    second = open_source(rejected(tmp_path, first, 2))
    assert (second.header(), rows(second)) == (["name", "note"], [["-Ada", "@x"]])


def test_a_row_that_is_not_corrected_is_refused_again(tmp_path: Path) -> None:
    """Short, long and broken rows do not become valid by having been written here; one too long says where it is."""
    content = 'name,note\nAda\nBob,1,2\n"Cid,3\n' + ",".join("x" * 2_000) + "\n"
    again = open_source(rejected(tmp_path, opened(tmp_path / "people.csv", content), 2, 3, 4, 5))
    assert rows(again) == [["Ada"], ["Bob", "1", "2"], ['"Cid,3'], "row_not_kept"]


@given(st.lists(st.text(st.sampled_from(RISKY + "'a ,;\"")), min_size=1))
def test_no_cell_is_run_by_a_spreadsheet_and_every_cell_comes_back(cells: list[str]) -> None:
    """A cell that a spreadsheet would run begins with an apostrophe; taking it away is exact."""
    for cell in cells:
        assert not escaped(cell).startswith(tuple(RISKY))
        assert unescaped(escaped(cell)) == cell


CELL = st.text(st.sampled_from(RISKY + "'a ,;|\""), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(written=st.sampled_from(DELIMITERS), row=st.tuples(CELL, CELL, CELL))
@example(written=",", row=('x;=HYPERLINK("x")', 'x;"=1"', "x\n=1"))
@example(written=";", row=("x, =1", "x\t@a", "|-1"))
def test_no_cell_is_run_where_a_spreadsheet_splits_the_file_by_another_delimiter(
    written: str, row: tuple[str, ...], tmp_path: Path
) -> None:
    """Whichever it takes, within our cells as well; and imported again, every cell is what it was."""
    path = tmp_path / "table.csv"
    path.unlink(missing_ok=True)
    with TableFile(path, "rejects file", [*REJECTS_COLUMNS, *"abcd"], written) as file:
        file.write([2, "reason", "", *row, "end"])
    with path.open(encoding="utf-8-sig", newline="") as stream:
        text = stream.read()
    for other in DELIMITERS:
        for line in csv.reader(io.StringIO(text, newline=""), delimiter=other):
            # A cell that begins with what ends one of ours goes on with the beginning of the next one.
            ended = "" if other == written else f"{written}\r\n"
            assert not [cell for cell in line if cell.lstrip(ended).startswith(tuple(RISKY))]
    assert rows(open_source(path, delimiter=written)) == [[*row, "end"]]


def test_values_that_are_nested_are_escaped_as_well() -> None:
    """JSON is split like any text."""
    value = {"a": ["x;=1", "=2", -3], "b": "x,'=1"}
    assert not re.search("[,;]=", as_text(value))
    assert as_value(as_text(value)) == value


def test_reasons_and_headers_are_escaped_as_well(tmp_path: Path) -> None:
    """They come from the file, too."""
    source = opened(tmp_path / "people.csv", "=name,note\nAda,1\n")
    with RejectsFile(tmp_path / "rejects.csv", source) as file:
        file.write(2, ["Ada", "1"], [Problem(2, "=name", "too_long", "at most 5")])
    written = list(csv.reader(io.StringIO((tmp_path / "rejects.csv").read_text(encoding="utf-8-sig"))))
    assert written == [
        ["safe_import_line", "safe_import_reason", "safe_import_run", "'=name", "note"],
        ["2", "'=name: at most 5", "", "Ada", "1"],
    ]
    assert open_source(tmp_path / "rejects.csv").header() == ["=name", "note"]


def test_it_belongs_to_its_owner_alone(tmp_path: Path) -> None:
    """The cells are people's data."""
    path = rejected(tmp_path, opened(tmp_path / "people.csv", "a,b\n1,2\n"), 2)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_without_rejected_rows_there_is_no_file(tmp_path: Path) -> None:
    """Neither under its name nor beside it."""
    rejected(tmp_path, opened(tmp_path / "people.csv", "a,b\n1,2\n"))
    assert [path.name for path in tmp_path.iterdir()] == ["people.csv"]


def test_an_earlier_rejects_file_is_kept(tmp_path: Path) -> None:
    """Somebody may be correcting it; importing it and rejecting into the same name works."""
    path = rejected(tmp_path, opened(tmp_path / "people.csv", "a,b\n1,2\n3,4\n"), 2, 3)
    corrected = open_source(path)
    rejected(tmp_path, corrected, 3)
    rejected(tmp_path, open_source(tmp_path / "people.csv"), 2)
    assert [rows(open_source(tmp_path / f"rejects{part}.csv")) for part in (".1", ".2", "")] == [
        [["1", "2"], ["3", "4"]],
        [["3", "4"]],
        [["1", "2"]],
    ]


def test_no_other_file_and_no_link_is_touched(tmp_path: Path) -> None:
    """The refusal comes before anything is imported."""
    source = opened(tmp_path / "people.csv", "a,b\n1,2\n")
    ours = rejected(tmp_path, source, 2)
    (tmp_path / "link.csv").symlink_to(ours)
    (tmp_path / "dangling.csv").symlink_to(tmp_path / "nowhere")
    for name in ("people.csv", "link.csv", "dangling.csv"):
        with pytest.raises(SourceError, match="is no rejects file"):
            RejectsFile(tmp_path / name, source)
    assert not (tmp_path / "nowhere").exists()


def test_what_appears_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    """A link planted after the check is not followed."""
    source = opened(tmp_path / "people.csv", "a,b\n1,2\n")
    victim = tmp_path / "victim"
    victim.write_text("precious")

    def reject_while_a_link_is_planted() -> None:
        with RejectsFile(tmp_path / "rejects.csv", source) as file:
            file.fill([(2, [PROBLEM])])
            (tmp_path / "rejects.csv").symlink_to(victim)

    with pytest.raises(SourceError, match="no rejects file"):
        reject_while_a_link_is_planted()
    assert victim.read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["people.csv", "rejects.csv", "victim"]


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    """Half a rejects file would look like a whole one."""
    source = opened(tmp_path / "people.csv", "a,b\n1,2\n")

    def reject_and_fail() -> None:
        with RejectsFile(tmp_path / "rejects.csv", source) as file:
            file.fill([(2, [PROBLEM])])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reject_and_fail()
    assert [path.name for path in tmp_path.iterdir()] == ["people.csv"]


@pytest.fixture
def small_disk() -> Iterator[None]:
    """No file may grow beyond a few bytes, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("count", [1, 5_000])
def test_a_full_disk_is_a_clear_error(count: int, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """While rows are written, or when the last of them are; nothing is left behind."""
    source = opened(tmp_path / "people.csv", "a,b\n1,2\n")
    request.getfixturevalue("small_disk")

    def reject_many() -> None:
        with RejectsFile(tmp_path / "rejects.csv", source) as file:
            for line in range(count):
                file.write(line, ["some", "cells"], [PROBLEM])

    with pytest.raises(SourceError, match="can't be written"):
        reject_many()
    assert [path.name for path in tmp_path.iterdir()] == ["people.csv"]


def test_a_folder_that_does_not_exist_is_a_clear_error(tmp_path: Path) -> None:
    """Before anything is imported."""
    source = opened(tmp_path / "people.csv", "a,b\n1,2\n")
    with (
        pytest.raises(SourceError, match="can't be written: No such file"),
        RejectsFile(tmp_path / "x" / "r.csv", source),
    ):
        pass


def test_a_line_on_which_no_row_starts_is_an_error(tmp_path: Path) -> None:
    """No rejected row is lost in silence."""
    source = opened(tmp_path / "people.csv", "a,b\n1,2\n")
    with pytest.raises(SourceError, match="no row starts on line 7"):
        rejected(tmp_path, source, 7)


def test_a_column_with_one_of_our_names_is_refused(tmp_path: Path) -> None:
    """It would stand there twice."""
    source = opened(tmp_path / "people.csv", "a,safe_import_line\n1,2\n")
    with pytest.raises(SourceError, match="reserved"):
        RejectsFile(tmp_path / "rejects.csv", source)
