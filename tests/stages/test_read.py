"""Reading loses no row and invents none. What single files mean stands in ``docs/input.md``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import Field

from safe_import.errors import SourceError, SpecError
from safe_import.sources import open_source
from safe_import.sources.csv import CsvSource
from safe_import.sources.input_file import InputFile
from safe_import.spec.row import Row
from safe_import.stages.read import read
from safe_import.types import Text
from tests.input_samples import PersonRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_django.fixtures import SettingsWrapper

    from safe_import.sources import Source


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Source]:
    """Writes a file and opens it."""

    def write(text: str) -> Source:
        path = tmp_path / "people.csv"
        path.write_text(text, encoding="utf-8")
        return open_source(path)

    return write


def test_rows_come_with_line_and_field_names_and_without_blank_cells(written: Callable[[str], Source]) -> None:
    """Blank cells bring nothing; the others stand under the name of their field, without blanks around them."""
    reading = read(written("full name,Email,size\n Ada , ,1\nBob,b@x.org,\n"), (PersonRow,))
    assert [(raw.line, raw.kind, raw.values) for raw in reading.rows()] == [
        (2, 0, {"name": "Ada", "size": "1"}),
        (3, 0, {"name": "Bob", "email": "b@x.org"}),
    ]
    assert reading.columns == ({"name": "full name", "email": "Email", "size": "size"},)


class _Upper(CsvSource):
    """Means its own lines, whatever the class that it is made of has."""

    def lines(self) -> Iterator[tuple[int, Any]]:
        return ((line, [cell.upper() for cell in cells]) for line, cells in super().lines())  # type: ignore[union-attr]


class _Wrapper:
    """The same, around a source."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def lines(self) -> Iterator[tuple[int, Any]]:
        return ((line, [cell.upper() for cell in cells]) for line, cells in self._source.lines())  # type: ignore[union-attr]


def test_a_source_that_changes_the_lines_of_another_is_not_bypassed(tmp_path: Path) -> None:
    """Although the other one has a quicker way to its rows."""
    path = tmp_path / "people.csv"
    path.write_text("name\nAda\n", encoding="utf-8")
    for source in (_Upper(InputFile(path)), _Wrapper(open_source(path))):
        assert [raw.values for raw in read(source, (PersonRow,)).rows()] == [{"name": "ADA"}]


def test_a_file_can_be_read_again(written: Callable[[str], Source]) -> None:
    """Every pass starts anew and gives the same."""
    reading = read(written("name\nAda\nBob\n"), (PersonRow,))
    next(reading.rows())
    assert list(reading.rows()) == list(reading.rows())


def test_a_value_in_an_unknown_column_is_an_error_of_its_row_where_wanted(written: Callable[[str], Source]) -> None:
    """Where valid rows are imported, a value that nobody knows is never dropped in silence."""
    source = written("name,colour,\nAda,red,\nBob,,\nCid,,x\n")
    wanted = read(source, (PersonRow,), unknown_cells_are_errors=True)
    assert [[(each.column, each.code) for each in raw.problems] for raw in wanted.rows()] == [
        [("colour", "unknown_column")],
        [],
        [(None, "unknown_column")],
    ]
    assert not any(raw.problems for raw in read(source, (PersonRow,)).rows())


def test_a_file_without_rows_is_refused(written: Callable[[str], Source]) -> None:
    """An export that failed must not look like a success; blank rows are no rows."""
    with pytest.raises(SourceError, match="no rows"):
        list(read(written("name,size\n,\n\n , \n"), (PersonRow,)).rows())


def test_more_rows_or_columns_than_the_limit_are_refused(
    written: Callable[[str], Source], settings: SettingsWrapper
) -> None:
    """The error names the setting."""
    source = written("name,size\nAda,1\nBob,2\n")
    settings.SAFE_IMPORT = {"MAX_ROWS": 2}
    assert len(list(read(source, (PersonRow,)).rows())) == 2
    settings.SAFE_IMPORT = {"MAX_ROWS": 1}
    with pytest.raises(SourceError, match=r"more than 1 rows .*MAX_ROWS"):
        list(read(source, (PersonRow,)).rows())
    settings.SAFE_IMPORT = {"MAX_COLUMNS": 1}
    with pytest.raises(SourceError, match="MAX_COLUMNS"):
        read(source, (PersonRow,))


def test_a_spec_can_not_use_the_columns_of_rejects_files(written: Callable[[str], Source]) -> None:
    """They would be ignored when a rejects file is imported."""

    class Clash(Row):
        """Wants a reserved header."""

        origin: Text = Field(validation_alias="safe_import_line")

    with pytest.raises(SpecError, match="reserved"):
        read(written("safe_import_line\n1\n"), (Clash,))
