"""What a careful script does for a model whose ``save()`` must run: everything read at once, then saved one by one."""

from __future__ import annotations

import csv
import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import transaction

from bench.models import SavedPerson, Team

if TYPE_CHECKING:
    from pathlib import Path


def upsert(path: Path) -> None:
    """Bring the file into the table; what has not changed is not saved."""
    teams = dict(Team.objects.values_list("name", "id"))
    with transaction.atomic(), path.open(encoding="utf-8", newline="") as file:
        known = {person.email.lower(): person for person in SavedPerson.objects.all()}
        for line in csv.DictReader(file):
            values = _values(line, teams)
            person = known.get(line["email"].lower())
            if person is None:
                SavedPerson.objects.create(email=line["email"], **values)
            elif changed := [name for name, value in values.items() if getattr(person, name) != value]:
                for name in changed:
                    setattr(person, name, values[name])
                person.save(update_fields=changed)


def _values(line: dict[str, str], teams: dict[str, int]) -> dict[str, Any]:
    return {
        "name": line["name"], "city": line["city"], "about": line["about"], "active": line["active"] == "true",
        "joined": datetime.date.fromisoformat(line["joined"]), "salary": Decimal(line["salary"]),
        "score": float(line["score"]), "team_id": teams[line["team"]],
    }  # fmt: skip
