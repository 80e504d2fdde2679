"""Guarantee 10 against faults of the machine: no memory, and a disk that says it wrote what it did not."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from safe_import.errors import AfterCommitError
from safe_import.failpoints import failing
from safe_import.models import Run
from safe_import.runs.undo import undo
from tests.journal import journal
from tests.testapp.models import Box, Tag, Thing
from tests.testapp.specs import TaggedImport

if TYPE_CHECKING:
    from pathlib import Path

    from tests.testapp.importing import Importer

pytestmark = pytest.mark.django_db(transaction=True)
FILE = "code,name,box,tag\na,new,red,old\nb,y,blue,\nc,z,red,fresh\n"


def _state() -> list[object]:
    return [list(table.objects.order_by("pk").values()) for table in (Box, Tag, Thing, Thing.tags.through)]


def test_no_memory_at_any_place_of_an_import_leaves_the_data_as_it_was(importing: Importer) -> None:
    """For N = 1 until the data is in: the record of the run says that it failed, and the same command works."""
    Thing.objects.create(code="a", name="old")
    before = _state()
    for at in range(1, 100):
        with failing(at, MemoryError()) as points:
            try:
                importing(TaggedImport, FILE)
            except AfterCommitError:
                assert points.reached[-1] == "run.committed"
                break
            except Exception:  # noqa: BLE001 - whatever it is called
                assert Run.objects.latest("id").state == "failed", points.reached[-1]
                assert _state() == before, points.reached[-1]
                assert not journal(), points.reached[-1]
    assert at > 15
    assert Thing.objects.get(code="a").name == "new"
    assert importing(TaggedImport, FILE).rows.unchanged == 3


def test_a_failure_at_any_place_of_an_undo_leaves_the_run_as_it_was(importing: Importer) -> None:
    """For N = 1 until it is undone, be it that memory ran out."""
    Thing.objects.create(code="a", name="old")
    before = _state()
    run = importing(TaggedImport, FILE).run or ""
    after = _state()
    for error in (MemoryError(), None):
        for at in range(1, 20):
            with failing(at, error, prefix="undo.") as points:
                try:
                    undo(run, delete_created=True)
                except Exception:  # noqa: BLE001 - whatever it is called
                    undone = points.reached[-1] == "undo.committed"
                    assert _state() == (before if undone else after), points.reached[-1]
                    assert (Run.objects.get(id=run).state == "undone") == undone
                    if not undone:
                        continue
            break
        assert at == 4
        assert _state() == before
        run = importing(TaggedImport, FILE).run or ""
        after = _state()


def test_everything_of_a_backup_is_on_the_disk_before_the_data_is_touched(
    importing: Importer, backup_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file, the folder that names them, and the root that names the folder."""
    synced: set[int] = set()
    fsync = os.fsync

    def remember(descriptor: int) -> None:
        fsync(descriptor)
        synced.add(os.fstat(descriptor).st_ino)

    monkeypatch.setattr(os, "fsync", remember)
    importing(TaggedImport, FILE)
    result = importing(TaggedImport, FILE.replace("new", "newer").replace("fresh", "fresher"))
    folder = backup_root / str(result.backup).rsplit("/", 1)[-1]
    files = list(folder.iterdir())
    assert len(files) > 3
    for path in (*files, folder, backup_root):
        assert path.stat().st_ino in synced, path.name
