"""The hooks: when each is called, what it may do, and what of it the run keeps account of."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from django.db import IntegrityError

from safe_import.checks.check import Check
from safe_import.checks.library import equal_without_case
from safe_import.errors import DeletionDetected, Refused, SafeImportError, UnexpectedFailure, VerificationFailed
from safe_import.legacy import Migration, is_a
from safe_import.legacy.run import migrate
from safe_import.models import Run
from safe_import.runs.undo import undo
from tests.journal import journal
from tests.testapp.models import Box, Tag, Thing

if TYPE_CHECKING:
    from safe_import.records import RunResult

pytestmark = pytest.mark.django_db(transaction=True)

Old = Callable[[str], type[Migration]]
Bring = Callable[..., "RunResult"]
Row = dict[str, Any]

TWO_THINGS = "SELECT 'a' AS code, 'one' AS name UNION ALL SELECT 'b', 'two'"


def things(base: type[Migration], query: str = TWO_THINGS, **attributes: Any) -> type[Migration]:
    """A migration of things; functions are its hooks."""
    hooks = {name: classmethod(each) if callable(each) else each for name, each in attributes.items()}
    return type("ThingMigration", (base,), {"query": query, "model": Thing, **hooks})


def test_hooks_are_called_in_their_order(old_database: Old, bring: Bring) -> None:
    """Around each instance, whose relations are there when it is saved; before and after all of them."""
    Tag.objects.create(name="old")
    calls: list[Any] = []

    class ThingMigration(old_database("")):  # type: ignore[misc]  # made by the fixture
        query = f"SELECT t.*, 'old' AS tags FROM ({TWO_THINGS}) t"
        model = Thing
        column_description: ClassVar = {"tags": is_a(Tag, search_attr="name", m2m=True)}

        @classmethod
        def hook_before_all(cls) -> None:
            calls.append("before all")

        @classmethod
        def hook_before_transformation(cls, row: Row) -> None:
            row["name"] += "!"

        @classmethod
        def hook_before_save(cls, instance: Thing, row: Row) -> None:
            calls.append(("before", instance.code, row["name"], Thing.objects.count()))
            instance.note = "noted"

        @classmethod
        def hook_after_save(cls, instance: Thing, row: Row) -> None:
            calls.append(("after", instance.code, instance.tags.count(), Thing.objects.count()))

        @classmethod
        def hook_after_all(cls) -> None:
            calls.append("after all")

    result = bring(ThingMigration)
    assert calls == [
        "before all",
        ("before", "a", "one!", 0),
        ("after", "a", 1, 1),
        ("before", "b", "two!", 1),
        ("after", "b", 1, 2),
        "after all",
    ]
    assert list(Thing.objects.values_list("name", "note")) == [("one!", "noted"), ("two!", "noted")]
    assert (result.rows.created, result.models["testapp.Thing_tags"].created) == (2, 2)


def test_a_hook_finds_what_migrations_before_have_brought(old_database: Old, bring: Bring) -> None:
    """While rows are transformed, too; and may put a record into the row."""
    old = old_database("")
    boxes = type("BoxMigration", (old,), {"query": "SELECT 5 AS id, 'red' AS name", "model": Box})

    def find_box(cls: Any, row: Row) -> None:
        row["box"] = Box.objects.get(name="red")

    bring(boxes, things(old, hook_before_transformation=find_box))
    assert set(Thing.objects.values_list("box", flat=True)) == {5}


def test_false_before_save_leaves_the_row_out(old_database: Old, bring: Bring) -> None:
    """With all that hangs on it; it is counted as skipped, and the run is whole."""
    Tag.objects.create(name="old")
    migration = things(
        old_database(""),
        f"SELECT t.*, 'old' AS tags FROM ({TWO_THINGS}) t",
        column_description={"tags": is_a(Tag, search_attr="name", m2m=True)},
        hook_before_save=lambda cls, instance, row: row["code"] != "a",
    )
    result = bring(migration)
    assert (result.rows.created, result.rows.skipped, result.exit_code) == (1, 1, 0)
    assert result.models["testapp.Thing_tags"].created == 1
    assert list(Thing.objects.values_list("code", flat=True)) == ["b"]
    assert len(journal()) == 2


def test_an_error_reports_its_row_and_rolls_back(
    old_database: Old, bring: Bring, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its number; its values are nowhere."""

    def fail(cls: Any, instance: Thing, row: Row) -> None:
        raise ValueError(row["name"])

    with pytest.raises(UnexpectedFailure, match="ThingMigration, row 1: an unexpected ValueError") as failure:
        bring(things(old_database(""), hook_after_save=fail))
    assert capsys.readouterr().err == "ThingMigration, row 1: ValueError\n"
    assert "one" not in str(failure.value)
    assert not Thing.objects.exists()
    assert Run.objects.get().state == "failed"


def test_an_error_hook_that_returns_goes_on_with_the_next_row(old_database: Old, bring: Bring) -> None:
    """Whether the database, a hook or the plan refused the row; it is rejected, and the rest is in."""
    asked = []

    def ask(cls: Any, exception: Exception, row: Row) -> None:
        asked.append((row["code"], type(exception)))

    def transform(cls: Any, row: Row) -> None:
        if row["code"] == "hook":
            raise KeyError("x")

    def spoil(cls: Any, instance: Thing, row: Row) -> None:
        if row["code"] == "database":
            instance.code = "good"

    codes = " UNION ALL ".join(
        f"SELECT '{code}' AS code, {box} AS box_id"
        for code, box in (("good", "NULL"), ("plan", "99"), ("hook", "NULL"), ("database", "NULL"), ("last", "NULL"))
    )
    result = bring(
        things(
            old_database(""),
            codes,
            hook_error_creating_instance=ask,
            hook_before_transformation=transform,
            hook_before_save=spoil,
        )
    )
    assert asked == [("hook", KeyError), ("plan", Refused), ("database", IntegrityError)]
    assert set(Thing.objects.values_list("code", flat=True)) == {"good", "last"}
    assert (result.rows.created, result.rows.rejected, result.exit_code) == (2, 3, 3)
    assert [problem.code for problem in result.errors] == ["link_missing", "hook_failed", "hook_error"]


def test_a_hook_may_fill_in_what_the_row_lacks_and_choose_the_key(old_database: Old, bring: Bring) -> None:
    """The journal has the key that landed, so the run can be undone."""
    Tag.objects.create(name="old")

    def name_it(cls: Any, instance: Thing, row: Row) -> None:
        instance.pk, instance.active = 1000 + len(row["code"]), True

    rows = "SELECT 'abc' AS code, NULL AS active, 'old' AS tags"
    description = {"tags": is_a(Tag, search_attr="name", m2m=True)}
    result = bring(things(old_database(""), rows, column_description=description, hook_before_save=name_it))
    assert Thing.objects.get(pk=1003).tags.count() == 1
    undo(result.run or "", delete_created=True)
    assert not Thing.objects.exists()


def test_updates_hand_existing_records_to_their_hook(old_database: Old, bring: Bring) -> None:
    """With the row as the query gave it; before_all and after_all are not called again, nothing else is written."""
    calls: list[Any] = []

    def note(cls: Any, instance: Thing, row: Row) -> None:
        calls.append((instance.pk, row["name"]))
        if row["name"] != instance.name:
            instance.name = row["name"]
            instance.save()

    def shout(cls: Any, row: Row) -> None:
        row["name"] = row["name"].upper()

    old = old_database("CREATE TABLE t (code, name); INSERT INTO t VALUES ('a', 'ONE'), ('b', 'TWO')")
    migration = things(
        old,
        "SELECT code, name FROM t ORDER BY code",
        allow_updates=True,
        search_attr="code",
        hook_update_existing=note,
        hook_before_transformation=shout,
        hook_before_all=lambda cls: calls.append("before all"),
        hook_after_all=lambda cls: calls.append("after all"),
    )
    Thing.objects.create(pk=50, code="a", name="ONE")
    for created, unchanged in ((1, 1), (0, 2)):
        result = bring(migration)
        assert (result.rows.created, result.rows.unchanged) == (created, unchanged)
    assert calls[:3] == ["before all", (50, "ONE"), "after all"]
    old_database("UPDATE t SET name = 'new' WHERE code = 'a'; INSERT INTO t VALUES ('c', 'three')")
    calls.clear()
    result = bring(migration)
    assert (result.rows.created, result.rows.updated, result.rows.unchanged) == (1, 1, 1)
    assert [call[1] for call in calls] == ["new", "TWO"]
    assert dict(Thing.objects.values_list("code", "name")) == {"a": "new", "b": "TWO", "c": "THREE"}
    assert len(journal(run=result.run, action="update")) == 1
    undo(result.run or "", delete_created=True)
    assert dict(Thing.objects.values_list("code", "name")) == {"a": "ONE", "b": "TWO"}


def test_what_after_all_changes_belongs_to_the_run(old_database: Old, bring: Bring) -> None:
    """On the fast path, too: it can be undone."""

    def finish(cls: Any) -> None:
        Thing.objects.update(note="done")

    result = bring(things(old_database(""), hook_after_all=finish))
    assert set(Thing.objects.values_list("note", flat=True)) == {"done"}
    undo(result.run or "", delete_created=True)
    assert not Thing.objects.exists()


@pytest.mark.parametrize("hook", ["hook_before_all", "hook_after_save", "hook_after_all"])
def test_a_hook_that_deletes_rolls_everything_back(old_database: Old, bring: Bring, hook: str) -> None:
    """An import never deletes."""
    Box.objects.create(name="kept")
    with pytest.raises(DeletionDetected):
        bring(things(old_database(""), **{hook: lambda *_: Box.objects.all().delete()}))
    assert Box.objects.count() == 1
    assert not Thing.objects.exists()


def test_a_check_that_the_run_breaks_rolls_everything_back(old_database: Old, bring: Bring) -> None:
    """The checks of a migration are those of an import."""
    check = Check("things.alike", "Things of one name", equal_without_case(Thing, "name"))
    with pytest.raises(VerificationFailed):
        bring(things(old_database(""), "SELECT 'a' AS code, 'x' AS name UNION ALL SELECT 'b', 'X'", checks=[check]))
    assert not Thing.objects.exists()


def test_the_row_count_is_asked_for_with_connection_and_cursor(old_database: Old, bring: Bring) -> None:
    """A count of its own, where the driver knows none."""

    def count(cls: Any, connection: Any, cursor: Any) -> int:
        return int(connection.execute(f"SELECT count(*) FROM ({TWO_THINGS})").fetchone()[0])

    told = []
    base = old_database("")
    bring(things(base, hook_row_count=count), announce=lambda migration, source: told.append(source.row_count))
    assert told == [2]


def test_a_skipped_migration_does_not_run(old_database: Old, bring: Bring) -> None:
    """Nor does it count as one that has."""
    assert bring(things(old_database(""), skip=True)).rows.read == 0
    assert bring(things(old_database(""))).rows.created == 2
    assert bring(things(old_database(""))).rows.read == 0


def test_a_failure_in_a_later_migration_takes_back_the_earlier(old_database: Old, backup_root: Any) -> None:
    """All of them, or none."""
    old = old_database("")
    boxes = type("BoxMigration", (old,), {"query": "SELECT 5 AS id, 'red' AS name", "model": Box})
    with pytest.raises(SafeImportError):
        migrate([boxes, things(old, "SELECT 'a' AS code, 99 AS box_id")], commit=True)
    assert not Box.objects.exists()


def test_what_depends_on_a_failure_does_not_run(old_database: Old, backup_root: Any) -> None:
    """Neither its query nor one of its hooks; and what does not depend on it, but comes later, neither."""
    called: list[str] = []

    def note(name: str) -> Any:
        return classmethod(lambda cls, *_: called.append(f"{cls.__name__} {name}"))

    hooks = {name: note(name) for name in ("hook_before_all", "hook_before_transformation", "hook_after_all")}
    old = old_database("CREATE TABLE boxes (id, name); INSERT INTO boxes VALUES (5, 'red'), (6, hex(zeroblob(99)));")
    boxes = type("BoxMigration", (old,), {"query": "SELECT id, name FROM boxes", "model": Box, **hooks})
    dependant = type(
        "ThingMigration", (old,), {"query": "SELECT nothing", "model": Thing, "depends_on": [Box], **hooks}
    )
    other = type("TagMigration", (old,), {"query": "SELECT 'old' AS name", "model": Tag, **hooks})
    announced: list[str] = []
    with pytest.raises(Refused) as refused:
        migrate([boxes, dependant, other], commit=True, announce=lambda each, _: announced.append(each.__name__))
    assert [(problem.column, problem.code) for problem in refused.value.problems] == [("name", "too_long")]
    assert announced == ["BoxMigration"]
    assert {each.split()[0] for each in called} == {"BoxMigration"}
    assert not Box.objects.exists()
    assert not Tag.objects.exists()


def test_a_hook_may_change_what_an_earlier_migration_brought(old_database: Old, bring: Bring) -> None:
    """It is one run, which can be undone as a whole."""
    old = old_database("")
    boxes = type("BoxMigration", (old,), {"query": "SELECT 5 AS id, 'red' AS name", "model": Box})

    def rename(cls: Any, instance: Thing, row: Row) -> None:
        Box.objects.filter(pk=5).update(name=f"of {instance.code}")

    result = bring(boxes, things(old, hook_after_save=rename))
    assert Box.objects.get().name == "of b"
    undo(result.run or "", delete_created=True)
    assert not Box.objects.exists()
    assert not Thing.objects.exists()


def test_the_rehearsal_has_the_plan_of_the_run(old_database: Old, bring: Bring) -> None:
    """The same data against the same records has the same digest."""
    old = old_database("")
    migrations = [type("BoxMigration", (old,), {"query": "SELECT 'red' AS name", "model": Box}), things(old)]
    rehearsed = migrate(migrations)
    assert (rehearsed.state, rehearsed.run, rehearsed.backup) == ("rehearsed", None, None)
    assert not Box.objects.exists()
    assert bring(*migrations).plan == rehearsed.plan
