"""Whether rows are validated column by column or one by one makes no difference but the time."""

from __future__ import annotations

import io
import itertools
from decimal import Decimal
from typing import Annotated, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

from safe_import.records import RawColumns, ValidColumns
from safe_import.sources import Rectangle
from safe_import.sources.csv_columns import rectangle_of
from safe_import.sources.csv_syntax import Limits, Rows
from safe_import.spec.columns import column_validator, rows_of
from safe_import.spec.row import Row
from safe_import.stages.read import read
from safe_import.stages.validate import validate, validate_blocks
from safe_import.types import Boolean, Choice, Date, DateTime, Email, Integer, Json, Many, Number, Text

_COLOURS = ("red", "green")
_CELLS = (
    "", "", " ", "Ada", " Ada ", "a@example.org", "A@Example.ORG", "Bob <b@x.org>", "1", "-2", "1.0", "1_000", "0.50",
    "1e3", "nan", "yes", "No", "maybe", "2024-02-29", "2024-02-30", "2024-02-29T12:00:00+01:00", "20240131", "red",
    "GREEN", "a;b", "[1]", "{", "\\N", "ß", "x" * 300,
)  # fmt: skip


class WideRow(Row):
    """A field of every type, one of them required, with limits and defaults."""

    clearable = ("note",)

    text: Text
    note: Annotated[Text, Field(max_length=10)] | None = None
    email: Email | None = None
    whole: Integer | None = None
    bounded: Annotated[Integer, Field(ge=0)] = 7
    number: Annotated[Number, Field(max_digits=4, decimal_places=2)] = Decimal("1.5")
    flag: Boolean | None = None
    day: Date | None = None
    moment: DateTime | None = None
    colour: Choice[_COLOURS] | None = None  # type: ignore[valid-type]  # a vocabulary, read at run time
    several: Many = ()
    data: Json | None = None


_HEADER = tuple(WideRow.model_fields)


def _both_ways(table: list[tuple[str, ...]], size: int) -> tuple[list[Any], list[Any]]:
    reading = read(_Table(table), (WideRow,))
    one_by_one = list(validate(reading.rows(), (WideRow,), reading.columns))
    by_block: list[Any] = []
    for block in validate_blocks(reading.blocks(size), (WideRow,), reading.columns):
        by_block += rows_of(WideRow, block) if isinstance(block, ValidColumns) else block
    return [_told(each) for each in one_by_one], [_told(each) for each in by_block]


def _told(result: Any) -> Any:
    """What a row is, or what is wrong with it."""
    row = result if isinstance(result, Row) else result.row
    return (row.line, row.__dict__, row.model_fields_set, row) if row is not None else (result.line, result.problems)


class _Table:
    """A source of some rows of cells."""

    label, header_line = "table", 1

    def __init__(self, rows: list[tuple[Any, ...]]) -> None:
        self._rows = rows

    def header(self) -> tuple[str, ...]:
        return _HEADER

    def lines(self) -> Any:
        return iter([(line, cells) for line, cells in enumerate(self._rows, 2)])


_ADA = ("Ada", *[""] * (len(_HEADER) - 1))
_sound = st.tuples(
    st.just("Ada"), *(st.sampled_from(["", each]) for each in ("a note", "a@example.org", "12", "3", "1.50", "yes")),
    st.just("2024-02-29"), *(st.sampled_from(["", each]) for each in ("2024-02-29T12:00:00Z", "RED", "a;b", "[1]")),
)  # fmt: skip
_any = st.lists(st.sampled_from(_CELLS), min_size=len(_HEADER) - 1, max_size=len(_HEADER) + 1).map(tuple)


@given(rows=st.lists(_sound | _any, min_size=1, max_size=12), size=st.integers(1, 5))
def test_rows_are_the_same_by_columns_as_one_by_one(rows: list[tuple[Any, ...]], size: int) -> None:
    """Values, fields that are brought, problems and their words; whatever the cells are and however they are cut."""
    one_by_one, by_block = _both_ways([_ADA, *rows], size)
    assert by_block == one_by_one


@given(rows=st.lists(_sound, min_size=1, max_size=12))
def test_sound_rows_do_go_by_columns(rows: list[tuple[Any, ...]]) -> None:
    """So that the test above compares two ways, and not one with itself."""
    reading = read(_Table(rows), (WideRow,))
    (block,) = validate_blocks(reading.blocks(100), (WideRow,), reading.columns)
    assert isinstance(block, ValidColumns)


def _upper(value: str, info: ValidationInfo) -> str:
    return value.upper() if info.data.get("first") else value


class RuledRow(Row):
    """A rule in a method."""

    first: Text

    @field_validator("first")
    @classmethod
    def _short(cls, first: str) -> str:
        return first[:1]


class InformedRow(Row):
    """A rule that looks at another field."""

    first: Text
    second: Annotated[str, AfterValidator(_upper)]


class GrowingRow(Row):
    """A default that differs from row to row."""

    first: list[str] = Field(default_factory=list)


class PostRow(Row):
    """Something to do for every row."""

    first: Text

    def model_post_init(self, context: Any) -> None:
        self.first = self.first.upper()


class DeferredRow(Row):
    """A rule that looks at another field, of a model that is built late."""

    model_config = ConfigDict(defer_build=True)

    first: Text
    second: Annotated[str, AfterValidator(_upper)]


class DefaultRow(Row):
    """A default that is validated, too."""

    model_config = ConfigDict(validate_default=True)

    first: Integer = "5"  # type: ignore[assignment]  # validation makes a number of it


@pytest.mark.parametrize("model", [RuledRow, InformedRow, GrowingRow, PostRow, DeferredRow, DefaultRow])
def test_a_rule_that_may_look_at_the_row_is_asked_row_by_row(model: type[Row]) -> None:
    """Columns know nothing of the other cells of a row."""
    assert column_validator(model) is None


def test_a_cell_that_a_validator_empties_is_looked_at_in_its_row() -> None:
    """None that is brought means something else than None that is not."""

    class DashRow(Row):
        first: Annotated[str | None, BeforeValidator(lambda value: None if value == "-" else value)] = None

    validator = column_validator(DashRow)
    assert validator is not None
    assert validator.validated({"first": ["a", "-"]}, "\\N") is None
    assert validator.validated({"first": ["a", None]}, "\\N") == {"first": ["a", None]}


def test_a_column_that_no_row_brings_is_as_good_as_none() -> None:
    """By rows it would not be met either."""
    validator = column_validator(WideRow)
    assert validator is not None
    cells = {"text": ["Ada", "Eva"], "email": [None, None], "whole": ["1", None]}
    assert validator.validated(cells, "\\N") == {"text": ["Ada", "Eva"], "whole": [1, None]}


def test_raw_columns_are_the_rows_they_were_made_of() -> None:
    """Blank cells are left out."""
    block = RawColumns((2, 4), {"a": ["1", None], "b": [None, "2"]})
    assert [(row.line, row.kind, row.values) for row in block.rows()] == [(2, 0, {"a": "1"}), (4, 0, {"b": "2"})]


_lines = st.lists(
    st.sampled_from(
        ["a,b\n", '"a","b"\n', '"a,b",c\n', '"a\nb",c\n', '"say ""hi""",x\n', "\n", " \n", ",\n", "a\r\n",
         '"a\r\nb"\r\n',
         'a"b,c\n', '"a"b,c\n', '"a,b\n', "a\rb\n", "\0\n", "a,b,c,d,e\n", 'x"",y\n', '""\n', '"",""\n', "ü,ß\n"]
    ),
    min_size=1, max_size=14,
)  # fmt: skip


_pieces = st.lists(
    st.sampled_from(["a", "b c", "", '"', '""', ",", "\t", "\n", "\r\n", "\r", " "])
    | st.sampled_from(["\0", "\x01", "\x02", "\x1c", "\u2028", "ü"])
    | st.sampled_from(['"a,b"', '"a\nb"', '"a\r\nb"', '"say ""hi"""', '"a\tb"', "a,b\n", "a\tb\n"]),
    max_size=24,
).map("".join)  # fmt: skip


def _both_ways_of_text(text: str, delimiter: str) -> tuple[list[Any], list[Any]]:
    at_once, one_by_one = (
        list(Rows(io.StringIO(text, newline=""), delimiter, Limits(cell_length, 4))) for cell_length in (2**20, 1000)
    )
    return at_once, one_by_one


@given(lines=_lines, unfinished=st.sampled_from(["", "a", '"a"', '"a', "\r", " "]))
def test_delimited_text_is_the_same_in_blocks_as_row_by_row(lines: list[str], unfinished: str) -> None:
    """Cells, lines and problems; with quotes right and wrong, and line ends of every kind."""
    at_once, one_by_one = _both_ways_of_text("".join(lines) + unfinished, ",")
    assert at_once == one_by_one


@given(text=_pieces, delimiter=st.sampled_from([",", "\t", " ", "\x01", "\x02", "a"]))
@example(text="a,b,c\nd\ne\nf,g,h\n", delimiter=",")  # two short rows take the place of a whole one
@example(text="a,b\nc\nd,e,f\n", delimiter=",")
@example(text='a\x01b,"c"\n', delimiter=",")
@example(text='"a\x02b",c\n', delimiter=",")
@example(text='"a\nb,c\n', delimiter=",")
@example(text="\t\t\n", delimiter="\t")
def test_any_text_is_the_same_in_blocks_as_row_by_row(text: str, delimiter: str) -> None:
    """Also where the delimiter is a blank, or a mark that shields others."""
    at_once, one_by_one = _both_ways_of_text(text, delimiter)
    assert at_once == one_by_one


def test_text_in_order_is_split_as_a_whole() -> None:
    """So that the tests above compare two ways: quotes, delimiters and line ends in them, lines that end with CR LF."""
    text = 'a,"b,c",d\r\n"a ""quoted"" word","two\r\nlines",\r\n"",x,"""y"""\r\n'
    rectangle = rectangle_of(text, ",", 5)
    assert rectangle is not None
    assert list(rectangle) == [
        (5, ["a", "b,c", "d"]),
        (6, ['a "quoted" word', "two\r\nlines", ""]),
        (8, ["", "x", '"y"']),
    ]


class _Blocks(_Table):
    """A source that has many rows at hand at a time, in both shapes."""

    def __init__(self, rows: list[tuple[Any, ...]], cuts: list[int]) -> None:
        super().__init__(rows)
        self._cuts = cuts

    def blocks(self) -> Any:
        lines, shapes = self.lines(), itertools.cycle([list, _rectangle])
        for cut, shape in zip([*self._cuts, len(self._rows)], shapes, strict=False):
            if part := list(itertools.islice(lines, cut)):
                yield shape(part)


def _rectangle(lines: list[tuple[int, tuple[Any, ...]]]) -> Any:
    widths = {len(cells) for _, cells in lines}
    return (
        Rectangle([n for n, _ in lines], list(zip(*[c for _, c in lines], strict=True))) if len(widths) == 1 else lines
    )


@given(rows=st.lists(_sound | _any, max_size=12), cuts=st.lists(st.integers(0, 5), max_size=6), size=st.integers(1, 5))
def test_it_makes_no_difference_how_many_rows_a_source_has_at_hand(
    rows: list[tuple[Any, ...]], cuts: list[int], size: int
) -> None:
    """Neither which rows come together, nor whether they are."""
    by_line, by_block = (
        list(read(source, (WideRow,)).blocks(size)) for source in (_Table([_ADA, *rows]), _Blocks([_ADA, *rows], cuts))
    )
    assert [list(_rows_of_block(block)) for block in by_block] == [list(_rows_of_block(block)) for block in by_line]


def _rows_of_block(block: Any) -> Any:
    return block.rows() if isinstance(block, RawColumns) else block
