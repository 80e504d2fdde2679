"""Plain Django: ``bulk_create(update_conflicts=True)``."""

from __future__ import annotations

import csv
import datetime
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING

from django.db import transaction

from bench.models import Person, Team

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BATCH = 5000
_FIELDS = ["name", "city", "about", "active", "joined", "salary", "score", "team"]


def upsert(path: Path) -> None:
    """Bring the file into the table, a batch at a time."""
    with transaction.atomic(), path.open(encoding="utf-8", newline="") as file:
        people = _people(csv.DictReader(file))
        while batch := list(islice(people, _BATCH)):
            Person.objects.bulk_create(
                batch, update_conflicts=True, unique_fields=["email"], update_fields=_FIELDS, batch_size=_BATCH
            )


def _people(lines: Iterator[dict[str, str]]) -> Iterator[Person]:
    teams = dict(Team.objects.values_list("name", "id"))
    for line in lines:
        yield Person(
            email=line["email"], name=line["name"], city=line["city"], about=line["about"],
            active=line["active"] == "true", joined=datetime.date.fromisoformat(line["joined"]),
            salary=Decimal(line["salary"]), score=float(line["score"]), team_id=teams[line["team"]],
        )  # fmt: skip
