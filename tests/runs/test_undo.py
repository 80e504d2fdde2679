"""Undoing a run puts back what it updated, exactly; one conflict, and nothing is undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db.models import JSONField, Value

from safe_import.errors import Refused, UndoConflict, UsageError
from safe_import.models import JournalPage, Run
from safe_import.runs.undo import undo
from tests.testapp.models import Box, Node, Tag, Thing
from tests.testapp.specs import NodesImport, TaggedImport, ThingsImport

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.testapp.importing import Importer

    Content = Callable[[Any], list[tuple[Any, ...]]]

pytestmark = pytest.mark.django_db(transaction=True)

JSON_NULL = Value(None, JSONField())
ODD = 'it\'s "odd" \\ %s {x}\r\n\ttab \u00df \u4e2d \U0001f600 e\u0301'
HEADER = "code,name,price,active,born,ratio,note,data,box\n"
BEFORE = HEADER + 'a,x,1.10,yes,2024-02-29,0.1,"it\'s ""odd""","{""a"": 1.0}",red\nb,,,,,,,,\nc,y,3,no,,,,,\n'
AFTER = (
    HEADER + 'a,z,99999999.99,no,1999-12-31,0.30000000000000004,new,"[1]",blue\n'
    'b,n,0.01,no,2000-01-01,3,n,"{}",red\nc,\\N,\\N,,,,,\\N,\n'
)


@pytest.fixture
def things(importing: Importer) -> None:
    """Three things, with and without values."""
    for name in ("red", "blue"):
        Box.objects.create(name=name)
    importing(ThingsImport, BEFORE)
    Thing.objects.filter(code="b").update(note=ODD)
    Thing.objects.filter(code="c").update(data=JSON_NULL)


def _update(importing: Importer, text: str = AFTER) -> str:
    run = importing(ThingsImport, text, force_update=True).run
    assert run is not None
    return run


def test_undo_is_exact(things: None, importing: Importer, content: Content) -> None:
    """Decimals, microseconds, JSON null and SQL NULL, quotes, line breaks and emoji: every bit is as before."""
    before = content(Thing)
    run = _update(importing)
    assert content(Thing) != before
    result = undo(run)
    assert content(Thing) == before
    assert result.restored == {"testapp.Thing": 3}
    assert Run.objects.get(id=run).state == "undone"


def test_json_null_and_no_json_at_all_are_told_apart(importing: Importer, content: Content) -> None:
    """They look alike in Python, and are different values in the database."""
    for code, data in (("a", None), ("b", JSON_NULL)):
        Thing.objects.create(code=code, data=data)
    before = content(Thing)
    assert Thing.objects.filter(data__isnull=True).count() == 1
    run = _update(importing, "code,data\na,[1]\nb,[1]\n")
    undo(run)
    assert content(Thing) == before


def test_what_the_run_did_not_change_may_change_since(things: None, importing: Importer) -> None:
    """Another field of the record, and another record: neither is a conflict, and neither is touched."""
    run = _update(importing, "code,name\na,new\n")
    Thing.objects.filter(code="a").update(note="later")
    Thing.objects.filter(code="b").update(name="later")
    undo(run)
    assert list(Thing.objects.order_by("code").values_list("name", "note")[:2]) == [("x", "later"), ("later", ODD)]


def test_one_later_edit_and_nothing_is_undone(things: None, importing: Importer, content: Content) -> None:
    """The report names model, key and column, and no value."""
    run = _update(importing)
    Thing.objects.filter(code="b").update(price="7.77")
    after = content(Thing)
    with pytest.raises(UndoConflict) as conflict:
        undo(run)
    key = Thing.objects.get(code="b").pk
    (problem,) = conflict.value.conflicts
    assert (problem.column, problem.code) == ("testapp.Thing.price", "changed")
    assert f"#{key}" in problem.message
    assert "7.77" not in f"{conflict.value}{problem}"
    assert content(Thing) == after
    assert Run.objects.get(id=run).state == "verified"


def test_a_later_run_is_a_conflict(things: None, importing: Importer) -> None:
    """Runs are undone in the order that is the reverse of theirs."""
    first, second = (_update(importing, f"code,name\na,{name}\n") for name in ("one", "two"))
    with pytest.raises(UndoConflict):
        undo(first)
    undo(second)
    undo(first)
    assert Thing.objects.get(code="a").name == "x"


def test_a_record_that_is_gone_is_a_conflict(things: None, importing: Importer, content: Content) -> None:
    """What can't be put back is reported, once a record."""
    run = _update(importing)
    Thing.objects.filter(code="a").delete()
    after = content(Thing)
    with pytest.raises(UndoConflict) as conflict:
        undo(run)
    assert [problem.code for problem in conflict.value.conflicts] == ["vanished"]
    assert content(Thing) == after


def test_conflicts_can_be_skipped(things: None, importing: Importer) -> None:
    """The record in conflict stays whole as it is; the others are put back."""
    run = _update(importing)
    Thing.objects.filter(code="a").update(price="7.77")
    result = undo(run, skip_conflicts=True)
    assert (result.restored, result.conflicts_total) == ({"testapp.Thing": 2}, 1)
    assert list(Thing.objects.order_by("code").values_list("name", flat=True)) == ["z", "", "y"]


def test_undoing_twice_is_refused(things: None, importing: Importer) -> None:
    """The second undo would put back what was put back."""
    run = _update(importing)
    undo(run)
    with pytest.raises(Refused, match="undone already"):
        undo(run)


def test_a_run_that_failed_has_nothing_to_undo(things: None, importing: Importer) -> None:
    """It is said, rather than done without a word."""
    with pytest.raises(Refused):
        importing(ThingsImport, "code,price\na,much\n")
    with pytest.raises(Refused, match="failed"):
        undo(Run.objects.get(state="failed").id)


def test_an_unknown_run_is_a_wrong_call() -> None:
    """Exit code 2."""
    with pytest.raises(UsageError, match="import_runs"):
        undo("01JZZZZZZZZZZZZZZZZZZZZZZZ")


@pytest.mark.parametrize("delete_created", [True, False])
def test_a_dry_run_writes_nothing(importing: Importer, content: Content, delete_created: bool) -> None:
    """And says what the undo would do."""
    Box.objects.create(name="red")
    Thing.objects.create(code="a", name="x")
    run = _update(importing, "code,name,box\na,y,red\nb,z,red\n")
    models = (Thing, Box, Run, JournalPage)
    before = [content(model) for model in models]
    planned = undo(run, dry_run=True, delete_created=delete_created)
    assert [content(model) for model in models] == before
    done = undo(run, delete_created=delete_created)
    assert planned.dry_run
    assert (planned.restored, planned.deleted, planned.kept) == (done.restored, done.deleted, done.kept)


def test_a_dry_run_fails_as_the_undo_would(things: None, importing: Importer) -> None:
    """Whoever asks first gets the same answer."""
    run = _update(importing)
    Thing.objects.filter(code="a").update(name="later")
    with pytest.raises(UndoConflict):
        undo(run, dry_run=True)


# -- created records


def test_created_records_stay_unless_they_are_to_go(importing: Importer) -> None:
    """To undo is not to delete."""
    run = importing(TaggedImport, "code,name,box,tag\na,x,red,old\n").run
    result = undo(run)
    assert result.kept == {"testapp.Box": 1, "testapp.Tag": 1, "testapp.Thing": 1, "testapp.Thing_tags": 1}
    assert Thing.objects.count() == Thing.tags.through.objects.count() == 1


def test_what_was_kept_can_be_deleted_later(importing: Importer, content: Content) -> None:
    """Who undoes a run and then finds its new records still there has not lost the way back."""
    Thing.objects.create(code="a", name="old")
    before = content(Thing)
    run = importing(ThingsImport, "code,name\na,new\nb,created\n").run
    undo(run)
    assert Thing.objects.filter(code="b").exists()
    undo(run, delete_created=True)
    assert content(Thing) == before
    with pytest.raises(Refused):
        undo(run, delete_created=True)


def test_delete_created_is_the_whole_way_back(importing: Importer, content: Content) -> None:
    """What the run created goes, with the many-to-many, and what refers to it goes with it or is put back."""
    Box.objects.create(name="blue")
    importing(TaggedImport, "code,name,box,tag\nold,x,blue,kept\n")
    models = (Thing, Box, Tag, Thing.tags.through)
    before = [content(model) for model in models]
    run = importing(
        TaggedImport, "code,name,box,tag\na,x,red,new\nb,x,red,kept\nold,y,red,new\n", force_update=True
    ).run
    result = undo(run, delete_created=True)
    assert [content(model) for model in models] == before
    assert result.deleted == {"testapp.Box": 1, "testapp.Tag": 1, "testapp.Thing": 2, "testapp.Thing_tags": 3}


def test_records_that_refer_to_each_other_go_together(importing: Importer) -> None:
    """A chain, a circle, and one that refers to itself."""
    run = importing(NodesImport, "code,parent\na,b\nb,a\nc,c\nd,a\n").run
    assert undo(run, delete_created=True).deleted == {"testapp.Node": 4}
    assert not Node.objects.exists()


def test_a_created_record_that_others_refer_to_is_a_conflict(importing: Importer) -> None:
    """Whoever refers to it is named; nothing is deleted, nothing is unlinked."""
    run = importing(NodesImport, "code,parent\na,\nb,a\nc,\n").run
    Node.objects.create(code="later", parent=Node.objects.get(code="b"))
    with pytest.raises(UndoConflict) as conflict:
        undo(run, delete_created=True)
    assert {problem.code for problem in conflict.value.conflicts} == {"referred_to"}
    assert "testapp.Node.parent" in conflict.value.conflicts[0].message
    assert Node.objects.count() == 4


def test_what_must_stay_keeps_what_it_refers_to(importing: Importer) -> None:
    """With skip_conflicts: b stays because of the later one, and a because of b; c goes."""
    run = importing(NodesImport, "code,parent\na,\nb,a\nc,\n").run
    Node.objects.create(code="later", parent=Node.objects.get(code="b"))
    result = undo(run, delete_created=True, skip_conflicts=True)
    assert (result.deleted, result.kept, result.conflicts_total) == ({"testapp.Node": 1}, {"testapp.Node": 2}, 2)
    assert list(Node.objects.order_by("code").values_list("code", "parent__code")) == [
        ("a", None),
        ("b", "a"),
        ("later", "b"),
    ]


def test_a_created_record_that_was_changed_is_a_conflict(importing: Importer) -> None:
    """Somebody has put work into it."""
    run = importing(NodesImport, "code,parent\na,\nb,\n").run
    Node.objects.filter(code="a").update(parent=Node.objects.get(code="b"))
    with pytest.raises(UndoConflict) as conflict:
        undo(run, delete_created=True)
    assert sorted(problem.code for problem in conflict.value.conflicts) == ["changed_since", "referred_to"]


def test_created_records_that_are_kept_may_have_changed(importing: Importer) -> None:
    """What is not going to be touched can't be in conflict."""
    run = importing(NodesImport, "code,parent\na,\n").run
    Node.objects.update(code="b")
    assert undo(run).kept == {"testapp.Node": 1}
