"""``docs/input.md`` says what is accepted, and what is refused with which message: every row of its tables holds."""

from __future__ import annotations

import ast
import io
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import safe_import
from safe_import.errors import Refused
from tests.guarantees.test_rules import RuledImport
from tests.input_samples import KINDS, PersonRow, cell_outcome, file_outcome, value_outcome
from tests.testapp.models import Box, Ruled
from tests.testapp.specs import NodesImport
from tests.written_cells import file_of, packed_as

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_django.fixtures import SettingsWrapper

    from tests.testapp.importing import Importer

DOCUMENT = Path(__file__).parent.parent / "docs" / "input.md"
CELL_BORDER = re.compile(r"(?<!\\)\|")


def _tables(heading: str) -> list[list[str]]:
    """The rows of the table below a heading, cell by cell, with what Markdown escapes restored."""
    section = DOCUMENT.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip().replace(r"\|", "|") for cell in CELL_BORDER.split(line)[1:-1]] for line in lines]


def _bytes(written: str) -> bytes:
    """The content of a file that the document writes as a Python bytes literal."""
    return written.strip("`").encode().decode("unicode_escape").encode("latin-1")


def _text(written: str) -> str:
    return re.sub(r"\\x(..)", lambda found: chr(int(found[1], 16)), written.strip("`"))


def _as_shown(found: str, shown: str) -> str:
    """What was found, cut where the document has ``...``."""
    start, cut, end = shown.partition("...")
    return shown if cut and found.startswith(start) and found.endswith(end) else found


@pytest.mark.parametrize(("type_name", "cell", "outcome"), _tables("Values"))
def test_values_become_what_the_document_says(type_name: str, cell: str, outcome: str) -> None:
    """Every kind of value is taken, or refused with code and message, as documented."""
    assert value_outcome(type_name.strip("`"), _text(cell)) == outcome


_CELLS = [
    (written, type_name.strip("`"), cell.strip("`"), outcome)
    for _kind, formats, type_name, cell, outcome in _tables("Every format and every kind of value")
    for written in formats.split(", ")
]
_STANDARD_INPUT = "standard input"  # is given delimited text


@pytest.mark.parametrize(("written", "type_name", "cell", "outcome"), _CELLS)
def test_a_value_is_taken_or_refused_in_every_format_as_the_document_says(
    written: str, type_name: str, cell: str, outcome: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever brings it: what is read is what was written, and what is refused is refused by code and message."""
    path = tmp_path / f"people.{written}"
    content = file_of("csv" if written == _STANDARD_INPUT else written, cell)
    if written == _STANDARD_INPUT:
        path = Path("-")
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    else:
        path.write_bytes(content)
    assert cell_outcome(path, type_name) == outcome


@pytest.mark.parametrize("written", sorted({written for written, *_ in _CELLS} - {"ts"}))
def test_the_document_has_every_kind_of_value_in_every_format(written: str) -> None:
    """Each type is taken somewhere, and refused somewhere; so is a cell that is blank, or to be cleared."""
    rows = [(type_name.split(",")[0], outcome) for name, type_name, _, outcome in _CELLS if name == written]
    taken = {type_name for type_name, outcome in rows if re.match(r"`[^`]*`$", outcome)}
    refused = {type_name for type_name, outcome in rows if re.match(r"`\w+` .|refused: ", outcome)}
    kinds = {"Integer", "Number", "NumberWithComma", "Boolean", "Date", "DateTime", "Time", "Duration", "Text", "Email",
             "Choice[Stage]", "Uuid", "Json", "Many"}  # fmt: skip
    assert kinds == taken
    assert kinds - refused <= {"Many", "NumberWithComma"}  # any text is a list, any number may be had without a comma
    assert {"not brought", "emptied"} <= {outcome for _, outcome in rows}


@pytest.mark.parametrize(("_about", "content", "outcome"), _tables("Text files"))
def test_text_files_are_read_as_the_document_says(_about: str, content: str, outcome: str, tmp_path: Path) -> None:
    """Encodings, delimiters, quotes, blank and broken rows are dealt with as documented."""
    assert _as_shown(file_outcome(tmp_path / "people.csv", _bytes(content), (PersonRow,)), outcome) == outcome


@pytest.mark.parametrize(("_about", "content", "outcome"), _tables("Headers"))
def test_headers_are_matched_as_the_document_says(_about: str, content: str, outcome: str, tmp_path: Path) -> None:
    """Misspelt, unknown, doubled and missing columns are dealt with as documented."""
    assert file_outcome(tmp_path / "people.csv", _bytes(content), (PersonRow,)) == outcome


@pytest.mark.parametrize(("_about", "content", "outcome"), _tables("Several kinds of rows in one file"))
def test_kinds_of_rows_are_told_as_the_document_says(_about: str, content: str, outcome: str, tmp_path: Path) -> None:
    """A row is taken for one kind or refused, never for something else and never skipped."""
    assert file_outcome(tmp_path / "ladders.csv", _bytes(content), KINDS) == outcome


@pytest.mark.parametrize(("setting", "value", "name", "content", "outcome"), _tables("Limits"))
def test_limits_are_settings_that_their_errors_name(
    setting: str, value: str, name: str, content: str, outcome: str, tmp_path: Path, settings: SettingsWrapper
) -> None:
    """What is beyond one is an error of the row, or of the file, and never a lot of memory."""
    path = tmp_path / name.strip("`")
    setting, written = setting.strip("`"), packed_as(path.suffix, _bytes(content))
    assert not file_outcome(path, written, (PersonRow,)).startswith("refused")
    settings.SAFE_IMPORT = {setting: int(value.strip("`"))}
    assert file_outcome(path, written, (PersonRow,)) == outcome


_IMPORTS: dict[str, Any] = {"records": RuledImport, "nodes": NodesImport}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("_about", "spec", "content", "outcome"), _tables("What the plan tells"))
def test_what_only_the_database_tells_is_told_by_the_plan(
    _about: str, spec: str, content: str, outcome: str, importing: Importer
) -> None:
    """By line and column, before anything is written."""
    Box.objects.create(name="blue")
    Ruled.objects.create(code="x", slug="x", price=10, box=Box.objects.create(name="red"))
    try:
        result = importing(_IMPORTS[spec.strip("`")], _bytes(content).decode(), dry_run=True)
        problems = result.warnings
    except Refused as refused:
        problems = list(refused.problems)
    assert _as_shown("<br>".join(f"`{problem.code}` {problem}" for problem in problems), outcome) == outcome


# What makes a problem, and the place of the code among its arguments.
_MAKERS = {"Invalid": 0, "BadCell": 0, "Misfit": 0, "Problem": 2, "_problem": 1, "_problems": 3}
# Tables of codes, by module: the keys of some, the first of each pair in others.
_TABLES = {"plan/messages.py": "_MESSAGES", "spec/messages.py": "_BY_TYPE"}


def _constants(nodes: Iterable[ast.AST | None]) -> set[str]:
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {text for text in texts if re.fullmatch(r"[a-z]+(_[a-z]+)*", text)}


def _codes_of(path: Path) -> set[str]:
    """The codes that a module of the library writes out."""
    tree, found = ast.parse(path.read_text(encoding="utf-8")), set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            place = _MAKERS.get(name)
            if place is not None and len(node.args) > place:
                found |= _constants([node.args[place]])
        elif isinstance(node, ast.AnnAssign | ast.Assign) and isinstance(node.value, ast.Dict):
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            if getattr(target, "id", "") in _TABLES.values():
                found |= _constants(node.value.keys) if target.id == "_MESSAGES" else set()  # type: ignore[attr-defined]
                pairs = [value for value in node.value.values if isinstance(value, ast.Tuple)]
                found |= _constants(pair.elts[0] for pair in pairs)
    return found


def test_every_code_is_on_the_page() -> None:
    """A program that reads codes finds each of them there."""
    library = Path(safe_import.__file__).parent
    of_files = (path for path in library.rglob("*.py") if path.parent.name != "runs")  # an undo has codes of its own
    codes = {code for path in of_files for code in _codes_of(path)}
    assert len(codes) > 60
    text = DOCUMENT.read_text(encoding="utf-8")
    assert {code for code in codes if f"`{code}`" not in text} == set()
