"""The files of the demo: the real ones, and two that are made from the real users."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from commands.demo.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = Path("commands/people/data")
USERS = DATA / "congress" / "users.csv"

Person = dict[str, str]

# Who is changed, and how, by the address in the real file.
NEW_PHONES = {
    "C000127@congress.example": "202-555-0101",
    "K000367@congress.example": "202-555-0102",
    "S000033@congress.example": "202-555-0103",
}
BLANK_PHONE = "W000802@congress.example"
IN_CAPITALS = "B001261@congress.example"
OTHER_TEAM = "C001035@congress.example"
ANOTHER_TEAM = "Senate Committee on Armed Services: Airland"
NEWCOMER = {"Name": "Ada Newcomer", "Email": "ada@congress.example", "Chapter": "ME delegation"}


def write_changed_users(path: Path) -> None:
    """Write the users as they might come a month later."""

    def change(person: Person) -> None:
        email = person["Email"]
        person["Phone"] = "" if email == BLANK_PHONE else NEW_PHONES.get(email, person["Phone"])
        person["Team"] = ANOTHER_TEAM if email == OTHER_TEAM else person["Team"]
        person["Email"] = email.upper() if email == IN_CAPITALS else email

    _write(path, change, NEWCOMER)


def write_wrong_users(path: Path) -> None:
    """Write the users with four mistakes, each of another kind."""
    mistakes = {
        "C000127@congress.example": {"Email": "cantwell at congress"},
        "K000367@congress.example": {"Team": "Senate Committee on Armed Services: Airlnad"},
        "S000033@congress.example": {"Role": "CE0"},
    }

    def change(person: Person) -> None:
        person.update(mistakes.get(person["Email"], {}))

    _write(path, change, {"Name": "Sheldon Again", "Email": BLANK_PHONE.upper()})


def _write(path: Path, change: Callable[[Person], None], added: Person) -> None:
    with (ROOT / USERS).open(newline="", encoding="utf-8") as source:
        people = list(csv.DictReader(source))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(people[0]))
        writer.writeheader()
        for person in people:
            change(person)
            writer.writerow(person)
        writer.writerow(added)
