"""TypeScript: plain data is read as it stands, with the line of each object; whatever else is one clear error."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from safe_import.errors import SourceError
from safe_import.sources.typescript import SourceObject, TypeScriptSource, objects_in, open_typescript

if TYPE_CHECKING:
    from pathlib import Path


def read(literal: str) -> list[SourceObject]:
    """Read a list that a file declares on its first line."""
    return objects_in(f"export const rows: Row[] = {literal}", ["rows"], "rows.ts")["rows"]


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ('"it\'s // no comment"', "it's // no comment"),
        ("'\"quoted\" /* no comment */'", '"quoted" /* no comment */'),
        ("`two\nlines`", "two\nlines"),
        ("`two\r\nlines`", "two\nlines"),
        (r'"tab\t quote\" back\\slash \u0622\u064a\u0629"', 'tab\t quote" back\\slash آية'),
        ('"[{,:"', "[{,:"),
        ("4.90", Decimal("4.90")),
        ("-0.1", Decimal("-0.1")),
        ("12", 12),
        ("0.1234567890123456789", Decimal("0.1234567890123456789")),
        ("true", True),
        ("null", None),
        ('"null"', "null"),
        ("[]", []),
        ('["a", "b",]', ["a", "b"]),
        ("{b: {c: [1]}}", {"b": {"c": [1]}}),
    ],
)
def test_a_plain_value_is_read_as_it_stands(literal: str, value: object) -> None:
    """Texts in all three quotes, numbers without loss, lists and objects in any depth."""
    (found,) = read(f"[{{a: {literal}}}]")
    assert found.values == {"a": value}
    assert type(found.values["a"]) is type(value)


def test_every_object_has_the_line_on_which_it_begins() -> None:
    """Comments, blank lines and texts of several lines count."""
    found = read("[ // the rows\n{a: `1\n2`},\n\n/* {a: 0},\n */ {a: 3}, // {a: 4}\n] as const;")
    assert [(each.line, each.values["a"]) for each in found] == [(2, "1\n2"), (6, 3)]


def test_names_may_be_quoted_or_not() -> None:
    """A comma may follow the last one."""
    assert read("[{a: 1, 'b c': 2, \"d-e\": 3, $f: 4,},]")[0].values == {"a": 1, "b c": 2, "d-e": 3, "$f": 4}


def test_lists_are_found_among_other_code() -> None:
    """Types, functions and objects beside them are no obstacle; a list of the same name deeper down is another one."""
    text = """
        import type { Row } from './types';
        interface Shape { rows: Row[]; f: (a: number) => string }
        function rows() { const rows = [{a: 0}]; return rows.map(x => x.a) }
        export const others = { rows: [{a: 1}] };
        export const rows: Array<{a: number, f?: () => void}> = [{a: 2}];
        let more = [{b: 3}];
    """
    found = objects_in(text, ["rows", "more"])
    assert {name: [each.values for each in each_list] for name, each_list in found.items()} == {
        "rows": [{"a": 2}],
        "more": [{"b": 3}],
    }


@pytest.mark.parametrize(
    ("literal", "place", "reason"),
    [
        ("[\n{a: 1 b: 2}]", "line 2, character 7", "',' or '}' is expected here"),
        ("[{a: 1,\n, b: 2}]", "line 2, character 1", "a name or '}' is expected here"),
        ("[{a 1}]", "line 1", "':' is expected here"),
        ("[{a: [1 2]}]", "line 1", "',' or ']' is expected here"),
        ("[\n\n{a: {b: 1}, c: 2", "line 3, character 1", "never closed"),
        ("[{a: 1},\n{a: 2]", "line 2, character 6", "',' or '}' is expected here"),
        ('[{a: 1,\nb: "two}]', "line 2, character 4", "does not end"),
        ("[{a: `two}]", "line 1", "does not end"),
        ("[{a: ROWS}]", "line 1", "only plain values"),
        ("[{a: undefined}]", "line 1", "only plain values"),
        ("[{a: new Date(1)}]", "line 1", "only plain values"),
        ("[{a: () => 1}]", "line 1", "only plain values"),
        ("[{a: 0x10}]", "line 1", "only plain values"),
        ("[{a: 010}]", "line 1", "only plain values"),
        ('[{a: "x" + "y"}]', "line 1", "',' or '}' is expected here"),
        ('[{a: <string>"x"}]', "line 1", "only plain values"),
        ("[{a: `\n${b}`}]", "line 2, character 1", "an expression in it"),
        (r'[{a: "\x41"}]', "line 1", "an escape that is not read here"),
        ("[{...b}]", "line 1", "':' is expected here"),
        ("[{a}]", "line 1", "':' is expected here"),
        ("[\n{a: 1, a: 2}]", "line 2", "a name twice"),
        ("[1]", "line 1", "an object {...} is expected"),
        ("[[{a: 1}]]", "line 1", "an object {...} is expected"),
        ("{a: 1}", "line 1", "rows is no list"),
        ("load()", "line 1", "rows is no list"),
        ("[{a: " + "[" * 60 + "]" * 60 + "}]", "line 1", "nested more than 50 times"),
        ("[{a: " + "9" * 5000 + "}]", "line 1", "can't be read"),
    ],
)
def test_what_is_broken_or_no_plain_data_is_one_clear_error(literal: str, place: str, reason: str) -> None:
    """It names file, line and reason. Nothing is guessed, and nothing is run."""
    with pytest.raises(SourceError) as refused:
        read(literal)
    assert f"rows.ts, {place}" in str(refused.value)
    assert reason in str(refused.value)


def test_a_list_that_is_not_there_is_an_error() -> None:
    """Never an empty list."""
    with pytest.raises(SourceError, match=r"rows\.ts: the file declares no list called rows"):
        objects_in("export const others = [];", ["rows"], "rows.ts")


class TestSource:
    """The rows of a file."""

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        """Where the file is written."""
        return tmp_path / "rows.ts"

    def opened(self, path: Path) -> TypeScriptSource:
        """Open the list ``rows``."""
        return open_typescript(path, lambda text, label: objects_in(text, ["rows"], label)["rows"])

    def test_rows_have_the_lines_of_their_objects(self, path: Path) -> None:
        """The header is every name that an object has; what another one does not have is blank there."""
        path.write_text("const rows = [\n  {a: 1},\n  {\n    b: 'x',\n    a: 2\n  }\n]", encoding="utf-8-sig")
        with self.opened(path) as source:
            assert source.header() == ["a", "b"]
            assert list(source.lines()) == list(source.lines()) == [(2, [1, None]), (3, [2, "x"])]

    def test_two_objects_on_one_line_are_an_error(self, path: Path) -> None:
        """A row is known by its line, in reports and in the plan."""
        path.write_text("const rows = [\n  {a: 1}, {a: 2},\n]")
        with pytest.raises(SourceError, match=r"line 2: two objects begin here; give each a line of its own"):
            self.opened(path)

    def test_a_list_without_objects_is_an_error(self, path: Path) -> None:
        """As every file without rows."""
        path.write_text("const rows = []")
        with pytest.raises(SourceError, match="holds no rows"):
            self.opened(path)

    def test_another_encoding_is_an_error(self, path: Path) -> None:
        """It names the line."""
        path.write_bytes("const rows = [\n{a: 'é'}]".encode("latin-1"))
        with pytest.raises(SourceError, match="line 2, byte"):
            self.opened(path)
