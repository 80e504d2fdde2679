"""What scripts and the Django shell get does what the commands do."""

from __future__ import annotations

import io
import logging
import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management.base import BaseCommand

from safe_import import _prod_utils
from safe_import._prod_utils import DatabaseBackup, RowValidator, run_import
from safe_import.backup.verify import verify_backup
from safe_import.errors import Refused, SourceError
from safe_import.sources.given import GivenRows
from tests.testapp.models import Box, Thing
from tests.testapp.specs import NodeRow, ThingRow, ThingsImport

if TYPE_CHECKING:
    from safe_import.records import Problem
    from tests.testapp.importing import Importer


def test_everything_is_in_one_place() -> None:
    """And its names mean something."""
    assert set(_prod_utils.__all__) == {
        "AuditLogger", "DataValidator", "DatabaseBackup", "DevImportCommand", "ProdImportCommand", "RowValidator",
        "run_import",
    }  # fmt: skip
    assert all(hasattr(_prod_utils, name) for name in _prod_utils.__all__)


# -- backups


def a_command() -> tuple[BaseCommand, io.StringIO, io.StringIO]:
    """A management command, and both of its outputs."""
    out, err = io.StringIO(), io.StringIO()
    return BaseCommand(stdout=out, stderr=err), out, err


@pytest.mark.django_db(transaction=True)
def test_a_backup_holds_every_table_and_is_brought_back(backup_root: Path) -> None:
    """It is one as the commands write them; missing and changed rows come back, added ones stay."""
    Box.objects.create(name="red")
    Box.objects.create(name="blue")
    command, out, _ = a_command()
    backup = DatabaseBackup(command)
    path = backup.create_backup("before the move")
    manifest = verify_backup(path)
    assert manifest.name == "before the move"
    assert {"testapp_box", "people_user", "safe_import_run"} <= {table.name for table in manifest.tables}
    assert path.parent == backup_root
    Box.objects.filter(name="red").delete()
    Box.objects.filter(name="blue").update(name="azure")
    Box.objects.create(name="new")
    assert backup.restore_backup(path) is True
    assert set(Box.objects.values_list("name", flat=True)) == {"red", "blue", "new"}
    assert str(path) in out.getvalue()
    assert backup.restore_backup(path.name) is True  # its id does as well


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("backup_root")
def test_a_backup_that_cannot_be_restored_is_false_with_the_reason_told(caplog: pytest.LogCaptureFixture) -> None:
    """To the command and to the logger; nothing is changed."""
    Box.objects.create(name="red")
    command, _, err = a_command()
    backup = DatabaseBackup(command, logging.getLogger("tests.backups"))
    path = backup.create_backup("")
    chunk = next(path.glob("testapp_box*"))
    chunk.write_bytes(chunk.read_bytes()[:-1])
    Box.objects.update(name="changed")
    assert backup.restore_backup(path) is False
    assert Box.objects.get().name == "changed"
    assert chunk.name in err.getvalue()
    assert chunk.name in caplog.text


# -- rows

FILE = "code,price,prise\na,1.5,\nb,x,\n,2,\n"
PROBLEMS = {("prise", "unknown_column"), ("price", "not_a_number"), ("code", "required")}


def found(problems: list[Problem]) -> set[tuple[str | None, str]]:
    """Columns and codes."""
    return {(problem.column, problem.code) for problem in problems}


@pytest.mark.parametrize("rows", [ThingsImport, ThingRow, (ThingRow,)])
def test_a_file_is_validated_without_a_database(rows: Any, tmp_path: Path) -> None:
    """By a spec, a row model, or several."""
    path = tmp_path / "things.csv"
    path.write_text(FILE)
    problems = RowValidator(rows).problems(path)
    assert found(problems) == PROBLEMS
    assert [problem.line for problem in problems] == [1, 3, 4]


def test_rows_of_a_program_are_validated_as_those_of_a_file() -> None:
    """Mappings {header: value}; they count from 1."""
    rows: list[dict[str, Any]] = [{"code": "a", "price": 1.5}, {"code": "b", "price": "x"}, {"price": 2, "prise": None}]
    problems = RowValidator(ThingsImport).problems(rows)
    assert found(problems) == PROBLEMS
    assert {(problem.line, problem.code) for problem in problems} >= {(2, "not_a_number"), (3, "required")}
    assert RowValidator(NodeRow).problems([{"code": "a"}, {"code": "b", "parent": "a"}]) == []


def test_no_rows_are_an_error_as_an_empty_file_is() -> None:
    """Nobody means to import nothing."""
    with pytest.raises(SourceError, match="no rows"):
        RowValidator(NodeRow).problems([])


@pytest.mark.django_db(transaction=True)
def test_the_validator_finds_what_an_import_finds(importing: Importer) -> None:
    """The same problems, in the same words."""
    with pytest.raises(Refused) as refused:
        importing(ThingsImport, FILE)
    file = importing.folder / "input1.csv"
    assert RowValidator(ThingsImport).problems(file) == list(refused.value.problems)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("backup_root")
def test_rows_of_a_program_are_imported() -> None:
    """With a hash of their own, so that the run's record says what was imported."""
    rows = [{"code": "a", "name": "x"}, {"code": "b", "name": ""}]
    assert run_import(ThingsImport, GivenRows(rows)).rows.created == 2
    assert Thing.objects.get(code="a").name == "x"
    assert GivenRows(rows).sha256() == GivenRows(list(rows)).sha256() != GivenRows(rows[:1]).sha256()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("backup_root")
def test_the_example_of_the_documentation_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it stands in docs/commands.md."""
    page = (Path(__file__).parent.parent / "docs" / "commands.md").read_text(encoding="utf-8")
    script = tmp_path / "script.py"
    script.write_text(page.split("```python\n")[1].split("```")[0], encoding="utf-8")
    (tmp_path / "users.csv").write_text("Name,Email\nAda,ada@x.example\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    names = runpy.run_path(str(script))
    assert names["problems"] == []
    assert names["backup"].is_dir()
    assert (names["result"].state, names["result"].rows.created) == ("planned", 1)
    assert (tmp_path / "audit.jsonl").is_file()
