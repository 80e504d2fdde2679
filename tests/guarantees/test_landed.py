"""Guarantees 4 and 8: what landed is what was planned, and the data is in no worse order than before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.db.models import F

from safe_import.checks.check import Check
from safe_import.errors import VerificationFailed
from safe_import.models import Run
from tests.journal import journal
from tests.testapp.models import Box, Node, Thing
from tests.testapp.specs import NodesImport, TaggedImport, ThingsImport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.testapp.importing import Importer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def trigger() -> Iterator[Callable[[str, str], None]]:
    """Makes a trigger on things: (event, assignment), e.g. ("INSERT", "name = upper(NEW.name)")."""

    def make(event: str, assignment: str) -> None:
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(
                    "CREATE OR REPLACE FUNCTION rewrite() RETURNS trigger LANGUAGE plpgsql AS "
                    f"$$ BEGIN NEW.{assignment}; RETURN NEW; END $$"
                )
                timing, body = "BEFORE", "FOR EACH ROW EXECUTE FUNCTION rewrite()"
            elif connection.vendor == "mysql":
                timing, body = "BEFORE", f"FOR EACH ROW SET NEW.{assignment}"
            else:
                timing, body = "AFTER", f"BEGIN UPDATE testapp_thing SET {assignment} WHERE id = NEW.id; END"
            cursor.execute(f"CREATE TRIGGER rewrites {timing} {event} ON testapp_thing {body}")

    yield make
    with connection.cursor() as cursor:
        on = " ON testapp_thing" if connection.vendor == "postgresql" else ""
        cursor.execute(f"DROP TRIGGER IF EXISTS rewrites{on}")


@pytest.mark.parametrize("assignment", ["name = upper(NEW.name)", "box_id = NULL"], ids=["a value", "a link"])
@pytest.mark.parametrize("event", ["INSERT", "UPDATE"])
def test_a_trigger_that_rewrites_what_was_written_is_an_error(
    importing: Importer, trigger: Callable[[str, str], None], event: str, assignment: str
) -> None:
    """Nothing of the run is kept, and the message says what to do."""
    Box.objects.create(name="red")
    if event == "UPDATE":
        Thing.objects.create(code="a", name="old")
    trigger(event, assignment)
    with pytest.raises(VerificationFailed, match="db_rewrites"):
        importing(ThingsImport, "code,name,box\na,new,red\n")
    assert list(Thing.objects.values_list("name", flat=True)) == (["old"] if event == "UPDATE" else [])
    assert not journal()
    assert Run.objects.get().state == "failed"


@pytest.mark.sqlite
@pytest.mark.postgresql
@pytest.mark.parametrize("event", ["INSERT", "UPDATE"])
def test_a_trigger_that_skips_a_record_is_an_error(importing: Importer, event: str) -> None:
    """The statement succeeds, and the record is not there. No trigger of MariaDB can do that."""
    if event == "UPDATE":
        Thing.objects.create(code="a", name="old")
    if connection.vendor == "sqlite":
        make = f"CREATE TRIGGER skips BEFORE {event} ON testapp_thing BEGIN SELECT RAISE(IGNORE); END"
        drop = "DROP TRIGGER skips"
    else:
        make = (
            "CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
            f"CREATE TRIGGER skips BEFORE {event} ON testapp_thing FOR EACH ROW EXECUTE FUNCTION skip()"
        )
        drop = "DROP TRIGGER skips ON testapp_thing; DROP FUNCTION skip"
    with connection.cursor() as cursor:
        cursor.execute(make)
    try:
        with pytest.raises(VerificationFailed, match=r"testapp\.Thing"):
            importing(ThingsImport, "code,name\na,new\n")
    finally:
        with connection.cursor() as cursor:
            cursor.execute(drop)
    assert list(Thing.objects.values_list("name", flat=True)) == (["old"] if event == "UPDATE" else [])
    assert Run.objects.get().state == "failed"


def test_a_trigger_that_fills_in_another_column_does_not_disturb(
    importing: Importer, trigger: Callable[[str, str], None]
) -> None:
    """An ordinary updated_at; the journal has what landed."""
    Thing.objects.create(code="a", name="old")
    trigger("UPDATE", "note = 'touched'")
    importing(ThingsImport, "code,name\na,new\n")
    assert Thing.objects.values_list("name", "note").get() == ("new", "touched")
    assert "touched" in journal()[0].after["note"]


def test_a_trigger_that_rewrites_a_value_which_the_row_brings_unchanged_does_not_disturb(
    importing: Importer, trigger: Callable[[str, str], None]
) -> None:
    """Only what the plan changes is the run's own; the journal has what landed."""
    Thing.objects.create(code="a", name="old", note="kept")
    trigger("UPDATE", "note = 'touched'")
    importing(ThingsImport, "code,name,note\na,new,kept\n")
    assert Thing.objects.values_list("name", "note").get() == ("new", "touched")
    assert "touched" in journal()[0].after["note"]


def _checked(severity: str = "error") -> type[ThingsImport]:
    check = Check(
        "things.named", "a thing needs a name", lambda: Thing.objects.filter(name=""), severity  # type: ignore[arg-type]  # one of the two
    )  # fmt: skip
    return type("CheckedImport", (ThingsImport,), {"checks": (check,)}, register=False)


def test_a_violation_that_the_run_introduces_rolls_it_back(importing: Importer) -> None:
    """Though the row itself is valid."""
    with pytest.raises(VerificationFailed, match=r"things\.named"):
        importing(_checked(), "code,name\na,\n")
    assert not Thing.objects.exists()


def test_a_violation_that_was_there_before_is_reported_and_blocks_nothing(importing: Importer) -> None:
    """One more would."""
    Thing.objects.create(code="old")
    result = importing(_checked(), "code,name\nnew,x\n")
    assert [(c.name, c.found, c.introduced, c.sample) for c in result.checks] == [
        ("things.named", 1, 0, (f"testapp.Thing #{Thing.objects.get(code='old').pk}",))
    ]
    with pytest.raises(VerificationFailed):
        importing(_checked(), "code,name\nnewer,\n")


def test_a_run_that_mends_one_violation_and_makes_another_is_rolled_back(importing: Importer) -> None:
    """Violations are compared one by one; that their number stays the same does not help."""
    Thing.objects.create(code="a")
    Thing.objects.create(code="b", name="x")
    with pytest.raises(VerificationFailed):
        importing(_checked(), "code,name\na,mended\nb,\\N\n")


def test_a_warning_does_not_roll_back(importing: Importer) -> None:
    """It is reported."""
    result = importing(_checked("warning"), "code,name\na,\n")
    assert (result.checks[0].introduced, result.rows.created) == (1, 1)


def test_checks_can_be_switched_off(importing: Importer) -> None:
    """For a file that is known to need it."""
    assert importing(_checked(), "code,name\na,\n", validate_data=False).rows.created == 1


def test_records_that_rows_share_are_merged_field_by_field(importing: Importer) -> None:
    """And the many rows that bring them are no duplicates."""
    importing(TaggedImport, "code,name,box,tag\n" + "".join(f"c{n},n,box{n % 3},tag{n % 5}\n" for n in range(60)))
    assert Box.objects.count() == 3
    assert Thing.objects.filter(tags__name="tag4").count() == 12
    assert not Thing.objects.exclude(box__name=None).filter(box__name=F("code")).exists()


def test_a_long_chain_of_links_within_a_file(importing: Importer) -> None:
    """200 rows that differ only in their links, then again: nothing changes."""
    text = "code,parent\n" + "".join(f"n{n},n{(n + 7) % 200}\n" for n in range(200))
    assert importing(NodesImport, text).rows.created == 200
    assert importing(NodesImport, text).rows.unchanged == 200
    assert Node.objects.get(code="n195").parent.code == "n2"
