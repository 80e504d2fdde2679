"""``docs/guarantees.md`` names the tests of every guarantee, and they exist."""

from __future__ import annotations

import ast
import re

import pytest

from tests.docs.pages import ROOT

_TITLES = (
    "Never deletes", "All or nothing", "Nothing erased by accident", "Every row accounted for",
    "A dry run writes nothing", "Recoverable", "Idempotent", "Integrity not made worse", "A good neighbour",
    "Survives being killed", "Discreet", "Strict",
)  # fmt: skip
_NAMED = re.compile(r"`(tests/\S+\.py)::(\w+)`")
_SECTIONS = re.split(r"^## ", (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]


def _tests_of(path: str) -> set[str]:
    """The names of the tests in a file, those in classes as well."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_every_guarantee_has_its_section() -> None:
    """Under its number, in order."""
    assert [section.splitlines()[0] for section in _SECTIONS] == [f"{n}. {t}" for n, t in enumerate(_TITLES, 1)]


@pytest.mark.parametrize("section", _SECTIONS, ids=lambda section: section.splitlines()[0])
def test_every_guarantee_names_tests_that_exist(section: str) -> None:
    """At least one each."""
    named = _NAMED.findall(section)
    assert named
    missing = [f"{path}::{name}" for path, name in named if not (ROOT / path).exists() or name not in _tests_of(path)]
    assert not missing
