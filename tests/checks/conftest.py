"""A small sound world of people, and the means to take the database's constraints away."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import pytest
from django.apps import apps
from django.db import connection

from commands.people import models as people

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def unconstrained(db: None) -> Iterator[None]:
    """Take every constraint from the tables of the people app, until the test's transaction is rolled back."""
    models = [*apps.get_app_config("people").get_models(include_auto_created=True)]
    tables = [model._meta.db_table for model in models]
    with connection.cursor() as cursor:
        for statement in _WITHOUT_CONSTRAINTS[connection.vendor](tables):
            cursor.execute(statement)
        yield
        if connection.vendor == "mysql":
            cursor.execute(f"DROP TEMPORARY TABLE {', '.join(tables)}")


def _without_constraints_mariadb(tables: list[str]) -> list[str]:
    """A temporary table hides the one of the same name; any other way would commit."""
    statements = []
    for table in tables:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT concat('`', column_name, '` ', replace(column_type, 'unsigned', ''), ' NULL')"
                " FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = %s"
                " ORDER BY ordinal_position",
                [table],
            )
            columns = ", ".join(column for (column,) in cursor)
        statements += [
            f"CREATE TEMPORARY TABLE copied AS SELECT * FROM {table}",
            f"CREATE TEMPORARY TABLE {table} ({columns})",
            f"INSERT INTO {table} SELECT * FROM copied",
            "DROP TEMPORARY TABLE copied",
        ]
    return statements


def _without_constraints_sqlite(tables: list[str]) -> list[str]:
    """What CREATE TABLE AS makes has the columns alone. Parents lose theirs last: dropping one checks its children."""
    copies = [f'CREATE TABLE "copy_{table}" AS SELECT * FROM "{table}"' for table in tables]
    drops = [f'DELETE FROM "{table}"' for table in tables] + [f'DROP TABLE "{table}"' for table in tables]
    return [*copies, *drops, *(f'ALTER TABLE "copy_{table}" RENAME TO "{table}"' for table in tables)]


def _without_constraints_postgresql(tables: list[str]) -> list[str]:
    statements = []
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(
                "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype <> 'n'", [table]
            )
            statements += [f'ALTER TABLE {table} DROP CONSTRAINT IF EXISTS "{name}" CASCADE' for (name,) in cursor]
            cursor.execute("SELECT indexrelid::regclass FROM pg_index WHERE indrelid = %s::regclass", [table])
            statements += [f"DROP INDEX IF EXISTS {index}" for (index,) in cursor]
            cursor.execute(
                "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnotnull AND attnum > 0"
                " AND attidentity = ''",
                [table],
            )
            statements += [f'ALTER TABLE {table} ALTER COLUMN "{name}" DROP NOT NULL' for (name,) in cursor]
    return sorted(statements, key=lambda statement: "DROP CONSTRAINT" not in statement)


_WITHOUT_CONSTRAINTS = {
    "sqlite": _without_constraints_sqlite,
    "postgresql": _without_constraints_postgresql,
    "mysql": _without_constraints_mariadb,
}


@pytest.fixture
def world(db: None) -> None:
    """Records that keep every rule, warnings included. Every record has the primary key 1 or 2."""
    department = people.Department.objects.create(pk=1, name="Engineering")
    users = [
        people.User.objects.create(pk=pk, email=f"user{pk}@example.org", name=f"User {pk}", department=department)
        for pk in (1, 2)
    ]
    _organization(department, users)
    _history(users, _ladders())


def _organization(department: people.Department, users: list[people.User]) -> None:
    first, second = users
    organization = people.Organization.objects.create(pk=1, name="Example", ceo=first)
    chapter = people.Chapter.objects.create(pk=1, name="Builders", department=department, leader=first)
    tribe = people.Tribe.objects.create(
        pk=1, name="Makers", department=department, engineering_director=first, product_director=second
    )
    team = people.Team.objects.create(pk=1, name="Crew", department=department, tribe=tribe, leader=second)
    links = {"organization": organization, "chapter": chapter, "team": team, "leader": first, "agile_coach": second}
    people.User.objects.update(**links)
    committee = people.Committee.objects.create(pk=1, name="CEO Committee")
    people.Committee.members.through.objects.create(pk=1, committee=committee, user=first)


def _ladders() -> people.Ladder:
    for pk in (1, 2):
        ladder = people.Ladder.objects.create(pk=pk, code=f"L{pk}", name=f"Ladder {pk}")
        aspect = people.LadderAspect.objects.create(pk=pk, ladder=ladder, code="TECH", name="Technology")
        people.LadderLevel.objects.create(pk=pk, ladder=ladder, aspect=aspect, level=1, stage="EARLY")
    return ladder


def _history(users: list[people.User], ladder: people.Ladder) -> None:
    band = people.PayBand.objects.create(pk=1, number="20.5")
    for user in users:
        day = datetime.date(2024, 1, user.pk)
        event = people.TimelineEvent.objects.create(
            pk=user.pk, user=user, event_type="MAPPING", effective_date=day, created_by=user
        )
        both = {"pk": user.pk, "user": user, "effective_date": day, "source_event": event}
        people.CompensationSnapshot.objects.create(**both, pay_band=band)
        people.SenioritySnapshot.objects.create(**both, ladder=ladder)
