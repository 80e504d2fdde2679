"""How long migrations take: set-based, with a hook around each record, and with a savepoint around each.

    DATABASE_URL=... python -m tests.legacy.measure [ROWS]

Writes to the database that DATABASE_URL names, which should be one of its own, and rolls back.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command

_SCHEMA = """
    CREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE comments (id INTEGER PRIMARY KEY, text TEXT, author INTEGER, day TEXT);
"""
_AUTHORS = 1000


def _fill(path: Path, rows: int) -> None:
    with sqlite3.connect(path) as old:
        old.executescript(_SCHEMA)
        old.executemany("INSERT INTO authors VALUES (?, ?)", ((n, f"author {n}") for n in range(1, _AUTHORS + 1)))
        made = ((n, f"comment {n} " * 5, n % _AUTHORS + 1, "2014-10-13 08:36:59+00:00") for n in range(rows))
        old.executemany("INSERT INTO comments VALUES (?, ?, ?, ?)", made)
    old.close()


def main(rows: int, folder: Path) -> None:
    """Run each kind of migration once, and print the seconds that it took."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "commands.settings")
    django.setup()
    from commands.legacy_blog.models import Author, Comment  # noqa: PLC0415 - once the apps are there
    from safe_import.legacy import Migration, is_a  # noqa: PLC0415
    from safe_import.legacy.run import migrate  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    path = folder / "old.sqlite3"
    _fill(path, rows)
    opening = classmethod(lambda cls: sqlite3.connect(path))
    people: dict[str, Any] = {
        "query": "SELECT id, name AS username, name AS firstname, name AS lastname FROM authors",
        "model": Author,
        "open_db_connection": opening,
    }
    comments: dict[str, Any] = {
        "query": "SELECT id, text AS message, author, day AS posted FROM comments",
        "model": Comment,
        "depends_on": [Author],
        "column_description": {"author": is_a(Author, search_attr="id", fk=True)},
        "open_db_connection": opening,
    }
    nothing = classmethod(lambda cls, one, other: None)
    hooks = {"set-based": {}, "hook_after_save": {"hook_after_save": nothing},
             "hook_error_creating_instance": {"hook_error_creating_instance": nothing}}  # fmt: skip
    for name, hook in hooks.items():
        began = time.perf_counter()
        migrate([type("Authors", (Migration,), people), type("Comments", (Migration,), {**comments, **hook})])
        sys.stdout.write(f"{rows:,} rows, {name}: {time.perf_counter() - began:.1f} s\n")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        main(int(sys.argv[1]) if sys.argv[1:] else 50_000, Path(directory))
