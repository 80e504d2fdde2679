"""Every mutant can be made: what it is made of stands in the source, and the tests that must notice are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.mutants.protections import MUTANTS, Mutant

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_can_be_made(mutant: Mutant) -> None:
    """Its text stands once, so that a change of the source does not take the mutant away unseen."""
    source = (PROJECT / "safe_import" / mutant.file).read_text(encoding="utf-8")
    assert source.count(mutant.text) == 1
    assert mutant.text != mutant.instead
    for test in mutant.tests:
        file, _, name = test.partition("::")
        assert re.search(rf"^def {name}\b", (PROJECT / file).read_text(encoding="utf-8"), re.MULTILINE) or not name
