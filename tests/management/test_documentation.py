"""``docs/commands.md`` has every flag, key, event and id, and none that is not there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

import pytest
from django.core.management import load_command_class
from django.core.management.base import BaseCommand

from safe_import import management, system_checks
from safe_import.events import Name
from safe_import.management.base import ProdImportCommand
from safe_import.records import RunResult
from safe_import.report.json import render_json
from tests.testapp.specs import ThingsImport

LEGACY = ("migrate_legacy_data", "migrate_this_shit")
PAGE = (Path(__file__).resolve().parent.parent.parent / "docs" / "commands.md").read_text(encoding="utf-8")


class Command(ProdImportCommand):
    """An import without options of its own."""

    spec = ThingsImport


def first_cells(title: str) -> list[str]:
    """The words in code style in the first column of a section's last table."""
    section = PAGE.split(f"## {title}\n")[1].split("\n## ")[0]
    cells = [line.split(" | ")[0] for line in section.splitlines() if line.startswith("| `")]
    return [word for cell in cells for word in re.findall(r"`([^`]+)`", cell)]


def flags_of(command: BaseCommand) -> set[str]:
    """Its long flags."""
    parser = command.create_parser("manage.py", "command")
    return {flag for action in parser._actions for flag in action.option_strings if flag.startswith("--")}


def test_every_flag_is_documented() -> None:
    """Those of every import, beside Django's own."""
    documented = {cell.split()[0] for cell in first_cells("Flags of every import")}
    assert documented == flags_of(Command()) - flags_of(BaseCommand())


def test_every_other_command_and_flag_is_documented() -> None:
    """Those that safe_import itself brings, but for the ones of legacy data, which have a page of their own."""
    section = PAGE.split("## The other commands\n")[1].split("\n## ")[0]
    common, _, table = section.partition("\n| ")
    rows = {re.split(r"[` ]", row)[1]: row for row in re.findall(r"^\| (`.*)$", table, re.MULTILINE)}
    commands = {path.stem for path in Path(management.__path__[0]).glob("commands/*.py")} - {"__init__", *LEGACY}
    assert rows.keys() == commands
    for name, row in rows.items():
        flags = flags_of(load_command_class("safe_import", name)) - flags_of(BaseCommand())
        assert flags == {flag for flag in re.findall(r"--[a-z-]+", common + row) if flag in flags}, name
        assert set(re.findall(r"--[a-z-]+", row)) <= flags, name


def test_every_key_of_the_report_is_in_the_example() -> None:
    """In the same order."""
    example = json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0])
    assert list(example) == list(json.loads(render_json(RunResult("users"))))
    assert set(first_cells("The JSON report")) <= example.keys()


def test_every_event_of_the_log_is_documented() -> None:
    """But for what only a progress bar is told."""
    assert set(first_cells("The audit log")) >= set(get_args(Name)) - {"progress"}


def test_every_check_is_documented() -> None:
    """By its id."""
    ids = {
        value for value in vars(system_checks).values() if isinstance(value, str) and value.startswith("safe_import.E")
    }
    assert set(first_cells("System checks")) == ids


def test_every_exit_code_is_documented() -> None:
    """From 0 to 5."""
    assert re.findall(r"^\| (\d) \|", PAGE, re.MULTILINE) == list("012345")


@pytest.mark.parametrize("name", re.findall(r"\]\(([a-z-]+\.md)\)", PAGE))
def test_links_to_other_pages_lead_somewhere(name: str) -> None:
    """No page is missing."""
    assert (Path(__file__).resolve().parent.parent.parent / "docs" / name).is_file()
