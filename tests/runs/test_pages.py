"""The journal is kept in pages of several records, and that of runs before there were pages still undoes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from safe_import.models import JournalPage
from safe_import.runs.undo import undo
from tests.journal import journal
from tests.testapp.models import Thing
from tests.testapp.specs import ThingsImport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.testapp.importing import Importer

pytestmark = pytest.mark.django_db(transaction=True)

_BEFORE_PAGES, _PAGES = ("safe_import", "0003_lighter_journal"), ("safe_import", "0004_pages_of_the_journal")


def _migrated(to: tuple[str, str]) -> Any:
    """The apps as they were at a migration, and the database, too."""
    executor = MigrationExecutor(connection)
    executor.migrate([to])
    return executor.loader.project_state([to]).apps


@pytest.fixture
def _at_present_again() -> Iterator[None]:
    yield
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes("safe_import"))


def test_many_records_take_few_pages(importing: Importer) -> None:
    """Each is on one page, and a page tells how many it has."""
    importing(ThingsImport, "code,name\n" + "".join(f"c{n},x\n" for n in range(65)))
    assert len({each.key for each in journal()}) == len(journal()) == 65
    assert JournalPage.objects.count() == (65 if connection.vendor == "mysql" else 4)


@pytest.mark.usefixtures("_at_present_again")
def test_a_run_that_was_journalled_before_there_were_pages_is_undone_exactly(importing: Importer) -> None:
    """Text that JSON has to escape, NULL and created records among it; and the way back loses nothing either."""
    Thing.objects.bulk_create(Thing(code=f"c{n}", name='a "quoted" \\ name\n\u00e9') for n in range(30))
    before = list(Thing.objects.order_by("code").values())
    run = importing(ThingsImport, "code,name,born\n" + "".join(f"c{n},new,2024-02-03\n" for n in range(45))).run
    entries, changes = journal(), _migrated(_BEFORE_PAGES).get_model("safe_import", "Change").objects
    assert changes.count() == len(entries) == 45
    assert changes.filter(action="create", before=None).count() == 15
    _migrated(_PAGES)
    assert sorted(journal()) == sorted(entries)
    assert run is not None
    undo(run, delete_created=True)
    assert list(Thing.objects.order_by("code").values()) == before
