"""JSON and YAML: rows by their keys, nested values kept, and nothing lost that Python's usual readers lose."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from safe_import.errors import SafeImportError, SourceError
from safe_import.sources import BrokenRow, open_source
from tests.input_samples import TYPES, validated

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django.fixtures import SettingsWrapper


def found(path: Path, content: str | bytes, **options: Any) -> list[Any]:
    """The header and the rows of a file that is written with this content; broken rows as their codes."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with open_source(path, **options) as source:
        return [source.header(), *((line, _code(cells)) for line, cells in source.lines())]


def _code(cells: Any) -> Any:
    return cells.problem.code if isinstance(cells, BrokenRow) else cells


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('[{"a": 1, "b": "x"}, {"b": null, "c": [1, {"d": true}]}]', [1, 2]),
        ('{"a": 1, "b": "x"}\n\n{"b": null, "c": [1, {"d": true}]}', [1, 3]),
        ('{"a": 1, "b": "x"}\r\n{"b": null, "c": [1, {"d": true}]}\r\n', [1, 2]),
    ],
)
def test_the_header_is_every_key_and_nested_values_are_kept(content: str, expected: list[int], tmp_path: Path) -> None:
    """A key that a row does not have is blank there."""
    rows = [[1, "x", None], [None, None, [1, {"d": True}]]]
    assert found(tmp_path / "a", content) == [["a", "b", "c"], *zip(expected, rows, strict=True)]


def test_numbers_of_json_keep_every_digit(tmp_path: Path) -> None:
    """1.10 is not 1.1, and what has more digits than a float or 64 bits is not rounded."""
    content = '[{"a": 1.10, "b": 12345678901234567890123, "c": 0.1000000000000000055511}]'
    (_, (_, cells)) = found(tmp_path / "a", content)
    assert [repr(cell) for cell in cells] == [
        "Decimal('1.10')",
        "12345678901234567890123",
        "Decimal('0.1000000000000000055511')",
    ]


@pytest.mark.parametrize(
    "row",
    [
        '{"a": 1, "a": 2}',
        '{"b": {"a": 1, "a": 2}}',
        '{"a": NaN}',
        '{"a": 1e400}',
        '{"a": 1e99999999999999999999}',
        f'{{"a": {"1" * 101}}}',
        '{"\\ud800": 1}',
        "[1]",
        '"a"',
        "7",
    ],
)
def test_a_row_that_would_lose_something_is_an_error_of_its_own(row: str, tmp_path: Path) -> None:
    """The others are read."""
    assert found(tmp_path / "a", f'[{{"x": 0}}, {row}, {{"x": 1}}]') == [["x"], (1, [0]), (2, "not_json"), (3, [1])]
    assert found(tmp_path / "a.jsonl", f'{{"x": 0}}\n{row}\n') == [["x"], (1, [0]), (2, "not_json")]


def test_a_line_that_is_no_json_is_an_error_of_its_own(tmp_path: Path) -> None:
    """It says where, and never what."""
    assert found(tmp_path / "a", '{"x": 0}\n{"x": secret}\n{"x": 1}\n') == [["x"], (1, [0]), (2, "not_json"), (3, [1])]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('[{"a": 1}\n {"a": 2}]', "line 2, character 2: a comma or the end"),
        ('[{"a": 1},\n{"a": secret}]', "line 2, character 7: not JSON"),
        ('[{"a": 1}] x', "line 1, character 11: something follows"),
        ('[{"a": 1},', "line 1, character 11: not JSON"),
        ("[" + "[" * 100_000, "nested too deeply"),
        ("[]", "no rows"),
        ("7", "line 1, character 1: a list of objects is expected"),
    ],
)
def test_a_file_that_is_no_json_is_refused_with_the_place(content: str, reason: str, tmp_path: Path) -> None:
    """And without its text."""
    with pytest.raises(SourceError, match=reason) as refused:
        found(tmp_path / "a.json", content)
    assert "secret" not in str(refused.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3),
    max_leaves=5,
)


@given(rows=st.lists(st.dictionaries(st.text("abcd", min_size=1, max_size=2), JSON, min_size=1), min_size=1))
def test_what_orjson_writes_is_read_back_the_same(
    rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """As a list, and as lines."""
    path = tmp_path_factory.getbasetemp() / "written"
    for content in (orjson.dumps(rows), b"\n".join(map(orjson.dumps, rows))):
        header, *lines = found(path, content)
        again = [dict(zip(header, cells, strict=True)) for _, cells in lines]
        assert again == [dict.fromkeys(header) | row for row in rows]


def test_yaml_is_text_as_it_stands(tmp_path: Path) -> None:
    """No boolean of NO, no number of 012, no date; null alone is nothing."""
    content = (
        "- {a: NO, b: 012, c: 2024-01-31, d: 1.10}\n- a: ~\n  b: 'null'\n  c: [x, {y: no}]\n  d: |\n    1\n    2\n"
    )
    assert found(tmp_path / "a.yaml", content) == [
        ["a", "b", "c", "d"],
        (1, ["NO", "012", "2024-01-31", "1.10"]),
        (2, [None, "null", ["x", {"y": "no"}], "1\n2\n"]),
    ]


@pytest.mark.parametrize(
    ("content", "outcome"),
    [
        ("- {a: 1, a: 2}\n- {a: 3}\n", [["a"], (1, "doubled_key"), (2, ["3"])]),
        ("- {b: {a: 1, a: 2}}\n- {a: 3}\n", [["a"], (1, "doubled_key"), (2, ["3"])]),
        ("- {[x]: 2}\n- {a: 3}\n", [["a"], (1, "doubled_key"), (2, ["3"])]),
        ("- x\n- {a: 3}\n", [["a"], (1, "not_a_mapping"), (2, ["3"])]),
        ("- &x {a: 1}\n- *x\n", "line 2: aliases"),
        ("- {a: !!python/object/apply:os.system [true]}\n", "line 1: aliases .* and tags"),
        ("- {a: !!binary aGk=}\n", "line 1: aliases .* and tags"),
        ("---\n- {a: 1}\n---\n- {a: 2}\n", "line 3: a second document"),
        ("a: 1\n", "line 1: a list of mappings"),
        ("- a: 1\n b: 2\n", "line 2: not YAML"),
        ("- a: '\n", "not YAML"),
        ("- a: \x07\n", "not YAML"),
        ("# nothing\n", "no rows"),
        ("- " + "[" * 200 + "]" * 200, "nested too deeply"),
    ],
)
def test_yaml_that_is_not_plain_is_refused(content: str, outcome: Any, tmp_path: Path) -> None:
    """What would be built many times over, or run, or read in two ways."""
    if isinstance(outcome, str):
        with pytest.raises(SourceError, match=outcome):
            found(tmp_path / "a.yaml", content)
    else:
        assert found(tmp_path / "a.yaml", content) == outcome


@given(rows=st.lists(st.dictionaries(st.text("ab", min_size=1), st.text(), min_size=1), min_size=1))
def test_what_pyyaml_writes_is_read_back_the_same(
    rows: list[dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Texts that look like numbers, booleans and null, too."""
    path = tmp_path_factory.getbasetemp() / "written.yaml"
    header, *lines = found(path, yaml.safe_dump(rows))
    again = [dict(zip(header, cells, strict=True)) for _, cells in lines]
    assert again == [dict.fromkeys(header) | row for row in rows]


def test_the_encoding_of_keyed_files_is_that_of_text_files(tmp_path: Path) -> None:
    """With a byte order mark, or as it is named."""
    assert found(tmp_path / "a", '[{"ö": "é"}]'.encode("utf-16")) == [["ö"], (1, ["é"])]
    assert found(tmp_path / "a.yaml", "- ö: é\n".encode("cp1252"), encoding="cp1252") == [["ö"], (1, ["é"])]
    with pytest.raises(SourceError, match="line 2, byte 10: not UTF-8"):
        found(tmp_path / "a", b'{"a": 1}\n{\xff}')


def test_keyed_files_have_limits(tmp_path: Path, settings: SettingsWrapper) -> None:
    """Each names its setting; those of single values are errors of their row."""
    settings.SAFE_IMPORT = {"MAX_COLUMNS": 1}
    for content in ('[{"a": 1}, {"b": 1}]', '{"a": 1}\n{"b": 1}', "- a: 1\n- b: 1\n"):
        with pytest.raises(SourceError, match="MAX_COLUMNS"):
            found(tmp_path / "a", content)
    settings.SAFE_IMPORT = {"MAX_WHOLE_FILE_SIZE": 10}
    for content in ('[{"a": 10}]', "- a: 10\n- b"):
        with pytest.raises(SourceError, match="MAX_WHOLE_FILE_SIZE"):
            found(tmp_path / "a", content)
    settings.SAFE_IMPORT = {"MAX_CELL_LENGTH": 10}
    long = f'{{"a": "{"x" * 11}"}}\n{{"a": "{"x" * 999}"}}\n{{"a": 1}}\n'
    assert found(tmp_path / "a", long) == [["a"], (1, "cell_too_long"), (2, "row_too_long"), (3, [1])]


@given(
    st.binary(max_size=100),
    st.sampled_from(["a.json", "a.jsonl", "a.yaml", "a"]),
    st.sampled_from([b"", b"[", b"{", b"- "]),
)
def test_any_bytes_raise_no_exceptions_but_our_own(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str, start: bytes
) -> None:
    """Whatever a user brings is read, or refused with a message."""
    try:
        found(tmp_path_factory.getbasetemp() / name, start + content)
    except SafeImportError:
        return


def test_a_decimal_within_a_json_value_stays_exact_or_is_refused() -> None:
    """A JSON column holds floats."""
    assert validated(TYPES["Json"], {"a": [Decimal("2.5")]}).row.cell == {"a": [2.5]}
    (problem,) = validated(TYPES["Json"], [Decimal("0.1000000000000000055511")]).problems
    assert problem.code == "not_json"


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.yaml"])
@pytest.mark.parametrize("value", ['["x", {"b": "%s"}]', '{"%s": 1}', '[[["%s"]]]'])
def test_the_limit_of_a_text_holds_for_nested_ones(
    name: str, value: str, tmp_path: Path, settings: SettingsWrapper
) -> None:
    """However deep it lies, and for the names in an object as well."""
    settings.SAFE_IMPORT = {"MAX_CELL_LENGTH": 20}
    content = {"a.json": '[{"a": %s}]', "a.jsonl": '{"a": %s}\n', "a.yaml": '- {"a": %s}\n'}[name]
    assert found(tmp_path / name, content % (value % ("x" * 21))) == [["a"], (1, "cell_too_long")]
    (_, (_, cells)) = found(tmp_path / name, content % (value % ("x" * 20)))
    assert "x" * 20 in str(cells)
