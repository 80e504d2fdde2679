"""The flags that say what the columns and the sheets of a file mean."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import openpyxl
import pytest

from safe_import._prod_utils import ProdImportCommand
from tests.management.running import run
from tests.testapp.models import Thing
from tests.testapp.specs import ThingsImport

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("backup_root")]


class Command(ProdImportCommand):
    """The command under test."""

    spec = ThingsImport


def test_a_mapping_file_renames_columns(file: Callable[[str], Path], tmp_path: Path) -> None:
    """Theirs to ours; columns that nobody knows are left out where that is said."""
    (tmp_path / "map.yaml").write_text("Kennung: code\nName: name\n")
    path = file("Kennung,Name,Farbe\na,x,red\n")
    assert run(Command, "--csv", path, "--map", tmp_path / "map.yaml").code == 1
    done = run(Command, "--csv", path, "--map", tmp_path / "map.yaml", "--ignore-unknown")
    assert (done.code, done.err) == (0, "")
    assert list(Thing.objects.values_list("code", "name")) == [("a", "x")]


@pytest.mark.parametrize(
    ("mapping", "reason"),
    [
        ("- a", "line 1: a mapping is expected"),
        ("a: b\na: c\n", "a name stands twice"),
        ("a: code\nb: code\n", "two columns stand for 'code'"),
        ("a:\n", "'a' stands for no column"),
        ("a: [b]\n", "'a' stands for no column"),
        ("a: {\n", "not YAML"),
        ("a: *b\n", "aliases"),
        (None, "no such file"),
    ],
)
def test_a_mapping_file_that_can_not_be_worked_with_is_wrong_usage(
    mapping: str | None, reason: str, file: Callable[[str], Path], tmp_path: Path
) -> None:
    """Before anything is read."""
    if mapping is not None:
        (tmp_path / "map.yaml").write_text(mapping)
    done = run(Command, "--csv", file("code\na\n"), "--map", tmp_path / "map.yaml")
    assert done.code == 2
    assert reason in done.err


def test_one_of_several_sheets_is_named(tmp_path: Path) -> None:
    """Without a name none is guessed."""
    book = openpyxl.Workbook()
    for sheet, code in ((book.active, "a"), (book.create_sheet("Other"), "b")):
        sheet.append(["code"])
        sheet.append([code])
    book.save(tmp_path / "book.xlsx")
    assert run(Command, "--file", tmp_path / "book.xlsx").code == 1
    assert run(Command, "--file", tmp_path / "book.xlsx", "--sheet", "Othr").code == 2
    assert run(Command, "--file", tmp_path / "book.xlsx", "--sheet", "Other").code == 0
    assert list(Thing.objects.values_list("code", flat=True)) == ["b"]


@pytest.mark.parametrize("flag", ["--log-file", "--diff"])
def test_no_flag_writes_into_the_file_that_is_read(flag: str, file: Callable[[str], Path], tmp_path: Path) -> None:
    """Also under another name of it; the file stays what it was."""
    path = file("code\na\n")
    (tmp_path / "link.csv").symlink_to(path)
    for named in (path, tmp_path / "link.csv", path.parent / "." / path.name):
        done = run(Command, "--csv", path, flag, named, "--dry-run")
        assert (done.code, f"{flag} and --csv name the same file" in done.err) == (2, True)
    assert path.read_text(encoding="utf-8") == "code\na\n"


def test_two_flags_do_not_write_into_one_file(file: Callable[[str], Path], tmp_path: Path) -> None:
    """Also where it is not there yet."""
    done = run(Command, "--csv", file("code\na\n"), "--rejects", tmp_path / "o.csv", "--log-file", tmp_path / "o.csv")
    assert (done.code, "name the same file" in done.err) == (2, True)
    assert not (tmp_path / "o.csv").exists()


@pytest.mark.parametrize(
    ("text", "advised"), [("code,nme\na,\n", True), ("code,\na,\n", False), ("code,code\na,b\n", False)]
)
def test_to_import_the_valid_rows_alone_is_advised_where_it_would_help(
    text: str, advised: bool, file: Callable[[str], Path]
) -> None:
    """Not where the header itself stands in the way."""
    path = file(text)
    assert ("--on-error continue" in run(Command, "--csv", path).out) == advised
    assert (run(Command, "--csv", path, "--on-error", "continue").code == 0) == advised


@pytest.mark.parametrize(
    ("flag", "name", "suffixes"),
    [
        ("--diff", "d.pdf", ".csv, .tsv, .txt, .xlsx, .html, .htm"),
        ("--rejects", "r.json", ".csv, .tsv, .txt, .xlsx"),
        ("--rejects", "r.html", ".csv, .tsv, .txt, .xlsx"),
    ],
)
def test_a_name_that_promises_another_format_is_wrong_usage(
    flag: str, name: str, suffixes: str, file: Callable[[str], Path], tmp_path: Path
) -> None:
    """Before anything is read: a page of text in a file that is called pdf would help nobody."""
    done = run(Command, "--csv", file("code\na\n"), flag, tmp_path / name, "--dry-run", "--on-error", "continue")
    assert (done.code, f"{flag}: {Path(name).suffix} is no format" in done.err, suffixes in done.err) == (2, True, True)
    assert not (tmp_path / name).exists()
