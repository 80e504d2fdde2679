"""What a query gives lands as it is, or is an error; on the fast path, where no hook needs an instance."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from safe_import.errors import Refused, SafeImportError, SourceError, SpecError
from safe_import.legacy import Migration, is_a
from safe_import.legacy.part import saves_each
from tests.testapp.models import Box, Node, Peer, Saved, Tag, Thing

if TYPE_CHECKING:
    from safe_import.records import RunResult

pytestmark = pytest.mark.django_db(transaction=True)

Old = Callable[[str], type[Migration]]
Bring = Callable[..., "RunResult"]


def things(base: type[Migration], query: str, **attributes: Any) -> type[Migration]:
    """A migration of things."""
    return type("ThingMigration", (base,), {"query": query, "model": Thing, **attributes})


def test_values_keep_their_types_blanks_and_nulls(old_database: Old, bring: Bring) -> None:
    """Text is not stripped, an empty text is no NULL, a NULL is not the default; numbers, dates, flags and JSON."""
    old = old_database("CREATE TABLE t (code, name, note, active, born, price)")
    migration = things(
        old,
        "SELECT ' a ' AS code, '' AS name, NULL AS note, 0 AS active, '2014-10-13' AS born, 12.5 AS price,"
        " '2001-02-03 04:05:06+00:00' AS created",
    )
    assert not saves_each(migration)
    assert bring(migration).rows.created == 1
    thing = Thing.objects.get()
    assert (thing.code, thing.name, thing.note, thing.active) == (" a ", "", None, False)
    assert (thing.born, thing.price) == (datetime.date(2014, 10, 13), Decimal("12.50"))
    assert thing.created == datetime.datetime(2001, 2, 3, 4, 5, 6, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("value", "column", "code"),
    [
        ("12.345", "price", "too_many_places"),
        ("'x'", "price", "not_valid"),
        ("'2014-10-13 08:36:59'", "born", "not_valid"),
        ("2", "active", "not_valid"),
        ("x'e4'", "name", "not_text"),
        ("printf('%065d', 1)", "name", "too_long"),
    ],
)
def test_what_does_not_fit_is_an_error(old_database: Old, bring: Bring, value: str, column: str, code: str) -> None:
    """With its row and its column, and nothing is written."""
    migration = things(old_database(""), f"SELECT 'b' AS code, {value} AS {column}")
    with pytest.raises(Refused) as refused:
        bring(migration)
    [problem] = refused.value.result.errors if refused.value.result else []
    assert (problem.line, problem.column, problem.code) == (1, f"testapp.Thing.{column}", code)
    assert not Thing.objects.exists()


def test_null_is_an_empty_text_where_a_text_can_not_be_null(old_database: Old, bring: Bring) -> None:
    """As Django has it; in any other column that takes none it is an error."""
    box = {"query": "SELECT 5 AS id, NULL AS name", "model": Box}
    bring(type("BoxMigration", (old_database(""),), box))
    assert list(Box.objects.values_list("pk", "name")) == [(5, "")]
    with pytest.raises(Refused) as refused:
        bring(things(old_database(""), "SELECT 'a' AS code, NULL AS active"))
    assert [(problem.column, problem.code) for problem in refused.value.problems] == [
        ("testapp.Thing.active", "not_empty")
    ]


def test_what_a_conversion_would_cut_is_an_error(old_database: Old, bring: Bring) -> None:
    """A time that a date has no room for, a fraction that a number of a link has none for."""

    class ThingMigration(old_database("")):  # type: ignore[misc]  # made by the fixture
        query = "SELECT 'a' AS code"
        model = Thing

        @classmethod
        def hook_before_transformation(cls, row: dict[str, Any]) -> None:
            row |= {"born": datetime.datetime(2014, 10, 13, 8, 36, tzinfo=datetime.UTC), "box_id": 1.5}

    with pytest.raises(Refused) as refused:
        bring(ThingMigration)
    result = refused.value.result
    assert result is not None
    assert {(problem.column, problem.code) for problem in result.errors} == {
        ("testapp.Thing.born", "would_be_cut"),
        ("testapp.Thing.box", "would_be_cut"),
    }


def test_relations_are_found_by_what_is_described(old_database: Old, bring: Bring) -> None:
    """A link by name, a list of names; and those that name nothing, where they may."""
    red = Box.objects.create(name="red")
    Tag.objects.bulk_create([Tag(name="old"), Tag(name="7")])
    description = {
        "box": is_a(Box, search_attr="name", fk=True, skip_missing=True),
        "tags": is_a(Tag, search_attr="name", m2m=True, delimiter="|", skip_missing=True),
        "junk": is_a(exclude=True),
    }
    rows = "SELECT 'a' AS code, 'red' AS box, 'old| 7|gone|' AS tags, 1 AS junk"
    rows += " UNION ALL SELECT 'b', 'blue', NULL, 2 UNION ALL SELECT 'c', NULL, 7, 3 UNION ALL SELECT 'd', '', '', 4"
    result = bring(things(old_database(""), rows, column_description=description))
    assert (result.rows.created, result.exit_code, result.links_left_empty) == (4, 0, 1)
    found = {thing.code: (thing.box, sorted(tag.name for tag in thing.tags.all())) for thing in Thing.objects.all()}
    assert found == {"a": (red, ["7", "old"]), "b": (None, []), "c": (None, ["7"]), "d": (None, [])}


def test_an_undescribed_relation_is_taken_by_its_column(old_database: Old, bring: Bring) -> None:
    """As the constructor of the model takes it; under the name of the relation it has to be described."""
    red = Box.objects.create(name="red")
    bring(things(old_database(""), f"SELECT 'a' AS code, {red.pk} AS box_id"))
    assert Thing.objects.get().box == red
    with pytest.raises(SpecError, match="describe it"):
        bring(type("Other", (things(old_database(""), f"SELECT 'b' AS code, {red.pk} AS box"),), {}))


def test_a_many_to_many_relation_from_its_other_side(old_database: Old, bring: Bring) -> None:
    """Under the name that the other model knows it by."""
    Thing.objects.bulk_create([Thing(code="a"), Thing(code="b")])

    class TagMigration(old_database("")):  # type: ignore[misc]  # made by the fixture
        query = "SELECT 'old' AS name, 'a;b' AS things"
        model = Tag
        column_description = {"things": is_a(Thing, search_attr="code", m2m=True)}

    bring(TagMigration)
    assert sorted(Tag.objects.get().things.values_list("code", flat=True)) == ["a", "b"]


def test_links_to_rows_of_the_same_query(old_database: Old, bring: Bring) -> None:
    """Before and after them."""

    class NodeMigration(old_database("")):  # type: ignore[misc]  # made by the fixture
        query = "SELECT 'a' AS code, 'b' AS parent UNION ALL SELECT 'b', NULL UNION ALL SELECT 'c', 'a'"
        model = Node
        search_attr = "code"
        column_description = {"parent": is_a(Node, search_attr="code", fk=True)}

    bring(NodeMigration)
    assert dict(Node.objects.values_list("code", "parent__code")) == {"a": "b", "b": None, "c": "a"}


def peers(base: type[Migration], query: str) -> type[Migration]:
    """A migration of peers, who name each other."""
    named = {"klass": Peer, "search_attr": "name"}
    columns = {
        "twin": is_a(**named, o2o=True, skip_missing=True),
        "friends": is_a(**named, m2m=True),
        "follows": is_a(**named, m2m=True, delimiter=","),
    }
    body = {"query": query, "model": Peer, "search_attr": "name", "column_description": columns}
    return type("PeerMigration", (base,), body)


def test_relations_of_every_kind_to_the_same_model(old_database: Old, bring: Bring) -> None:
    """One to one, to several on both sides, to several on one side; before and after the row, and to itself."""
    rows = "SELECT 'a' AS name, 'b' AS twin, 'b;c' AS friends, 'c' AS follows"
    rows += " UNION ALL SELECT 'b', 'nobody', 'a', 'a,b' UNION ALL SELECT 'c', 'a', NULL, ''"
    result = bring(peers(old_database(""), rows))
    assert (result.rows.created, result.links_left_empty) == (3, 1)
    assert dict(Peer.objects.values_list("name", "twin__name")) == {"a": "b", "b": None, "c": "a"}
    friends, follows = (
        {peer.name: sorted(getattr(peer, field).values_list("name", flat=True)) for peer in Peer.objects.all()}
        for field in ("friends", "follows")
    )
    assert friends == {"a": ["b", "c"], "b": ["a"], "c": ["a"]}
    assert follows == {"a": ["c"], "b": ["a", "b"], "c": []}


def test_one_record_is_the_other_end_of_one_alone(old_database: Old, bring: Bring) -> None:
    """Two rows that claim the same one roll everything back."""
    rows = "SELECT 'a' AS name, 'c' AS twin, NULL AS friends, NULL AS follows"
    rows += " UNION ALL SELECT 'b', 'c', NULL, NULL UNION ALL SELECT 'c', NULL, NULL, NULL"
    with pytest.raises(SafeImportError):
        bring(peers(old_database(""), rows))
    assert not Peer.objects.exists()


def test_rows_without_any_key_are_new_records_each(old_database: Old, bring: Bring) -> None:
    """Two that are the same are two; their keys are those of the database."""
    box = Box.objects.create(name="kept")

    class BoxMigration(old_database("CREATE TABLE b (n); INSERT INTO b VALUES ('x'), ('y')")):  # type: ignore[misc]
        query = "SELECT n AS name FROM b"
        model = Box

    assert bring(BoxMigration).rows.created == 2
    assert set(Box.objects.values_list("name", flat=True)) == {"kept", "x", "y"}
    assert Box.objects.get(name="kept") == box


def test_a_record_that_exists_is_left_alone(old_database: Old, bring: Bring) -> None:
    """And counted as skipped."""
    Thing.objects.create(code="a", name="ours")
    rows = "SELECT 'a' AS code, 'theirs' AS name UNION ALL SELECT 'b', 'new'"
    result = bring(things(old_database(""), rows, search_attr="code"))
    assert (result.rows.created, result.rows.skipped) == (1, 1)
    assert Thing.objects.get(code="a").name == "ours"


def test_the_models_own_save_runs(old_database: Old, bring: Bring) -> None:
    """Also where the migration has no hook."""

    class SavedMigration(old_database("")):  # type: ignore[misc]  # made by the fixture
        query = "SELECT 'Two Words' AS name"
        model = Saved

    assert saves_each(SavedMigration)
    bring(SavedMigration)
    assert Saved.objects.get().slug == "two-words"


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("SELECT 1 AS code, 2 AS colour", SpecError),
        ("SELECT 1 AS code, 2 AS tags", SpecError),
        ("SELECT 1 AS code, 2 AS code", SourceError),
        ("SELECT nonsense FROM nowhere", SourceError),
    ],
)
def test_a_query_that_does_not_fit_is_an_error(
    old_database: Old, bring: Bring, query: str, error: type[Exception]
) -> None:
    """A column that is no field, a relation that is not described, a column twice, no such table."""
    with pytest.raises(error, match=r"colour|tags|two columns|no such table"):
        bring(things(old_database(""), query))


def test_a_query_without_rows_brings_nothing(old_database: Old, bring: Bring) -> None:
    """And is no error: an old table may be empty."""
    assert bring(things(old_database("CREATE TABLE t (code)"), "SELECT code FROM t")).rows.read == 0
