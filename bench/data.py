"""The files, made from a seed: the same numbers give the same bytes."""

from __future__ import annotations

import csv
import datetime
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SEED = 20240131
TEAMS = 500
HEADER = ("email", "name", "city", "about", "active", "joined", "salary", "score", "team")
_FIRST = ("Ada", "Björn", "Chloé", "Dmitri", "Eva", "Farid", "Grace", "Hana", "İpek", "João", "Kofi", "Lena")
_LAST = ("Lovelace", "Ångström", "Müller", "O'Neill", "Nakamura", "Okafor", "Żak", "Hopper", "Li", "García")
_CITIES = ("Berlin", "Kraków", "São Paulo", "Nairobi", "Oslo", "Osaka", "Lyon", "Quito", "Pune", "Austin")
_WORDS = ("adds", "what", "is", "new,", "updates", "what", "has", "changed", "and", "leaves", "the", "rest", "alone")
_EPOCH = datetime.date(2000, 1, 1)


def team_names() -> list[str]:
    """Return the names that the files link to."""
    return [f"Team {number:03}" for number in range(TEAMS)]


def write_people(path: Path, count: int, *, half_changed: bool = False) -> None:
    """Write a file of ``count`` people. ``half_changed`` gives every second one another city and salary."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(_people(count, half_changed))


def _people(count: int, half_changed: bool) -> Iterator[tuple[str, ...]]:
    chance = random.Random(SEED)
    for number in range(count):
        first, last = chance.choice(_FIRST), chance.choice(_LAST)
        salary, city = chance.randrange(2_000_000, 20_000_000), chance.randrange(len(_CITIES))
        if half_changed and number % 2:
            salary, city = salary + 100_00, (city + 1) % len(_CITIES)
        yield (
            f"Person{number}@example.org",
            f"{first} {last}",
            _CITIES[city],
            " ".join(chance.choices(_WORDS, k=8)),
            chance.choice(("true", "false")),
            (_EPOCH + datetime.timedelta(days=chance.randrange(9000))).isoformat(),
            f"{salary // 100}.{salary % 100:02}",
            repr(chance.random() * 100),
            f"Team {chance.randrange(TEAMS):03}",
        )
