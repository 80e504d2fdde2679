"""What only the database can refuse, at the moment of writing, is found row by row, and said without a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection, models
from django.db.models.signals import post_save

from safe_import.errors import DatabaseFailure, DeletionDetected, Refused
from safe_import.models import Run
from safe_import.sources import open_source
from safe_import.spec.import_spec import ImportSpec
from safe_import.spec.link import Link
from safe_import.spec.target import target
from safe_import.stages.apply import search
from tests.testapp.models import Box, Heard, HeardLog, Node, Saved, Thing
from tests.testapp.specs import (
    HeardImport,
    NodesImport,
    SavedImport,
    ScoredRow,
    TaggedImport,
    TaggedRow,
    ThingsImport,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tests.testapp.importing import Importer

pytestmark = pytest.mark.django_db(transaction=True)
CODE = "refused_by_database"


@pytest.fixture
def refusing() -> Iterator[Callable[..., None]]:
    """Makes a table refuse the new and changed records under a condition over NEW, as a trigger of a project would."""
    made: list[str] = []

    def refuse(model: type[models.Model], condition: str, *, timing: str = "BEFORE", words: str = "'canary'") -> None:
        table, number = connection.ops.quote_name(model._meta.db_table), len(made)
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                body = f"IF {condition} THEN RAISE EXCEPTION '%', {words}; END IF; RETURN NEW;"
                cursor.execute(
                    f"CREATE FUNCTION refuse{number}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$"
                )
                kind = "CONSTRAINT TRIGGER" if timing == "DEFERRED" else "TRIGGER"
                when = "AFTER" if timing == "DEFERRED" else timing
                deferred = "DEFERRABLE INITIALLY DEFERRED" if timing == "DEFERRED" else ""
                cursor.execute(
                    f"CREATE {kind} refuse{number} {when} INSERT OR UPDATE ON {table} {deferred}"
                    f" FOR EACH ROW EXECUTE FUNCTION refuse{number}()"
                )
                made.append(f"DROP FUNCTION refuse{number} CASCADE")
                return
            for event in ("INSERT", "UPDATE"):
                name = f"refuse{number}_{event}"
                body = f"WHEN {condition} BEGIN SELECT RAISE(ABORT, 'canary'); END"
                if connection.vendor == "mysql":
                    body = (
                        f"FOR EACH ROW IF {condition} THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'canary'; END IF"
                    )
                cursor.execute(f"CREATE TRIGGER {name} {timing} {event} ON {table} {body}")
                made.append(f"DROP TRIGGER {name}")

    yield refuse
    with connection.cursor() as cursor:
        for statement in made:
            cursor.execute(statement)


def lines(problems: Any) -> list[tuple[Any, ...]]:
    """Where and what."""
    return [(problem.line, problem.code) for problem in problems]


def things(count: int, *bad: int) -> str:
    """A file of things; those on the lines ``bad`` are bad."""
    return "code,name\n" + "".join(f"c{n},{'bad' if n in bad else 'good'}\n" for n in range(2, count + 2))


def rejected(result: Any) -> list[list[str]]:
    """The rows of the rejects file, as they were."""
    with open_source(result.rejects) as source:
        return [list(cells) for _, cells in source.lines()]


@pytest.mark.parametrize("bad", [(2,), (9, 10), (2, 5, 33, 34, 101), tuple(range(2, 60))])
def test_the_rows_that_a_trigger_refuses_are_named_and_nothing_is_written(
    importing: Importer, refusing: Callable[..., None], bad: tuple[int, ...]
) -> None:
    """All of them, and no other."""
    Thing.objects.create(code="c7", name="kept")
    refusing(Thing, "NEW.name = 'bad'")
    with pytest.raises(Refused) as failure:
        importing(ThingsImport, things(100, *bad))
    assert lines(failure.value.problems) == [(line, CODE) for line in bad]
    assert list(Thing.objects.values_list("code", "name")) == [("c7", "kept")]
    assert Run.objects.get().state == "failed"


@pytest.mark.parametrize("timing", ["BEFORE", "AFTER"])
def test_the_others_are_imported_and_the_refused_ones_go_to_the_rejects_file(
    importing: Importer, refusing: Callable[..., None], timing: str
) -> None:
    """New records and changed ones alike; corrected, the rejects file is imported as it is."""
    for n in (3, 4, 5):
        Thing.objects.create(code=f"c{n}", name="before")
    refusing(Thing, "NEW.name = 'bad'", timing=timing)
    result = importing(ThingsImport, things(40, 3, 4, 20), on_error="continue")
    assert result.exit_code == 3
    assert result.rows.as_dict() == {
        "read": 40, "created": 36, "updated": 1, "unchanged": 0, "skipped": 0, "rejected": 3,
    }  # fmt: skip
    assert result.rows.balances
    assert lines(result.errors) == [(3, CODE), (4, CODE), (20, CODE)]
    assert Thing.objects.filter(name="good").count() == 37
    assert set(Thing.objects.filter(name="before").values_list("code", flat=True)) == {"c3", "c4"}
    assert rejected(result) == [["c3", "bad"], ["c4", "bad"], ["c20", "bad"]]


@pytest.mark.postgresql
def test_what_a_deferred_trigger_refuses_is_found_as_well(importing: Importer, refusing: Callable[..., None]) -> None:
    """It fires at the end of a transaction, or of a part."""
    refusing(Thing, "NEW.name = 'bad'", timing="DEFERRED")
    result = importing(ThingsImport, things(20, 8), on_error="continue")
    assert (lines(result.errors), Thing.objects.count()) == ([(8, CODE)], 19)


def test_the_reason_names_no_value(importing: Importer, refusing: Callable[..., None]) -> None:
    """The words of a trigger may quote the row; its function is named instead, where the database tells it."""
    refusing(Thing, "NEW.name = 'bad'", words="NEW.name || 'canary'")
    with pytest.raises(Refused) as failure:
        importing(ThingsImport, things(3, 3))
    (problem,) = failure.value.problems
    reason = {
        "postgresql": "a trigger or function of the database refused it (function refuse0(), SQLSTATE P0001)",
        "sqlite": "a trigger of the database refused it",
        "mysql": "a trigger or function of the database refused it (error 1644)",
    }[connection.vendor]
    expected = f"line 3: the database refuses this thing: {reason}; correct the row, or leave it out"
    assert str(problem) == expected


@pytest.mark.parametrize(("spec", "model"), [(SavedImport, Saved), (HeardImport, Heard)])
def test_records_that_are_saved_one_by_one_are_found_in_the_same_way(
    importing: Importer, refusing: Callable[..., None], spec: type[ImportSpec], model: Any
) -> None:
    """What a receiver wrote for those that are refused is taken back as well."""
    refusing(model, "NEW.name LIKE 'bad%%'" if connection.vendor == "sqlite" else "NEW.name LIKE 'bad%'")
    result = importing(spec, "name\na\nbad 1\nb\nbad 2\nc\n", on_error="continue")
    assert lines(result.errors) == [(3, CODE), (5, CODE)]
    assert set(model.objects.values_list("name", flat=True)) == {"a", "b", "c"}
    if model is Heard:
        assert set(HeardLog.objects.values_list("name", flat=True)) == {"a", "b", "c"}


def test_what_a_receiver_writes_may_be_refused_too(importing: Importer, refusing: Callable[..., None]) -> None:
    """The record that it was sent for is at fault."""
    refusing(HeardLog, "NEW.name = 'bad'")
    result = importing(HeardImport, "name\na\nbad\nb\n", on_error="continue")
    assert lines(result.errors) == [(3, CODE)]
    assert set(Heard.objects.values_list("name", flat=True)) == {"a", "b"}


def test_every_row_that_brings_a_refused_record_is_at_fault(importing: Importer, refusing: Callable[..., None]) -> None:
    """A box that several rows bring; the other boxes, things and tags are imported."""
    refusing(Box, "NEW.name = 'bad'")
    text = "code,box,tag\na,bad,x\nb,good,x\nc,bad,y\nd,,\ne,bad,\nf,bad,\ng,bad,\n"
    result = importing(TaggedImport, text, on_error="continue")
    assert lines(result.errors) == [(line, CODE) for line in (2, 4, 6, 7, 8)]
    assert set(Thing.objects.values_list("code", flat=True)) == {"b", "d"}
    assert list(Thing.tags.through.objects.values_list("thing__code", "tag__name")) == [("b", "x")]


def test_a_row_that_shares_a_record_with_a_refused_row_is_imported(
    importing: Importer, refusing: Callable[..., None]
) -> None:
    """The box comes with the others then."""
    refusing(Thing, "NEW.name = 'bad'")
    text = "code,name,box\n" + "".join(f"c{n},{'bad' if n in (2, 7) else 'good'},shared\n" for n in range(2, 12))
    result = importing(TaggedImport, text, on_error="continue")
    assert lines(result.errors) == [(2, CODE), (7, CODE)]
    assert Thing.objects.filter(box__name="shared").count() == 8


def test_links_to_a_refused_record_of_the_file_are_rejected_with_their_own_reason(
    importing: Importer, refusing: Callable[..., None]
) -> None:
    """Before it or after it, over several steps; circles are imported."""
    refusing(Node, "NEW.code = 'bad'")
    text = "code,parent\na,bad\nb,a\nbad,root\nroot,\nc,root\nx,y\ny,x\nz,z\n"
    result = importing(NodesImport, text, on_error="continue")
    assert lines(result.errors) == [(2, "link_rejected"), (3, "link_rejected"), (4, CODE)]
    assert set(Node.objects.values_list("code", "parent__code")) == {
        ("root", None), ("c", "root"), ("x", "y"), ("y", "x"), ("z", "z"),
    }  # fmt: skip


def test_a_refused_record_in_a_circle_is_found(importing: Importer, refusing: Callable[..., None]) -> None:
    """With it, those that link to it."""
    refusing(Node, "NEW.code = 'y'")
    result = importing(NodesImport, "code,parent\nx,y\ny,z\nz,x\nn,\n", on_error="continue")
    assert lines(result.errors) == [(2, "link_rejected"), (3, CODE), (4, "link_rejected")]
    assert list(Node.objects.values_list("code", flat=True)) == ["n"]


def test_a_constraint_that_django_does_not_know_is_found_by_line(importing: Importer) -> None:
    """Two records that only together break it: the first is kept, the second refused."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE UNIQUE INDEX hidden ON testapp_thing (name)")
    try:
        result = importing(ThingsImport, "code,name\na,x\nb,y\nc,x\nd,z\n", on_error="continue")
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP INDEX hidden{' ON testapp_thing' if connection.vendor == 'mysql' else ''}")
    assert lines(result.errors) == [(4, CODE)]
    assert set(Thing.objects.values_list("code", flat=True)) == {"a", "b", "d"}
    assert "canary" not in result.errors[0].message


def test_a_rehearsal_finds_them_too(importing: Importer, refusing: Callable[..., None]) -> None:
    """A dry run writes nothing, so it can't; a rehearsal ends as the run would."""
    refusing(Thing, "NEW.name = 'bad'")
    assert importing(ThingsImport, things(9, 5), dry_run=True).rows.created == 9
    with pytest.raises(Refused) as failure:
        importing(ThingsImport, things(9, 5), rehearse=True)
    assert lines(failure.value.problems) == [(5, CODE)]
    result = importing(ThingsImport, things(9, 5), rehearse=True, on_error="continue")
    assert (result.state, result.rows.rejected, Thing.objects.count()) == ("rehearsed", 1, 0)


class ClearingImport(ThingsImport, register=False):
    """Clears and loads, as on a developer's machine."""

    def clear(self) -> Iterator[Any]:
        """All things."""
        yield Thing.objects.all()


def test_what_was_cleared_is_back_when_the_database_refuses(importing: Importer, refusing: Callable[..., None]) -> None:
    """And with ``on_error="continue"`` the rest is loaded."""
    Thing.objects.create(code="old")
    refusing(Thing, "NEW.name = 'bad'")
    with pytest.raises(Refused):
        importing(ClearingImport, things(5, 3), clear=True)
    assert Thing.objects.get().code == "old"
    assert importing(ClearingImport, things(5, 3), clear=True, on_error="continue").rows.rejected == 1
    assert set(Thing.objects.values_list("code", flat=True)) == {"c2", "c4", "c5", "c6"}


def test_a_search_that_gives_up_says_so_and_nothing_is_imported(
    importing: Importer, refusing: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even with ``on_error="continue"``: what was not tried is not known to be good."""
    monkeypatch.setattr(search, "ATTEMPTS", 20)
    refusing(Thing, "NEW.name = 'bad'")
    with pytest.raises(Refused) as failure:
        importing(ThingsImport, things(60, *range(2, 62)), on_error="continue")
    first, *found = lines(failure.value.problems)
    assert first == (None, CODE)
    assert "there may be more" in failure.value.problems[0].message
    assert 0 < len(found) < 20
    assert not Thing.objects.exists()


@pytest.mark.postgresql
@pytest.mark.sqlite
def test_a_fault_of_no_row_is_no_row_s_fault(importing: Importer) -> None:
    """The table refuses even when nothing is written to it: the failure is said as it is."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE testapp_thing RENAME COLUMN note TO renamed")
    try:
        with pytest.raises(DatabaseFailure, match="a column is missing"):
            importing(ThingsImport, things(3))
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE testapp_thing RENAME COLUMN renamed TO note")
    assert not Thing.objects.exists()


@pytest.mark.sqlite
def test_a_trigger_that_ends_the_transaction_leaves_nothing_behind(
    importing: Importer, refusing: Callable[..., None]
) -> None:
    """``RAISE(ROLLBACK)`` takes the savepoints with it; the run fails clean, and the next one works."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TRIGGER ends AFTER INSERT ON testapp_thing WHEN NEW.name = 'bad'"
            " BEGIN SELECT RAISE(ROLLBACK, 'canary'); END"
        )
    try:
        with pytest.raises(DatabaseFailure) as failure:
            importing(ThingsImport, things(9, 5), on_error="continue")
        assert "canary" not in str(failure.value)
        assert not Thing.objects.exists()
        assert importing(ThingsImport, things(3)).rows.created == 3
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER ends")


def test_a_deletion_is_no_refusal(importing: Importer, refusing: Callable[..., None]) -> None:
    """While the rows at fault are sought, a hook that deletes still ends it all."""
    refusing(Heard, "NEW.name = 'bad'")
    Box.objects.create(name="kept")

    def delete(instance: Any, **_: Any) -> None:
        if instance.name == "deletes":
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM testapp_box")

    post_save.connect(delete, sender=Heard)
    try:
        with pytest.raises(DeletionDetected):
            importing(HeardImport, "name\nbad\ndeletes\n", on_error="continue")
    finally:
        post_save.disconnect(delete, sender=Heard)
    assert Box.objects.exists()
    assert not Heard.objects.exists()


def test_the_plan_that_was_agreed_to_is_not_carried_out_in_part(
    importing: Importer, refusing: Callable[..., None]
) -> None:
    """Without the refused rows it is another plan."""
    plan = importing(ThingsImport, things(5, 4), dry_run=True).plan
    refusing(Thing, "NEW.name = 'bad'")
    with pytest.raises(Refused, match="not the one that was asked for"):
        importing(ThingsImport, things(5, 4), on_error="continue", plan=plan)
    assert not Thing.objects.exists()


class BoxedRowsImport(ImportSpec, register=False):
    """A thing that may be linked to a box which is there already, and one field more that may be blank."""

    row = TaggedRow

    @target(Thing, key="code", main=True, links={"box": Link(Box, "name", missing="empty")})
    def things(self, row: Any) -> Iterator[dict[str, Any]]:
        """The thing."""
        yield row.brought("code", "name", "box")


def test_a_link_that_may_be_empty_is_left_so_in_the_rows_that_stay(
    importing: Importer, refusing: Callable[..., None], tmp_path: Path
) -> None:
    """The second plan counts its warnings anew."""
    refusing(Thing, "NEW.name = 'bad'")
    result = importing(BoxedRowsImport, "code,name,box\na,x,nowhere\nb,bad,nowhere\n", on_error="continue")
    assert (result.links_left_empty, result.rows.created, result.rows.rejected) == (1, 1, 1)


class RunningImport(ImportSpec, register=False):
    """The note of a thing is the sum of the scores of its group, up to its own."""

    row = ScoredRow
    group_by = "group"
    order_by = ("score",)

    def derive(self, rows: Sequence[Any]) -> None:
        """Add up."""
        total = 0
        for row in rows:
            total += row.score
            row.score = total

    @target(Thing, key="code", main=True)
    def things(self, row: Any) -> Iterator[dict[str, Any]]:
        """The thing."""
        yield {"code": row.code, "name": row.group, "note": str(row.score)}


def test_what_is_derived_from_a_refused_row_is_derived_anew(importing: Importer, refusing: Callable[..., None]) -> None:
    """A value must not come from a row that is not imported."""
    refusing(Thing, "NEW.code = 'bad'")
    text = "code,group,score\na,g,1\nbad,g,10\nc,g,100\nd,h,5\n"
    result = importing(RunningImport, text, on_error="continue")
    assert lines(result.errors) == [(3, CODE)]
    assert dict(Thing.objects.values_list("code", "note")) == {"a": "1", "c": "101", "d": "5"}
