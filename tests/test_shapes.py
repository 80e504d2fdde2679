"""What makes imports fast and their memory flat, as far as it does not depend on the clock."""

from __future__ import annotations

import gc
import logging
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection

from safe_import.pipeline import run_import
from tests.testapp.models import Box, Filed
from tests.testapp.specs import FiledImport, SavedImport, ThingsImport

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_django.fixtures import SettingsWrapper

    from safe_import.spec.import_spec import ImportSpec

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("backup_root", "boxes", "quiet")]

_FEW, _MANY = 50, 500  # more than the sample of changes that a report shows
_BATCH, _LEAST, _MOST = 200, 1500, 4500


@pytest.fixture
def boxes() -> None:
    """What the things link to."""
    Box.objects.bulk_create(Box(name=f"box {number}") for number in range(10))


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """No audit log: pytest would keep all of it, which is memory that an import does not need."""
    caplog.set_level(logging.WARNING, logger="safe_import")


class Statements:
    """Counts the statements that go through Django while it is called; COPY does not, ``executemany`` counts as one."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        self.count += 1
        return execute(sql, params, many, context)


def _things(path: Path, count: int, *, prefix: str = "", price: int = 1) -> Path:
    with path.open("w", encoding="utf-8") as file:
        file.write("code,name,price,active,born,ratio,note,box\n")
        for number in range(count):
            row = (f"{prefix}{number}", f"thing {number}", f"{price}.50", "yes", "2024-02-29", f"0.{number}", "a note")
            file.write(f"{','.join(row)},box {number % 10}\n")
    return path


def _names(path: Path, names: list[str]) -> Path:
    path.write_text("\n".join(["name", *names]), encoding="utf-8")
    return path


def _filed(path: Path, count: int, first: int) -> Path:
    lines = (f"{count}-{number},box {(first + number) % 10}" for number in range(count))
    path.write_text("\n".join(["code,box", *lines]), encoding="utf-8")
    return path


def _statements(spec: type[ImportSpec], path: Path) -> int:
    statements = Statements()
    with connection.execute_wrapper(statements):
        run_import(spec, path)
    return statements.count


def _peak(path: Path) -> int:
    """The most bytes that Python held at a time during an import, beyond what it held before."""
    gc.collect()
    tracemalloc.start()
    try:
        run_import(ThingsImport, path, backup=False)  # a backup is written in chunks, whose size is its own
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_statements_do_not_grow_with_the_rows_of_a_batch(tmp_path: Path) -> None:
    """Ten times the rows take exactly as many statements: to create, to update, and to change nothing."""
    few, many = (_things(tmp_path / f"{n}.csv", n, prefix=f"{n}-") for n in (_FEW, _MANY))
    dearer_few, dearer_many = (_things(tmp_path / f"{n}d.csv", n, prefix=f"{n}-", price=2) for n in (_FEW, _MANY))
    assert _statements(ThingsImport, few) == _statements(ThingsImport, many)
    assert _statements(ThingsImport, dearer_few) == _statements(ThingsImport, dearer_many)
    assert _statements(ThingsImport, dearer_few) == _statements(ThingsImport, dearer_many)


def test_statements_grow_by_one_with_each_batch(tmp_path: Path, settings: SettingsWrapper) -> None:
    """The rows of a batch reach the stage table together; nothing else is done batch by batch."""
    settings.SAFE_IMPORT = {**settings.SAFE_IMPORT, "BATCH_SIZE": _FEW}
    one, four = (_things(tmp_path / f"{n}.csv", n, prefix=f"{n}-") for n in (_FEW, 4 * _FEW))
    assert _statements(ThingsImport, four) - _statements(ThingsImport, one) <= 3


def test_a_model_that_is_saved_takes_one_statement_a_record(tmp_path: Path) -> None:
    """What ``save()`` itself writes, and nothing beside it: no look for the record."""
    few = _names(tmp_path / "few.csv", [f"few {n}" for n in range(_FEW)])
    many = _names(tmp_path / "many.csv", [f"many {n}" for n in range(_MANY)])
    assert _statements(SavedImport, many) - _statements(SavedImport, few) == _MANY - _FEW
    assert _statements(SavedImport, many) == _statements(SavedImport, few)


def test_a_save_that_reads_what_it_links_to_takes_no_further_statement(tmp_path: Path) -> None:
    """The linked records of a batch are read together, to create and to update."""
    for first in (0, 1):
        few, many = (_filed(tmp_path / f"{count}.csv", count, first) for count in (_FEW, _MANY))
        assert _statements(FiledImport, many) - _statements(FiledImport, few) == _MANY - _FEW
    assert Filed.objects.get(code="500-8").path == "box 9/500-8"


def test_python_holds_at_most_one_batch(
    tmp_path: Path, settings: SettingsWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A further row adds next to nothing to the memory, whether it is created, updated or unchanged.

    How much it would add if rows were held, a block of all rows shows.
    """
    run_import(ThingsImport, _things(tmp_path / "warm.csv", _BATCH, prefix="warm-"))  # what is cached once, is
    settings.SAFE_IMPORT = {**settings.SAFE_IMPORT, "BATCH_SIZE": _MOST}
    with monkeypatch.context() as patch:
        patch.setattr("safe_import.stages.read._AT_A_TIME", _MOST)
        held = _bytes_a_row(tmp_path, "held", price=1)
    settings.SAFE_IMPORT = {**settings.SAFE_IMPORT, "BATCH_SIZE": _BATCH}
    for price in (1, 2, 2):
        assert _bytes_a_row(tmp_path, "batch", price) < held / 10


def _bytes_a_row(folder: Path, prefix: str, price: int) -> float:
    """How much more memory a row takes, beyond those that fill batches and buffers."""
    least, most = (
        _peak(_things(folder / "things.csv", count, prefix=f"{prefix}{count}-", price=price))
        for count in (_LEAST, _MOST)
    )
    return (most - least) / (_MOST - _LEAST)
