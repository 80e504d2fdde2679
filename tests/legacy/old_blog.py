"""The database of the old blog, as its users left it."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_TABLES = """
    CREATE TABLE authors (id INTEGER PRIMARY KEY, Firstname TEXT, Lastname TEXT, EmailAddress TEXT);
    CREATE TABLE posts (id INTEGER PRIMARY KEY, Title TEXT, Body TEXT, Posted TEXT, Author INTEGER);
    CREATE TABLE comments (id INTEGER PRIMARY KEY, Message TEXT, Author INTEGER, PostedAt TEXT, Post INTEGER);
    INSERT INTO authors VALUES (3, 'Ada', 'Lovelace', 'ada@old.example'), (7, 'Alan', 'Turing', NULL);
    INSERT INTO posts VALUES
        (10, 'On engines', ' They weave. ', '2014-10-13 08:36:59', 3), (11, 'On thought', '', '2015-01-02 00:00:00', 7);
    INSERT INTO comments VALUES
        (20, 'Indeed', 7, '2014-10-14 09:00:00', 10), (21, 'Anonymous', NULL, '2014-10-15 10:00:00', 10),
        (22, 'Hm', 3, '2015-01-03 11:00:00', 11);
"""


def make_old_blog(path: Path) -> Path:
    """Write the file: two authors, two posts, three comments, one of them by nobody."""
    with sqlite3.connect(path) as connection:
        connection.executescript(_TABLES)
    connection.close()
    return path


def change_old_blog(path: Path, sql: str) -> None:
    """Somebody goes on using the old blog."""
    with sqlite3.connect(path) as connection:
        connection.executescript(sql)
    connection.close()
