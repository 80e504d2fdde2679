"""Delimited text is read exactly, in bounded memory, and what is broken costs no more than its own row."""

from __future__ import annotations

import csv
import io
import itertools
import re
import tracemalloc
from encodings.aliases import aliases
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safe_import.errors import SafeImportError, SourceError, UsageError
from safe_import.sources import BrokenRow, open_source
from safe_import.sources.csv_syntax import Limits, Rows
from safe_import.sources.encodings import codec_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_django.fixtures import SettingsWrapper

    from safe_import.sources import Source

WIDE = Limits(cell_length=131_072, columns=1_000)
CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def opened(path: Path, content: bytes, **options: Any) -> Source:
    """Write a file and open it."""
    path.write_bytes(content)
    return open_source(path, **options)


def rows(source: Source) -> list[Any]:
    """What a source yields, broken rows as their codes."""
    return [
        (line, cells.problem.code if isinstance(cells, BrokenRow) else list(cells)) for line, cells in source.lines()
    ]


@given(
    table=st.lists(st.lists(CELLS, min_size=2, max_size=4), min_size=1),
    delimiter=st.sampled_from([",", ";", "\t", "|", "^", "§"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    end=st.sampled_from(["\r\n", "\n", "\r"]),
)
def test_what_the_csv_writer_of_python_writes_is_read_back_the_same(
    table: list[list[str]], delimiter: str, quoting: Any, end: str
) -> None:
    """Every cell, whatever is in it; but for rows without any text, which are no rows."""
    table = _with_quoted_line_ends(table, quoting, end)
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=end).writerows(table)
    text.seek(0)
    found = [cells for _, cells in Rows(text, delimiter, WIDE) if not isinstance(cells, BrokenRow)]
    assert [row for row in found if "".join(row).strip()] == [row for row in table if "".join(row).strip()]


def _with_quoted_line_ends(table: list[list[str]], quoting: Any, end: str) -> list[list[str]]:
    """Without the line ends that some versions of the writer put into a file without quotes around them."""
    if end == "\r\n" or quoting == csv.QUOTE_ALL:
        return table
    return [[re.sub("[\r\n]", " ", cell) for cell in row] for row in table]


@given(
    table=st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1),
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    end=st.sampled_from(["\r\n", "\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
)
def test_a_file_of_the_csv_writer_is_read_back_the_same_without_being_told_anything(
    tmp_path_factory: pytest.TempPathFactory,
    table: list[list[str]],
    delimiter: str,
    quoting: Any,
    end: str,
    encoding: str,
) -> None:
    """The delimiter, the ends of the lines and the encoding are found; every cell is what it was."""
    table = _with_quoted_line_ends(table, quoting, end)
    path = tmp_path_factory.mktemp("csv") / "people.csv"
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator=end).writerows([list("abc"), *table])
    with open_source(path) as source:
        assert source.header() == list("abc")
        found = [list(cells) for _, cells in source.lines() if not isinstance(cells, BrokenRow)]
    assert [row for row in found if "".join(row).strip()] == [row for row in table if "".join(row).strip()]


@given(st.text(st.sampled_from('",\n\r ab')))
def test_any_text_is_rows_or_broken_rows_and_no_line_is_lost(text: str) -> None:
    """Every line with text lies in one of the rows: a broken quote swallows nothing."""
    lines = io.StringIO(text, newline="").readlines()
    found = list(Rows(io.StringIO(text, newline=""), ",", WIDE))
    starts = [line for line, _ in found]
    assert starts == sorted(set(starts))
    spans = [1 if isinstance(cells, BrokenRow) else _height(cells) for _, cells in found]
    covered = {line + at for line, span in zip(starts, spans, strict=True) for at in range(span)}
    assert covered >= {number for number, line in enumerate(lines, 1) if not line.isspace()}


def _height(cells: list[str]) -> int:
    """The number of lines that a row stands on."""
    return 1 + sum(len(io.StringIO(f"{cell}x", newline="").readlines()) - 1 for cell in cells)


@given(st.binary(max_size=200))
def test_any_bytes_raise_no_exceptions_but_our_own(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """Whatever a user brings is read, or refused with a message."""
    path = tmp_path_factory.getbasetemp() / "anything.csv"
    try:
        with opened(path, content) as source:
            list(source.lines())
    except SafeImportError:
        return


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a,b\n1,"x\n2,"y"\n3,z\n', [(2, "unbalanced_quote"), (3, ["2", "y"]), (4, ["3", "z"])]),
        ('a,b\n"1,x\n2,y\n3,z\n', [(2, "unbalanced_quote"), (3, ["2", "y"]), (4, ["3", "z"])]),
        ('a,b\n1,x\n2,"y', [(2, ["1", "x"]), (3, "unbalanced_quote")]),
        ('a,b\n"1"x,y\n2,5" pipe\n3,z\n', [(2, "misplaced_quote"), (3, "unbalanced_quote"), (4, ["3", "z"])]),
        ('a,b\n"1\n\n2",y\n3,z\n', [(2, ["1\n\n2", "y"]), (5, ["3", "z"])]),
    ],
)
def test_a_broken_quote_costs_its_own_row_only(text: str, expected: list[Any], tmp_path: Path) -> None:
    """The rows below it are read, with their right lines."""
    assert rows(opened(tmp_path / "x.csv", text.encode())) == expected


def test_an_open_quote_swallows_no_more_than_a_row_may_hold(tmp_path: Path, settings: SettingsWrapper) -> None:
    """Reading resumes on the next line, however far the next quote is."""
    settings.SAFE_IMPORT = {"MAX_CELL_LENGTH": 10}
    text = 'a,b\n"1,x\n' + "2,y\n" * 1_000
    found = rows(opened(tmp_path / "x.csv", text.encode()))
    assert found[0] == (2, "unbalanced_quote")
    assert found[1:] == [(line, ["2", "y"]) for line in range(3, 1_003)]


def test_rows_beyond_a_limit_are_errors_of_their_own(tmp_path: Path, settings: SettingsWrapper) -> None:
    """They are cut off, not kept; the rows below them are read with their right lines."""
    settings.SAFE_IMPORT = {"MAX_CELL_LENGTH": 10, "MAX_COLUMNS": 5}
    long = ["x" * 11, "x" * 1_000, '"' + "x" * 1_000 + '"', "1,2,3,4,5,6"]
    text = "\r\n".join(["a,b", *long, "1,2", "x" * 5_000])
    assert rows(opened(tmp_path / "x.csv", text.encode())) == [
        (2, "cell_too_long"),
        (3, "row_too_long"),
        (4, "row_too_long"),
        (5, "too_many_cells"),
        (6, ["1", "2"]),
        (7, "row_too_long"),
    ]


@pytest.mark.parametrize(
    "row", ["," * 10_000_000, "x" * 20_000_000, '"' + "x\n" * 10_000_000, '"' + '""' * 10_000_000], ids=len
)
def test_a_huge_row_takes_bounded_memory(row: str, tmp_path: Path) -> None:
    """A row of millions of cells, or a cell of many megabytes, is an error and is never held as a whole."""
    source = opened(tmp_path / "x.csv", f"a,b\n1,2\n{row}\n3,4\n".encode())
    tracemalloc.start()
    try:
        found = itertools.islice(source.lines(), 2)
        assert [isinstance(cells, BrokenRow) for _, cells in found] == [False, True]
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
    finally:
        tracemalloc.stop()


def test_a_cell_of_more_than_128_kb_is_read_where_the_limit_allows(tmp_path: Path, settings: SettingsWrapper) -> None:
    """The setting of Python's csv module, which belongs to the whole process, is left alone."""
    before = csv.field_size_limit()
    settings.SAFE_IMPORT = {"MAX_CELL_LENGTH": 300_000}
    cell = 'x"' * 70_000
    quoted = cell.replace('"', '""')
    found = rows(opened(tmp_path / "x.csv", f'a,b\n1,"{quoted}"\n'.encode()))
    assert found == [(2, ["1", cell])]
    assert csv.field_size_limit() == before


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode_with_a_byte_order_mark_needs_no_name(encoding: str, tmp_path: Path) -> None:
    """The mark is no part of the header."""
    source = opened(tmp_path / "x.csv", "name,größe\nJörg 🎉,1\n".encode(encoding))
    assert (source.header(), rows(source)) == (["name", "größe"], [(2, ["Jörg 🎉", "1"])])


def test_other_encodings_are_named_and_a_byte_order_mark_wins(tmp_path: Path) -> None:
    """A rejects file, which has a mark, is imported with the same options as the file it came from."""
    assert opened(tmp_path / "x.csv", "größe\n1\n".encode("cp1252"), encoding="cp1252").header() == ["größe"]
    assert opened(tmp_path / "x.csv", "größe\n1\n".encode("utf-8-sig"), encoding="cp1252").header() == ["größe"]
    for name in ("nonsense", "hex", "rot13"):
        with pytest.raises(UsageError, match="no text encoding"):
            opened(tmp_path / "x.csv", b"a\n1\n", encoding=name)


@pytest.mark.parametrize("suffix", [".csv", ".json", ".jsonl", ".yaml"])
@pytest.mark.parametrize(
    "encoding", ["utf-7", "UTF7", "unicode_escape", "raw_unicode_escape", "idna", "punycode", "rot13"]
)
def test_encodings_that_no_file_is_written_in_are_refused(encoding: str, suffix: str, tmp_path: Path) -> None:
    """Some of them decode to half characters, which no database takes."""
    path = tmp_path / f"people{suffix}"
    path.write_bytes({".csv": b"name\n+2AA-\n", ".yaml": b"- name: +2AA-\n"}.get(suffix, b'{"name": "+2AA-"}\n'))
    with pytest.raises(UsageError, match="no text encoding of files called"):
        open_source(path, encoding=encoding)


@pytest.mark.parametrize(
    "encoding", sorted({*aliases.values(), "idna", "punycode", "raw_unicode_escape", "unicode_escape"})
)
def test_no_encoding_that_is_accepted_decodes_to_half_characters(encoding: str) -> None:
    """Of all that Python knows."""
    try:
        name = codec_name(encoding)
    except LookupError:
        return
    pairs = [bytes((high, low)) for high in range(256) for low in range(0, 256, 5)]
    texts = [*pairs, *(pair + bytes(2) for pair in pairs), *(bytes(2) + pair for pair in pairs), b"+2AA-", b"\\ud800"]
    decoded = "".join(text.decode(name, "ignore") for text in texts)
    assert decoded == decoded.encode("utf-8", "replace").decode()


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"name\nAda\nJ\xf6rg\n", "line 3, byte 10"),
        (b"name\n" + b"Ada\n" * 50_000 + b"J\xc3", "line 50002, byte 200006"),
        (b"name\r" + b"Ada\r" * 50_000 + b"\xc3", "line 50002, byte 200005"),
        (b"name\r\n" + b"Ada\r\n" * 50_000 + b"J\xc3", "line 50002, byte 250007"),
        (b"name,n" + b"n" * 65_529 + b"\r\n\xff", "line 2, byte 65537"),
        (b"name,n" + b"n" * 65_529 + b"\r\xff", "line 2, byte 65536"),
        ("name\nAda\n".encode("utf-16-le").replace(b"A\0", b"\0\xd8"), "line 2, byte 10"),
    ],
)
def test_bytes_that_are_no_text_are_an_error_with_line_and_offset(content: bytes, place: str, tmp_path: Path) -> None:
    """Also far behind the header, in the middle of a character, and in UTF-16 (half a surrogate pair)."""
    encoding = "utf-16-le" if b"\0" in content else None
    with pytest.raises(SourceError, match=f"{place}: not UTF-"):
        list(opened(tmp_path / "x.csv", content, encoding=encoding).lines())


def test_the_delimiter_can_be_named(tmp_path: Path) -> None:
    """Where the header does not tell, or tells something else."""
    assert opened(tmp_path / "x.csv", b"a,b;c\n1;2\n", delimiter=";").header() == ["a,b", "c"]
    assert opened(tmp_path / "x.csv", b"a\tb\n1\t2\n", delimiter="tab").header() == ["a", "b"]
    assert opened(tmp_path / "x.csv", b'"a;b;c",d\n1,2\n').header() == ["a;b;c", "d"]
    for wrong in ("", ",,", '"', "\n"):
        with pytest.raises(UsageError, match="one character"):
            opened(tmp_path / "x.csv", b"a,b\n1,2\n", delimiter=wrong)


@pytest.mark.parametrize("header", ['"a,b', '"a"x,b', "a\0,b", "a" * 3_000_000])
def test_a_header_that_can_not_be_read_is_refused(header: str, tmp_path: Path) -> None:
    """There is nothing to go on with."""
    with pytest.raises(SourceError, match="line 2: the header can't be read"):
        opened(tmp_path / "x.csv", f"\n{header}\n1,2\n".encode())


def test_every_pass_over_a_source_gives_the_same(tmp_path: Path) -> None:
    """Two passes may even be under way at once."""
    source = opened(tmp_path / "x.csv", b"a,b\n1,2\n3,4\n")
    first: Iterator[Any] = iter(source.lines())
    next(first)
    assert rows(source) == [(2, ["1", "2"]), (3, ["3", "4"])]
    assert list(next(first)[1]) == ["3", "4"]
