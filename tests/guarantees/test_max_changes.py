"""``--max-changes`` holds a run to what somebody expects of it, and says what it saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from safe_import.errors import Refused
from tests.testapp.models import Thing
from tests.testapp.specs import ThingsImport

if TYPE_CHECKING:
    from tests.testapp.importing import Importer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("ten_things")]
LABEL = "records of testapp.Thing would be updated"


@pytest.fixture
def ten_things() -> None:
    """All alike."""
    Thing.objects.bulk_create(Thing(code=f"c{n}", name="old", note="a note", price=1) for n in range(10))


@pytest.mark.parametrize(
    ("text", "limit", "seen"),
    [
        ("code,name\nc1,new\nc2,new\n", "1", f"2 of 10 {LABEL}: more than --max-changes 1 allows"),
        ("code,name\nc1,new\nc2,new\n", "19.9%", f"2 of 10 {LABEL}: more than --max-changes 19.9% allows"),
        (
            "code,note,price\nc1,\\N,\\N\n",
            "1",
            f"1 of 10 {LABEL}, and 2 of their values cleared: more than --max-changes 1 allows",
        ),
        (
            "code,note,price\nc1,\\N,\\N\nc2,x,\\N\n",
            "20%",
            f"2 of 10 {LABEL}, and 3 of their values cleared: more than --max-changes 20% allows",
        ),
    ],
)
def test_more_changes_than_expected_are_refused_with_what_was_seen(
    text: str, limit: str, seen: str, importing: Importer
) -> None:
    """Updated records and cleared values, as a number or against the size of the table; nothing is written."""
    for options in ({"dry_run": True}, {}):
        with pytest.raises(Refused, match=seen.replace("+", r"\+")):
            importing(ThingsImport, text, max_changes=limit, **options)
    assert Thing.objects.filter(name="old", note="a note", price=1).count() == 10


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("code,name\nc1,new\nc2,new\n", "2"),
        ("code,name\nc1,new\nc2,new\n", "20%"),
        ("code,name\nc1,old\nd1,new\nd2,new\n", "0"),  # new records are no changes, nor is what stays as it is
        ("code,note,price\nc1,\\N,\\N\n", "2"),
    ],
)
def test_as_many_changes_as_are_allowed_are_made(text: str, limit: str, importing: Importer) -> None:
    """Up to the limit itself."""
    assert importing(ThingsImport, text, max_changes=limit).exit_code == 0
