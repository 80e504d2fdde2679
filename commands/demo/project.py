"""The reference project with a database and a backup folder of its own, run as a person runs it: by its commands."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from commands.demo.screen import Screen

ROOT = Path(__file__).resolve().parent.parent.parent

_FATES = ("created", "updated", "unchanged", "skipped", "rejected")
_ROWS = re.compile(r"^Rows +([\d,]+) read = " + r" \+ ".join(rf"([\d,]+) {fate}" for fate in _FATES), re.MULTILINE)

_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'people_%' ORDER BY name"


class DemoFailed(Exception):
    """Something did not do what the demo says."""


@dataclass(frozen=True)
class Outcome:
    """What a command came to: its words, its output and its exit code."""

    line: str
    output: str
    exit_code: int

    def rows(self) -> dict[str, int]:
        """The ledger that the report shows: ``read`` and every fate that some row has."""
        found = _ROWS.search(self.output)
        if found is None:
            raise DemoFailed(f"the report of this command shows no rows: {self.line}")
        counts = zip(("read", *_FATES), found.groups(), strict=True)
        return {name: number for name, text in counts if (number := int(text.replace(",", "")))}

    def named(self, name: str) -> str:
        """A fact of the report, such as its run or its backup."""
        found = re.search(rf"^{name} +(\S+)$", self.output, re.MULTILINE)
        if found is None:
            raise DemoFailed(f"the report of this command names no {name.lower()}: {self.line}")
        return found[1]


class Project:
    """Runs commands in a folder of its own; the user's database is never touched.

    Args:
        folder: where database and backups are kept.
        screen: what shows the commands.
    """

    def __init__(self, folder: Path, screen: Screen) -> None:
        self.folder, self.screen = folder, screen
        self.database = folder / "demo.sqlite3"
        self.backups = folder / "backups"
        self.backups.mkdir(mode=0o700)
        self._environment = os.environ | {
            "DATABASE_URL": f"sqlite:///{self.database}",
            "SAFE_IMPORT_BACKUP_ROOT": str(self.backups),
            "SAFE_IMPORT_ENVIRONMENT": "production",
            "DJANGO_SETTINGS_MODULE": "commands.settings",
        }

    def run(self, line: str, *, lines: int | None = None, expected: int = 0) -> Outcome:
        """Run ``python manage.py`` with the rest of its line, and show both.

        Args:
            line: the words after ``python manage.py``, as a person would type them.
            lines: how many lines of the output are shown; all of them unless given.
            expected: the exit code that it must have.

        Raises:
            DemoFailed: it exits otherwise.
        """
        self.screen.command(f"python manage.py {line}")
        ended = subprocess.run(  # noqa: S603 - our own manage.py, with words of this demo
            [sys.executable, "manage.py", *shlex.split(line)],
            cwd=ROOT,
            env=self._environment,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        printed = ended.stdout.rstrip().splitlines()
        failed = ended.returncode != expected
        shown = printed if lines is None or failed else printed[:lines]
        self.screen.output(shown, len(printed) - len(shown))
        if ended.returncode:
            self.screen.exit_code(ended.returncode)
        if failed:
            raise DemoFailed(f"this command exits with {ended.returncode}, not with {expected}: {line}")
        return Outcome(line, ended.stdout, ended.returncode)

    # -- what the demo looks up itself, past the commands

    def file_hash(self) -> str:
        """The hash of the database file, byte by byte."""
        return hashlib.sha256(self.database.read_bytes()).hexdigest()

    def data_hash(self) -> str:
        """The hash of every value of every table of the people app."""
        total = hashlib.sha256()
        with closing(sqlite3.connect(self.database)) as database:
            for (table,) in database.execute(_TABLES):
                for row in database.execute(f'SELECT * FROM "{table}" ORDER BY rowid'):
                    total.update(repr((table, row)).encode())
        return total.hexdigest()

    def value(self, sql: str, *parameters: str) -> object:
        """The single value of a query."""
        with closing(sqlite3.connect(self.database)) as database:
            row = database.execute(sql, parameters).fetchone()
        return row[0] if row else None

    def backups_kept(self) -> list[str]:
        """The names of the folders in the backup root."""
        return sorted(path.name for path in self.backups.iterdir() if path.is_dir())
