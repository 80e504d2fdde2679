"""A dry run shows its whole difference on demand, in a private file that no spreadsheet runs anything of."""

from __future__ import annotations

import csv
import html
import io
import re
import stat
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from safe_import.errors import SourceError, UsageError
from tests.testapp.models import Box, Node, Thing
from tests.testapp.specs import NodesImport, ThingsImport

if TYPE_CHECKING:
    from pathlib import Path

    from tests.testapp.importing import Importer

pytestmark = pytest.mark.django_db(transaction=True)

COLUMNS = ["safe_import_change", "line", "model", "record", "key", "field", "before", "after"]
TEXT = "code,name,price,note,box\nold,new,2.5,\\N,red\nsame,x,,,\nadded,=1+1,,<b>,\n"


@pytest.fixture
def expected() -> list[list[Any]]:
    """Two things of which one is changed; and what ``TEXT`` changes."""
    box = Box.objects.create(name="red")
    old = Thing.objects.create(code="old", name="before", price=Decimal(1), note="n")
    Thing.objects.create(code="same", name="x")
    return [
        ["update", 2, "testapp.Thing", str(old.pk), "old", "name", "before", "new"],
        ["update", 2, "testapp.Thing", str(old.pk), "old", "price", "1", "2.5"],
        ["update", 2, "testapp.Thing", str(old.pk), "old", "note", "n", None],
        ["update", 2, "testapp.Thing", str(old.pk), "old", "box", None, str(box.pk)],
        ["create", 4, "testapp.Thing", None, "added", "code", None, "added"],
        ["create", 4, "testapp.Thing", None, "added", "name", None, "'=1+1"],
        ["create", 4, "testapp.Thing", None, "added", "note", None, "<b>"],
    ]


def _sheet(path: Path) -> list[list[Any]]:
    return [list(row) for row in openpyxl.load_workbook(path).active.iter_rows(values_only=True)]


def _page(path: Path) -> list[list[Any]]:
    rows = re.findall(r"<tr>(.*)", path.read_text(encoding="utf-8"))
    return [[html.unescape(cell) for cell in re.split("<t[hd]>", row)[1:]] for row in rows]


def _text(path: Path) -> list[list[Any]]:
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))


@pytest.mark.parametrize(("suffix", "read"), [(".csv", _text), (".xlsx", _sheet), (".html", _page)])
@pytest.mark.parametrize("way", ["dry_run", "rehearse"])
def test_every_field_that_would_be_written_stands_there_before_and_after(
    suffix: str, read: Any, way: str, expected: list[list[Any]], importing: Importer, tmp_path: Path
) -> None:
    """And nothing that stays as it is."""
    path = tmp_path / f"difference{suffix}"
    importing(ThingsImport, TEXT, diff=str(path), **{way: True})
    rows = [[str(cell or "") for cell in row] for row in read(path)]
    wanted = [COLUMNS, *[[str(cell or "") for cell in row] for row in expected]]
    if suffix == ".html":
        wanted = [[cell.replace("'=", "=") for cell in row] for row in wanted]
    settled = [[re.sub(r"^([\d.]+?)\.?0*$", r"\1", cell) for cell in row] for row in rows]  # 1.00 on PostgreSQL
    assert settled == [[re.sub(r"^([\d.]+?)\.?0*$", r"\1", cell) for cell in row] for row in wanted]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Thing.objects.count() == 2


def test_links_to_records_of_the_same_file_are_named_as_such(importing: Importer, tmp_path: Path) -> None:
    """They have no primary key yet."""
    parent = Node.objects.create(code="x")
    importing(NodesImport, "code,parent\na,b\nb,x\n", dry_run=True, diff=str(tmp_path / "d.csv"))
    links = {row[4]: row[7] for row in _text(tmp_path / "d.csv") if row[5] == "parent"}
    assert links == {"a": "(new record)", "b": str(parent.pk)}


def test_an_earlier_difference_is_kept_and_no_other_file_is_touched(importing: Importer, tmp_path: Path) -> None:
    """Nor is a difference written by a run that commits."""
    for suffix in ("csv", "xlsx", "html"):
        for _ in range(2):
            importing(ThingsImport, "code\na\n", dry_run=True, diff=str(tmp_path / f"d.{suffix}"))
        assert (tmp_path / f"d.1.{suffix}").exists()
    (tmp_path / "mine.csv").write_text("mine")
    with pytest.raises(SourceError, match="is no difference"):
        importing(ThingsImport, "code\na\n", dry_run=True, diff=str(tmp_path / "mine.csv"))
    with pytest.raises(UsageError, match="dry run"):
        importing(ThingsImport, "code\na\n", diff=str(tmp_path / "other.csv"))


def test_a_value_that_no_sheet_can_hold_is_not_cut(importing: Importer, tmp_path: Path) -> None:
    """Another format is asked for."""
    with pytest.raises(SourceError, match=r"\.csv or \.html"):
        importing(ThingsImport, f"code,note\na,{'x' * 40_000}\n", dry_run=True, diff=str(tmp_path / "d.xlsx"))
    assert not (tmp_path / "d.xlsx").exists()
