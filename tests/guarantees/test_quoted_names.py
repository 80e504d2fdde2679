"""A table whose names need quoting is imported, locked, backed up, restored and undone like any other."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from safe_import.backup.restore import restore_backup
from safe_import.database import dialect
from safe_import.errors import LockHeld
from safe_import.runs.undo import undo
from tests.testapp.models import Quoted
from tests.testapp.specs import QuotedImport

if TYPE_CHECKING:
    from tests.testapp.importing import Importer

pytestmark = pytest.mark.django_db(transaction=True)


def _rows() -> list[tuple[str, str, str | None]]:
    return list(Quoted.objects.order_by("code").values_list("code", "note", "parent__code"))


def test_every_way_leads_through_names_that_need_quoting(importing: Importer) -> None:
    """Create, update, undo, restore; with a link to its own kind."""
    importing(QuotedImport, "code,note,parent\na,one,b\nb,two,\n")
    assert _rows() == [("a", "one", "b"), ("b", "two", None)]

    changed = importing(QuotedImport, "code,note,parent\na,changed,\nc,three,a\n")
    assert _rows() == [("a", "changed", "b"), ("b", "two", None), ("c", "three", "a")]

    assert undo(changed.run or "", delete_created=True).deleted == {"testapp.Quoted": 1}
    assert _rows() == [("a", "one", "b"), ("b", "two", None)]

    Quoted.objects.all().delete()
    restored = restore_backup(connection, Path(changed.backup or ""))
    assert restored.tables["Test App.Quoted"].inserted == 2
    assert _rows() == [("a", "one", "b"), ("b", "two", None)]


def test_a_lock_is_found_under_a_name_that_needs_quoting(importing: Importer) -> None:
    """Not that of another table, and not none at all."""
    with (
        closing(connection.copy()) as other,
        dialect(other).run_lock([Quoted._meta.db_table], "a test"),
        pytest.raises(LockHeld, match="Another run works on"),
    ):
        importing(QuotedImport, "code\na\n")
    assert not Quoted.objects.exists()
