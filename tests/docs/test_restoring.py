"""The page for a bad day, followed to the letter by somebody who reads nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.docs.pages import ID, ROOT, Page, Project
from tests.docs.test_pages import REFERENCE_PAGES, reference_project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STEPS, REFUSALS = (ROOT / "docs/restoring.md").read_text(encoding="utf-8").split("## When a step refuses")
LADDERS = ROOT / "commands/people/data/ladders/ladders.csv"
_KEPT = re.compile(rf"The state before is kept in backup ({ID.pattern})")
_DAMAGE = """
from commands.people.models import Ladder
Ladder.objects.filter(code='TL').delete()
Ladder.objects.create(code='NEW', name='Added since')
"""

# Every command of the page in its order, with what the page promises of it.
PROMISED = (
    ("import_runs", r"^RUN .* verified +ladders "),
    ("undo_import RUN --dry-run", r"conflict"),
    ("import_runs RUN", r"^Backup +\S+/ID$"),
    ("list_backups -v 2", r"^ID .*\n    people_ladder: 4$"),
    ("verify_backup ID --rehearse", r"^ID  good, and restorable here$"),
    ("restore_backup ID --dry-run", r"^people_ladder: 1 rows would be inserted, 3 updated, 0 deleted"),
    ("restore_backup ID --dry-run --mode exact", r"^people_ladder: 1 rows would be inserted, 3 updated, 1 deleted"),
    ("list_backups --pin ID", r"^ID .* pinned$"),
    ("restore_backup ID", r"^people_ladder: 1 rows were inserted, 3 updated, 0 deleted"),
    ("restore_backup ID --mode exact --allow-delete", r"people_ladder: 0 rows were inserted, 0 updated, 1 deleted"),
    ("validate_import all", r"^No check found an error\.$"),
    ("restore_backup ID --dry-run", r"^1 of 1 tables were as in the backup"),
    (
        "restore_backup THAT_ID --mode exact --allow-delete",
        r"people_ladder: 1 rows were inserted, 0 updated, 0 deleted",
    ),
    ("list_backups --unpin ID", r"^ID ((?!pinned).)*$"),
)


@pytest.fixture
def project(tmp_path: Path, database_url: str) -> Iterator[Project]:
    """The reference project, with the ladders in it."""
    with reference_project(Page(REFERENCE_PAGES[0]), tmp_path, database_url) as project:
        _succeed(project, "migrate -v 0", f"import_ladders_prod --csv {LADDERS}")
        yield project


@pytest.fixture
def bad_day(project: Project, tmp_path: Path) -> Project:
    """It, after a wrong file; and a record was deleted since, another one added."""
    header, *lines = LADDERS.read_text().splitlines()
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("\n".join([header, *(line.replace(",", ",Wrong ", 1) for line in lines)]))
    _succeed(project, f"import_ladders_prod --csv {wrong}", f'shell -c "{_DAMAGE}"')
    return project


def _succeed(project: Project, *commands: str) -> None:
    for command in commands:
        printed = project.run(f"python manage.py {command}")
        assert project.exit_code == 0, printed


def test_every_command_of_the_page_does_what_the_page_says(bad_day: Project) -> None:
    """In its order, on a wrong import with edits since: what is shown, what is refused, what comes back."""
    commands = re.findall(r"^    python manage\.py (.+)$", STEPS, re.MULTILINE)
    assert commands == [command for command, _ in PROMISED]
    names = {"RUN": bad_day.last_run, "ID": _backup_of(bad_day, bad_day.last_run)}
    for command, promised in PROMISED:
        printed = bad_day.execute(f"python manage.py {_named(command, names)}", answer="yes\n")
        assert re.search(_named(promised, names), printed, re.MULTILINE), f"{command}\n{printed}"
        assert bad_day.exit_code == (1 if command.startswith("undo_import") else 0), f"{command}\n{printed}"
        if kept := _KEPT.search(printed):
            names["THAT_ID"] = kept[1]


def test_an_undo_that_is_enough_is_the_whole_way_back(project: Project) -> None:
    """Step 2, where nobody has changed anything since."""
    command = f"python manage.py undo_import {project.last_run} --delete-created"
    assert "4 that the run created, deleted" in project.execute(f"{command} --dry-run")
    assert "4 that the run created, deleted" in project.execute(command, answer="yes\n")
    assert "is undone already" in project.execute(command, answer="yes\n")


def test_every_message_that_the_page_explains_is_one_of_the_library() -> None:
    """Somebody searches the page for what the screen says."""
    messages = re.findall(r"`([^`]+)`", "".join(re.findall(r"^\| (`.+?) \|", REFUSALS, re.MULTILINE)))
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "safe_import").rglob("*.py"))
    joined = re.sub(r"\"\s+f?\"", "", source)
    for message in messages:
        for part in re.split(r"\.\.\.|sqlite|postgresql", message):
            assert part.strip() in joined, message
    assert len(messages) > 15


def _backup_of(project: Project, run: str) -> str:
    shown = project.execute(f"python manage.py import_runs {run}")
    backup = re.search(rf"^Backup +\S+/({ID.pattern})$", shown, re.MULTILINE)
    assert backup
    return backup[1]


def _named(text: str, names: dict[str, str]) -> str:
    return re.sub(r"\b(THAT_ID|ID|RUN)\b", lambda found: names[found[0]], text)
