"""Files from strangers, all the way into the database: renamed and ignored columns, rejects that are corrected."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from safe_import.errors import Refused
from safe_import.models import Run
from safe_import.pipeline import run_import
from safe_import.spec.import_spec import ImportSpec
from safe_import.spec.row import Row
from safe_import.types import Duration, Time, Uuid
from tests.testapp.models import Shift, Thing
from tests.testapp.specs import ThingsImport

if TYPE_CHECKING:
    from pathlib import Path

    from tests.testapp.importing import Importer

pytestmark = pytest.mark.django_db(transaction=True)


def test_columns_that_are_called_otherwise_are_renamed(importing: Importer) -> None:
    """By the mapping alone; the problems name them as the file does."""
    text = "Kennung,Bezeichnung,price\na,x,1\nb,y,one\n"
    renames = {"Kennung": "code", "Bezeichnung": "name"}
    with pytest.raises(Refused) as refused:
        importing(ThingsImport, text.replace("1", "1.555"), renames=renames | {"Bezeichnung": "price", "x": "code"})
    assert {(problem.column, problem.code) for problem in refused.value.problems} >= {
        ("Bezeichnung", "doubled_column"),
        ("x", "renamed_column"),
    }
    importing(ThingsImport, text, renames=renames, on_error="continue")
    assert list(Thing.objects.values_list("code", "name")) == [("a", "x")]


def test_a_rename_to_a_column_that_the_import_does_not_know_is_an_error(importing: Importer) -> None:
    """With the nearest that it knows."""
    with pytest.raises(Refused) as refused:
        importing(ThingsImport, "code,Bezeichnung\na,x\n", renames={"Bezeichnung": "nme"})
    assert ["renamed to an unknown column; did you mean 'name'?" in str(p) for p in refused.value.problems].count(True)


@pytest.mark.parametrize("on_error", ["rollback", "continue"])
def test_unknown_columns_are_left_out_where_that_is_wanted(on_error: str, importing: Importer) -> None:
    """With a remark each; misspelt or not, and without a name."""
    text = "code,nmae,\na,x,y\n"
    result = importing(ThingsImport, text, ignore_unknown=True, on_error=on_error)
    assert [(remark.column, remark.code) for remark in result.warnings] == [
        ("nmae", "column_ignored"),
        (None, "column_ignored"),
    ]
    assert list(Thing.objects.values_list("code", "name")) == [("a", "")]


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_rejected_rows_that_are_corrected_are_linked_to_the_run_that_rejected_them(
    suffix: str, importing: Importer, tmp_path: Path
) -> None:
    """And their other cells are what they were."""
    path = tmp_path / f"rejects{suffix}"
    text = "code,price,note\na,1,\n=b,one,=1+1\n"
    first = importing(ThingsImport, text, on_error="continue", rejects=str(path))
    assert (first.exit_code, first.rejects) == (3, str(path))
    _correct(path, "one", 2)
    second = run_import(ThingsImport, path)
    assert second.exit_code == 0
    assert Run.objects.get(id=second.run).parent == first.run
    assert Run.objects.get(id=first.run).parent == ""
    assert list(Thing.objects.order_by("id").values_list("code", "price", "note")) == [
        ("a", 1, None),
        ("=b", 2, "=1+1"),
    ]


def _correct(path: Path, old: str, new: Any) -> None:
    """Put another value into a cell, as a person would."""
    if path.suffix == ".csv":
        path.write_text(path.read_text(encoding="utf-8").replace(f",{old},", f",{new},"), encoding="utf-8")
        return
    book = openpyxl.load_workbook(path)
    for row in book.active.iter_rows():
        for cell in row:
            if cell.value == old:
                cell.value = new
    book.save(path)


def test_a_sheet_is_imported_with_its_types(tmp_path: Path, backup_root: Path) -> None:
    """Numbers, dates and booleans; what stands in an error cell is refused by line and column."""
    book = openpyxl.Workbook()
    for row in (["code", "price", "active", "born"], [4915112345678, 1.5, False, None], ["b", "=1/0", True, None]):
        book.active.append(row)
    book.save(tmp_path / "things.xlsx")
    with pytest.raises(Refused) as refused:
        run_import(ThingsImport, tmp_path / "things.xlsx")
    assert [(p.line, p.column, p.code) for p in refused.value.problems] == [(3, "price", "formula_without_value")]
    run_import(ThingsImport, tmp_path / "things.xlsx", on_error="continue", rejects=str(tmp_path / "r.xlsx"))
    assert list(Thing.objects.values_list("code", "price", "active")) == [("4915112345678", 1.5, False)]


class ShiftRow(Row):
    """A time, a length of time, an identity."""

    identity: Uuid
    begins: Time
    lasts: Duration | None = None

    clearable = ("lasts",)


class ShiftsImport(ImportSpec, register=False):
    """Recognised by its identity."""

    row = ShiftRow
    model = Shift
    key = "identity"


_IDENTITY = "6f1c2e0a-9b1d-4c7e-8a53-0d2f4b6c8e10"


def test_times_lengths_of_time_and_identities_land_as_they_are(importing: Importer) -> None:
    """In whatever spelling they come again, nothing changes; an update is one, and clearing empties."""
    text = f"identity,begins,lasts\n{_IDENTITY},17:30,36:30:00.5\n"
    assert importing(ShiftsImport, text).rows.created == 1
    assert list(Shift.objects.values_list("begins", "lasts")) == [
        (dt.time(17, 30), dt.timedelta(hours=36.5, seconds=0.5))
    ]
    again = f"identity,begins,lasts\n{_IDENTITY.upper().replace('-', '')},17:30:00,P1DT12H30M0.5S\n"
    assert importing(ShiftsImport, again).rows.unchanged == 1
    assert importing(ShiftsImport, again.replace("17:30", "18:30")).rows.updated == 1
    assert importing(ShiftsImport, f"identity,begins,lasts\n{_IDENTITY},18:30,\\N\n").rows.updated == 1
    assert list(Shift.objects.values_list("begins", "lasts")) == [(dt.time(18, 30), None)]


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_rejected_times_and_lengths_of_time_are_imported_again(
    suffix: str, importing: Importer, tmp_path: Path
) -> None:
    """The rejects file keeps what they are."""
    book = openpyxl.Workbook()
    book.active.append(("identity", "begins", "lasts"))
    book.active.append(("wrong", dt.time(17, 30), dt.timedelta(hours=-36, minutes=-30)))
    book.active.append((_IDENTITY, dt.time(17, 30), dt.timedelta(hours=1)))
    book.save(tmp_path / "shifts.xlsx")
    rejects = tmp_path / f"rejects.{suffix}"
    run_import(ShiftsImport, tmp_path / "shifts.xlsx", on_error="continue", rejects=str(rejects))
    _correct(rejects, "wrong", _IDENTITY.replace("6", "7"))
    run_import(ShiftsImport, rejects)
    assert set(Shift.objects.values_list("begins", "lasts")) == {
        (dt.time(17, 30), dt.timedelta(hours=1)),
        (dt.time(17, 30), dt.timedelta(hours=-36, minutes=-30)),
    }
