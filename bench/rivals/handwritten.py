"""The limit: SQL written by hand for this one file and this one table, without any of the guarantees."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from bench.data import HEADER
from bench.models import Team

if TYPE_CHECKING:
    from pathlib import Path

    from django.db.models import Model

_STAGE = """CREATE TEMP TABLE stage (email text, name text, city text, about text, active boolean, joined date,
    salary numeric, score double precision, team text) ON COMMIT DROP"""
_COLUMNS = "email, name, city, about, active, joined, salary, score, team_id"
_VALUES = [column for column in _COLUMNS.split(", ") if column != "email"]
# What has not changed is not written: that is faster than to write it, and leaves no dead rows behind.
_SET = f"DO UPDATE SET {', '.join(f'{column} = excluded.{column}' for column in _VALUES)}"
_NEW = f"({', '.join(f'excluded.{column}' for column in _VALUES)})"


def upsert(path: Path, model: type[Model]) -> None:
    """Bring the file into the table of ``model``."""
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            _postgresql(cursor, path, model._meta.db_table)
        else:
            _sqlite(cursor, path, model._meta.db_table)


def _postgresql(cursor: Any, path: Path, table: str) -> None:
    cursor.execute(_STAGE)
    with path.open("rb") as file:
        _copy(cursor, "COPY stage FROM STDIN (FORMAT csv, HEADER)", file)
    old = f"({', '.join(f'p.{column}' for column in _VALUES)})"
    cursor.execute(
        f"INSERT INTO {table} AS p ({_COLUMNS})"
        " SELECT s.email, s.name, s.city, s.about, s.active, s.joined, s.salary, s.score, t.id"
        f" FROM stage s JOIN bench_team t ON t.name = s.team"
        f" ON CONFLICT (lower(email)) {_SET} WHERE {old} IS DISTINCT FROM {_NEW}"
    )


def _copy(cursor: Any, sql: str, file: Any) -> None:
    if hasattr(cursor, "copy_expert"):  # psycopg 2
        cursor.copy_expert(sql, file)
        return
    with cursor.copy(sql) as copy:
        while block := file.read(2**20):
            copy.write(block)


def _sqlite(cursor: Any, path: Path, table: str) -> None:
    teams = dict(Team.objects.values_list("name", "id"))
    old = f"({', '.join(f'{table}.{column}' for column in _VALUES)})"
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.reader(file)
        next(lines)
        cursor.executemany(
            f"INSERT INTO {table} ({_COLUMNS}) VALUES ({', '.join(['%s'] * len(HEADER))})"
            f" ON CONFLICT (email) {_SET} WHERE {old} IS NOT {_NEW}",
            (
                # SQLite itself would read the last digits of a float wrong.
                (*line[:4], line[4] == "true", *line[5:7], float(line[7]), teams[line[8]])
                for line in lines
            ),
        )
