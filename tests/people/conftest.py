"""The import commands of the people domain, called as a program would call them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.people.database import Contents, contents_of_database

PROJECT = Path(__file__).resolve().parent.parent.parent
REAL = PROJECT / "commands" / "people" / "data"
MADE = PROJECT / "tests" / "data" / "people"


@dataclass(frozen=True)
class Outcome:
    """What a command printed as JSON, and what it exits with."""

    report: dict[str, Any]
    exit_code: int

    @property
    def rows(self) -> dict[str, int]:
        """The counts of the ledger that are not zero."""
        return {fate: count for fate, count in self.report["rows"].items() if count}

    @property
    def errors(self) -> list[tuple[int, str | None, str]]:
        """Line, column and code of each error."""
        return [(each["line"], each["column"], each["code"]) for each in self.report["errors"]]

    @property
    def warnings(self) -> list[tuple[int, str | None, str]]:
        """Line, column and code of each warning."""
        return [(each["line"], each["column"], each["code"]) for each in self.report["warnings"]]


class Importer:
    """Runs import commands, on files or on texts.

    Args:
        folder: where texts and rejects files are written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files = 0

    def __call__(self, name: str, file: Path | str, *flags: str, production: bool = True) -> Outcome:
        """Run ``import_<name>_prod``, or its twin for developers, on a file or a text."""
        path = self.written(file) if isinstance(file, str) else file
        command = f"import_{name}_prod" if production else f"import_{name}"
        out = StringIO()
        try:
            call_command(command, "--csv", str(path), "--json", "--no-input", *flags, stdout=out, stderr=StringIO())
            code = 0
        except CommandError as error:
            code = error.returncode
        return Outcome(json.loads(out.getvalue()), code)

    def written(self, text: str) -> Path:
        """Return a new file that holds the text."""
        self._files += 1
        path = self.folder / f"input{self._files}.csv"
        path.write_text(text, encoding="utf-8")
        return path

    def made_set(self, *parts: str) -> None:
        """Import the made set, or the named parts of it."""
        for name in parts or ("ladders", "org_structure", "users", "history"):
            flags = ["--create-users"] if name == "org_structure" else []
            outcome = self(name, MADE / f"{name}.csv", *flags)
            assert outcome.exit_code == 0, outcome.report


@pytest.fixture
def importing(transactional_db: None, backup_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Importer:
    """Runs import commands on an empty database; what they write beside the database lands in a folder of the test."""
    monkeypatch.chdir(tmp_path)
    return Importer(tmp_path)


@pytest.fixture
def data(contents: Contents) -> Contents:
    """Reads the same but for what the library keeps for itself: a run that was refused has a record of it."""
    return lambda: {name: rows for name, rows in contents().items() if not name.startswith("safe_import_")}


@pytest.fixture
def contents(transactional_db: None) -> Contents:
    """Reads every table and every sequence of the database."""
    return contents_of_database
