"""No file makes a source fail otherwise than in our own words, or take more memory than it may.

The same files on every run. ``make fuzz`` goes on for as long as it is told to, with others.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.fuzzing import judge
from tests.fuzzing.mutation import mutated
from tests.fuzzing.samples import CANARY, samples

_FILES = 120  # of each sample
_HOSTILE = sorted(
    path for path in (Path(__file__).parent.parent / "data" / "hostile").iterdir() if path.suffix != ".md"
)


@pytest.mark.parametrize("name", samples())
def test_a_file_that_is_nearly_right_is_read_or_refused_in_our_own_words(name: str, tmp_path: Path) -> None:
    """Flipped bits, pieces left out or doubled, other numbers, other values; packed files also from within."""
    files, chance = samples(), random.Random(name)
    for _ in range(_FILES):
        (tmp_path / name).write_bytes(mutated(name, files[name], [*files.values()], chance))
        judge.judge(tmp_path / name)


@pytest.mark.parametrize("path", _HOSTILE, ids=lambda path: path.name)
def test_a_file_that_once_did_harm_does_none(path: Path, tmp_path: Path) -> None:
    """See the page beside them."""
    (tmp_path / path.name).write_bytes(path.read_bytes())
    judge.judge(tmp_path / path.name)


@pytest.mark.parametrize("name", samples())
def test_the_files_by_which_it_begins_are_sound(name: str, tmp_path: Path) -> None:
    """What is nearly right must be made of what is right."""
    (tmp_path / name).write_bytes(samples()[name])
    with judge.opened(tmp_path / name) as source:
        assert len(list(source.lines())) > 1


def test_what_may_not_be_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another exception, too much memory, too much time, a value in a message: each is a fault."""
    path = tmp_path / "people.csv"
    path.write_text(f"name\n{CANARY}\n", encoding="utf-8")
    judge.judge(path)

    def faulty(_: object) -> object:
        raise KeyError("no word of ours")

    monkeypatch.setattr(judge, "opened", faulty)
    with pytest.raises(KeyError):
        judge.judge(path)
    monkeypatch.undo()
    monkeypatch.setattr(judge, "CANARY", "a quote is opened")
    path.write_text('name\n"a\n', encoding="utf-8")
    with pytest.raises(judge.Fault, match="value of a cell"):
        judge.judge(path)
    monkeypatch.undo()
    monkeypatch.setattr(judge, "MOST_MEMORY", -1)
    with pytest.raises(judge.Fault, match="memory"):
        judge.judge(path)
