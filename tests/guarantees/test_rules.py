"""What the database would refuse is found before anything is written, and said by line."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from safe_import.errors import Refused
from safe_import.spec.import_spec import ImportSpec
from safe_import.spec.link import Link
from safe_import.spec.row import Row
from safe_import.spec.target import target
from safe_import.types import Boolean, Integer, Number, Text
from tests.testapp.models import Box, Ruled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.testapp.importing import Importer

pytestmark = pytest.mark.django_db(transaction=True)


class RuledRow(Row):
    """All that a rule speaks of."""

    clearable = ("slug", "price")

    code: Text
    slug: Text | None = None
    email: Text | None = None
    price: Number | None = None
    discount: Number | None = None
    seats: Integer | None = None
    box: Text | None = None
    place: Integer | None = None
    active: Boolean | None = None


class RuledImport(ImportSpec, register=False):
    """The usual case."""

    row = RuledRow
    model = Ruled
    key = "code"
    links = {"box": Link(Box, "name")}


class BoxedImport(ImportSpec, register=False):
    """The boxes come with the records that lie in them."""

    row = RuledRow

    @target(Box, key="name")
    def boxes(self, row: Any) -> Iterator[dict[str, Any]]:
        """The box."""
        if row.box:
            yield {"name": row.box}

    @target(Ruled, key="code", main=True, links={"box": Link(Box, "name")})
    def ruled(self, row: Any) -> Iterator[dict[str, Any]]:
        """The record."""
        yield row.brought("code", "box", "place")


@pytest.fixture
def existing() -> None:
    """Two boxes, and two records of which one lies in a box."""
    red = Box.objects.create(name="red")
    Box.objects.create(name="blue")
    Ruled.objects.create(code="x", slug="x", email="X@x.org", price=10, discount=5, box=red, place=1)
    Ruled.objects.create(code="y", slug="y", email="y@x.org", price=10, active=False)


def refused(importing: Importer, text: str, spec: type[ImportSpec] = RuledImport) -> list[tuple[Any, ...]]:
    """The problems of a file that is refused by the plan: nothing was tried and rolled back."""
    with pytest.raises(Refused) as failure:
        importing(spec, text, dry_run=True)
    return [(problem.line, problem.column, problem.code) for problem in failure.value.problems]


@pytest.mark.usefixtures("existing")
@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("code,price,discount\na,1,2\nb,2,1\n", [(2, "price", "check_failed")]),
        ("code,price\na,-1\nb,0\n", [(2, "price", "check_failed")]),
        ("code,price,active\na,1000.50,no\nb,1000.50,yes\nc,1000.49,yes\n", [(3, "price", "check_failed")]),
        ("code,discount\nx,11\ny,11\na,11\n", [(2, "discount", "check_failed"), (3, "discount", "check_failed")]),
        ("code,active\ny,yes\n", []),
        ("code,seats\na,-1\nx,-1\nb,0\n", [(2, "seats", "out_of_range"), (3, "seats", "out_of_range")]),
        ("code,slug\na,z\nb,z\nc,w\n", [(2, "slug", "not_unique"), (3, "slug", "not_unique")]),
        ("code,slug\na,x\n", [(2, "slug", "not_unique")]),
        ("code,slug\ny,x\n", [(2, "slug", "not_unique")]),
        ("code,slug\nx,x\n", []),
        ("code,slug\nx,z\na,x\n", [(3, "slug", "not_unique")]),
        ("code,slug\nx,y\ny,x\n", [(2, "slug", "not_unique"), (3, "slug", "not_unique")]),
        ("code,slug\nx,\\N\ny,\\N\na,\nb,\n", []),
        ("code,box,place\na,red,1\n", [(2, "box", "not_unique")]),
        ("code,box,place\na,blue,1\nb,blue,1\n", [(2, "box", "not_unique"), (3, "box", "not_unique")]),
        ("code,box,place\na,blue,1\nb,red,2\nc,,1\nd,,1\n", []),
        ("code,email\na,x@X.org\n", [(2, "email", "not_unique")]),
        ("code,email\na,Y@x.org\n", []),
        ("code,email,active\na,y@x.org,yes\ny,,yes\n", [(2, "email", "not_unique"), (3, "email", "not_unique")]),
        ("code,email,active\na,n@x.org,no\nb,N@x.org,no\nc,,yes\nd,,yes\n", []),
    ],
)
def test_a_rule_of_the_table_is_judged_by_the_plan(
    text: str, problems: list[tuple[Any, ...]], importing: Importer
) -> None:
    """By records as they will be; what the plan lets pass, the database takes."""
    if problems:
        assert refused(importing, text) == problems
    else:
        importing(RuledImport, text)


def test_records_within_new_records_are_told_apart(importing: Importer) -> None:
    """A link to a record that this run creates has no key yet, and is the same as another to that record."""
    assert refused(importing, "code,box,place\na,new,1\nb,new,1\nc,other,1\n", BoxedImport) == [
        (2, "box", "not_unique"),
        (3, "box", "not_unique"),
    ]
    importing(BoxedImport, "code,box,place\na,new,1\nb,new,2\nc,other,1\n")
    assert Ruled.objects.count() == 3


@pytest.mark.usefixtures("existing")
def test_the_message_says_what_must_differ_and_where(importing: Importer) -> None:
    """The words of a model's own message are taken."""
    with pytest.raises(Refused) as failure:
        importing(RuledImport, "code,slug,price,active\na,z,2000,\nb,z,,\nc,x,,\n")
    assert [str(problem) for problem in failure.value.problems] == [
        "line 2, column 'price': it would break a rule of the database: only inactive ones may be dear",
        "line 2, column 'slug': slug must be unique: line 3 would have the same; make them differ",
        "line 3, column 'slug': slug must be unique: line 2 would have the same; make them differ",
        "line 4, column 'slug': slug must be unique: another ruled of the database has the same",
    ]


@pytest.mark.usefixtures("existing")
def test_rows_that_would_break_a_rule_are_rejected_and_the_others_imported(importing: Importer) -> None:
    """With them what made them collide: once a row is out, it takes nobody's place."""
    result = importing(RuledImport, "code,slug,price\na,z,-1\nb,z,1\nc,w,1\n", on_error="continue")
    assert result.rows.rejected == 2
    assert list(Ruled.objects.exclude(code__in="xy").values_list("code", "price")) == [("c", Decimal(1))]
