"""The catalogue and its file, the real one and changed ones."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command

from tests.people.conftest import Outcome
from tests.people.database import Contents, contents_of_database

if TYPE_CHECKING:
    from collections.abc import Callable

PROJECT = Path(__file__).resolve().parent.parent.parent
REAL = PROJECT / "commands" / "catalogue" / "data" / "applicationsData.ts"


def an_app(number: int, **values: Any) -> dict[str, Any]:
    """An app with everything that it needs, and what a test says."""
    return {
        "id": f"{number}_App",
        "Name_Ar": "تطبيق",
        "Name_En": f"App {number}",
        "Developer_Name_En": "Maker",
        "categories": [],
        "screenshots_ar": [],
        "screenshots_en": [],
        **values,
    }


def script(*apps: dict[str, Any], categories: tuple[dict[str, Any], ...] = ()) -> str:
    """A TypeScript file: the apps begin on the lines 2, 3, 4 ..."""
    lists = {"applicationsData": apps, "categories": categories}
    lines = [f"export const {name} = [\n{_lines(objects)}];\n" for name, objects in lists.items()]
    return "".join(lines)


def _lines(objects: tuple[dict[str, Any], ...]) -> str:
    return "".join(f"  {json.dumps(each, ensure_ascii=False)},\n" for each in objects)


@pytest.fixture
def importing(
    transactional_db: None, backup_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Outcome]:
    """Runs ``import_catalogue_prod``, or its twin, on a file or a text, in a folder of the test."""
    monkeypatch.chdir(tmp_path)

    def run(file: Path | str, *flags: str, production: bool = True) -> Outcome:
        path = file if isinstance(file, Path) else tmp_path / "apps.ts"
        if isinstance(file, str):
            path.write_text(file, encoding="utf-8")
        out, code = StringIO(), 0
        command = "import_catalogue_prod" if production else "import_catalogue"
        try:
            call_command(command, "--source", str(path), "--json", "--no-input", *flags, stdout=out, stderr=StringIO())
        except CommandError as error:
            code = error.returncode
        return Outcome(json.loads(out.getvalue()), code)

    return run


@pytest.fixture
def contents(transactional_db: None) -> Contents:
    """Reads every table and every sequence of the database."""
    return contents_of_database
