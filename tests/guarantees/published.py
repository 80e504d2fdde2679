"""The numbers of faults that ``docs/guarantees.md`` publishes, so that the tests can hold them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_PAGE = ROOT / "docs" / "guarantees.md"
_POINT = re.compile(r"""\bfailpoint\(\s*"([a-z_.]+)"\s*\)""")


def published(what: str) -> int:
    """Return how many times a program kills, by the page's table of faults."""
    row = re.search(rf"^\| {re.escape(what)} \| (\d+) \|$", _PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert row, f"docs/guarantees.md has no row {what!r} in its table of faults"
    return int(row[1])


def published_points() -> int:
    """Return how many places are named, by the page."""
    found = re.search(r"(\d+) places in the code are named", _PAGE.read_text(encoding="utf-8"))
    assert found
    return int(found[1])


def points_of_source() -> set[str]:
    """Return the names of the places in the code."""
    files = (ROOT / "safe_import").rglob("*.py")
    return {name for file in files for name in _POINT.findall(file.read_text(encoding="utf-8"))}
