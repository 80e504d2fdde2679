"""What a page refers to is there: files, sections, tests."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import ROOT

_PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")))
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE_PATH = re.compile(r"`((?:safe_import|commands|tests|docs|requirements)/[\w./-]+?/?)`")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_NOTE = re.compile(r"Note \[([^\]]+)\]")


def _anchors(text: str) -> set[str]:
    """The anchors of the headings, as GitHub makes them."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(text)}


@pytest.mark.parametrize("page", _PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """To a file of the project, and to a section that it has."""
    text, folder = (ROOT / page).read_text(encoding="utf-8"), (ROOT / page).parent
    for link in _LINK.findall(text):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = folder / path if path else ROOT / page
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target.read_text(encoding="utf-8")), link


@pytest.mark.parametrize("page", _PAGES)
def test_files_that_are_named_exist(page: str) -> None:
    """Paths of the project, written as code."""
    named = _CODE_PATH.findall((ROOT / page).read_text(encoding="utf-8"))
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_notes_that_are_referred_to_exist() -> None:
    """Each stands once in the code."""
    sources = [*ROOT.glob("safe_import/**/*.py"), *ROOT.glob("docs/*.md")]
    texts = {path: path.read_text(encoding="utf-8") for path in sources}
    written = [name for text in texts.values() for name in re.findall(r"^# Note \[([^\]]+)\]", text, re.MULTILINE)]
    referred = {name for text in texts.values() for name in _NOTE.findall(text)} - {"Title"}
    assert len(written) == len(set(written))
    assert referred <= set(written), referred - set(written)
