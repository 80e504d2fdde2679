"""The main job, over plain models: what a file says is in the database, and nothing else has changed."""

from __future__ import annotations

import csv
import datetime
import io
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from safe_import.errors import Refused
from safe_import.models import Run
from tests.testapp.models import Box, Computed, Filed, Heard, HeardLog, Node, Saved, Thing, Token
from tests.testapp.specs import (
    ComputedImport,
    FiledImport,
    HeardImport,
    LenientNodesImport,
    NodesImport,
    SavedImport,
    TaggedImport,
    ThingsImport,
    TokensImport,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.testapp.importing import Importer


pytestmark = pytest.mark.django_db(transaction=True)


def test_every_kind_of_value_lands_as_the_file_says(importing: Importer) -> None:
    """Text, decimal, boolean, date, float, JSON and a link; what is not brought gets its default."""
    Box.objects.create(name="red")
    text = io.StringIO()
    csv.writer(text).writerows(
        [
            ["code", "name", "price", "active", "born", "ratio", "note", "data", "box"],
            ["A1", "Über", "12.50", "no", "2024-02-29", "0.1", "line\nbreak\t\\", '{"a": [1, null]}', "red"],
            ["B2", "", "", "", "", "", "", "", ""],
        ]
    )
    result = importing(ThingsImport, text.getvalue())
    assert result.rows.as_dict() == {"read": 2, "created": 2, "updated": 0, "unchanged": 0, "skipped": 0, "rejected": 0}
    first, second = Thing.objects.order_by("code")
    assert (first.name, first.price, first.active, first.born) == (
        "Über",
        Decimal("12.50"),
        False,
        datetime.date(2024, 2, 29),
    )
    assert (first.ratio, first.note, first.data, first.box.name) == (0.1, "line\nbreak\t\\", {"a": [1, None]}, "red")
    assert (second.name, second.price, second.active, second.note, second.box) == ("", None, True, None, None)
    assert first.created is not None
    assert result.exit_code == 0
    assert Run.objects.get().state == "verified"


def test_the_same_file_again_changes_nothing(importing: Importer) -> None:
    """Not even the time of the last change."""
    Box.objects.create(name="red")
    text = "code,name,price,active,born,ratio,box\na,x,1.10,yes,2024-01-31,0.30000000000000004,red\n"
    importing(ThingsImport, text)
    before = list(Thing.objects.values())
    result = importing(ThingsImport, text)
    assert (result.rows.unchanged, result.rows.updated, result.rows.created) == (1, 0, 0)
    assert list(Thing.objects.values()) == before


def test_only_what_the_file_brings_is_updated(importing: Importer) -> None:
    """Blank cells and columns that are not there leave the record as it was; the key keeps its case."""
    Thing.objects.create(code="Ab", name="old", note="kept", price=Decimal(3))
    result = importing(ThingsImport, "code,name,note,price\nAB,new,,\n")
    thing = Thing.objects.get()
    assert (thing.code, thing.name, thing.note, thing.price) == ("Ab", "new", "kept", Decimal(3))
    assert result.rows.updated == 1


def test_the_clear_token_empties_a_field(importing: Importer) -> None:
    """NULL where the column takes it, the empty text where it does not."""
    box = Box.objects.create(name="red")
    Thing.objects.create(code="a", name="old", note="x", price=Decimal(3), data={"a": 1}, box=box)
    importing(ThingsImport, "code,name,note,price,data,box\na,\\N,\\N,\\N,\\N,\\N\n")
    thing = Thing.objects.get()
    assert (thing.name, thing.note, thing.price, thing.data, thing.box) == ("", None, None, None, None)


def test_links_within_the_file_in_any_order(importing: Importer) -> None:
    """A parent further down, a circle, oneself: one run, and again nothing changes."""
    text = "code,parent\na,b\nb,c\nc,a\nd,d\ne,\n"
    assert importing(NodesImport, text).rows.created == 5
    assert dict(Node.objects.values_list("code", "parent__code")) == {"a": "b", "b": "c", "c": "a", "d": "d", "e": None}
    assert importing(NodesImport, text).rows.unchanged == 5


def test_a_link_to_nothing_is_an_error_with_line_and_column(importing: Importer) -> None:
    """And nothing at all is written."""
    with pytest.raises(Refused) as refused:
        importing(NodesImport, "code,parent\na,\nb,nobody\n")
    assert [(p.line, p.column, p.code) for p in refused.value.problems] == [(3, "parent", "link_missing")]
    assert not Node.objects.exists()
    assert refused.value.result is not None
    assert refused.value.result.rows.rejected == 1


def test_a_link_to_nothing_is_left_empty_where_the_spec_says_so(importing: Importer) -> None:
    """With a warning that is counted; a value that is there is never erased by it."""
    Node.objects.create(code="old", parent=Node.objects.create(code="x"))
    result = importing(LenientNodesImport, "code,parent\na,nobody\nold,nobody\n")
    assert result.links_left_empty == 2
    assert [(w.line, w.code) for w in result.warnings] == [(2, "link_left_empty"), (3, "link_left_empty")]
    assert Node.objects.get(code="old").parent.code == "x"
    assert Node.objects.get(code="a").parent is None


def test_a_rejected_row_rejects_what_links_to_it(importing: Importer, tmp_path: Path) -> None:
    """With on_error=continue the rest is imported, and the ledger balances."""
    text = "code,parent\na,b\nb,c\nc,nobody\nd,\n"
    result = importing(NodesImport, text, on_error="continue", rejects=str(tmp_path / "rejects.csv"))
    assert (result.rows.created, result.rows.rejected, result.exit_code) == (1, 3, 3)
    assert [(p.line, p.code) for p in result.errors] == [
        (2, "link_rejected"),
        (3, "link_rejected"),
        (4, "link_missing"),
    ]
    assert list(Node.objects.values_list("code", flat=True)) == ["d"]
    fixed = (tmp_path / "rejects.csv").read_text(encoding="utf-8-sig").replace("nobody", "d")
    assert importing(NodesImport, fixed).rows.created == 3


def test_a_link_that_points_elsewhere_is_held(importing: Importer) -> None:
    """Unless force_update says otherwise."""
    red, blue = Box.objects.create(name="red"), Box.objects.create(name="blue")
    Thing.objects.create(code="a", name="x", box=red)
    result = importing(ThingsImport, "code,name,box\na,y,blue\n")
    assert (result.links_held, result.exit_code) == (1, 3)
    assert Thing.objects.get().box == red
    assert Thing.objects.get().name == "y"
    assert importing(ThingsImport, "code,name,box\na,y,blue\n", force_update=True).rows.updated == 1
    assert Thing.objects.get().box == blue


def test_a_key_twice_in_the_file_names_both_lines(importing: Importer) -> None:
    """Also in another case, when the key folds it, and in another Unicode normal form."""
    with pytest.raises(Refused) as refused:
        importing(ThingsImport, "code,name\nstrasse,x\nSTRAßE,y\ne\u0301,z\n\u00e9,z\n")
    assert [(p.line, p.code) for p in refused.value.problems] == [(n, "key_twice") for n in (2, 3, 4, 5)]
    assert "line 3" in refused.value.problems[0].message
    assert "line 2" in refused.value.problems[1].message


@pytest.mark.postgresql
@pytest.mark.sqlite
def test_a_dotted_capital_i_is_the_same_key_as_its_folding(importing: Importer) -> None:
    """U+0130 folds to an i and U+0307, which databases do not do alike; a plain i is another key. MariaDB's
    usual collation makes all three the same.
    """
    with pytest.raises(Refused) as refused:
        importing(ThingsImport, "code,name\n\u0130,x\ni\u0307,y\ni,z\n")
    assert [(p.line, p.code) for p in refused.value.problems] == [(2, "key_twice"), (3, "key_twice")]


@pytest.mark.postgresql
@pytest.mark.sqlite
def test_a_key_that_matches_two_records_is_an_error(importing: Importer) -> None:
    """Nobody knows which one is meant."""
    Thing.objects.create(code="a")
    Thing.objects.create(code="A")
    with pytest.raises(Refused) as refused:
        importing(ThingsImport, "code,name\na,x\n")
    assert [p.code for p in refused.value.problems] == ["key_ambiguous"]


def test_keys_that_are_not_ascii_match_without_regard_to_case(importing: Importer) -> None:
    """The database's own folding knows ASCII alone."""
    Thing.objects.create(code="STRASSE", name="old")
    Thing.objects.create(code="Ωmega", name="old")
    Thing.objects.create(code="\u212a", name="old")  # the Kelvin sign folds to k
    assert importing(ThingsImport, "code,name\nstraße,new\nωMEGA,new\nk,new\n").rows.updated == 3


@pytest.mark.postgresql
@pytest.mark.sqlite
@pytest.mark.parametrize(("stored", "given"), [("\u0130", "i\u0307"), ("i\u0307", "\u0130")])
def test_a_dotted_capital_i_matches_the_record_of_its_folding(importing: Importer, stored: str, given: str) -> None:
    """Either way round; the record of a plain i is left alone, and a plain i finds that one alone."""
    Thing.objects.create(code=stored, name="old")
    Thing.objects.create(code="I", name="plain")
    assert importing(ThingsImport, f"code,name\n{given},new\n").rows.updated == 1
    assert set(Thing.objects.values_list("name", flat=True)) == {"new", "plain"}
    assert importing(ThingsImport, "code,name\ni,newer\n").rows.updated == 1
    assert set(Thing.objects.values_list("name", flat=True)) == {"new", "newer"}


def test_records_that_rows_share_are_written_once(importing: Importer) -> None:
    """Boxes and tags that several rows name, with the many-to-many between them."""
    text = "code,name,box,tag\na,x,red,old\nb,y,red,old\nc,z,blue,\n"
    result = importing(TaggedImport, text)
    assert {label: counts.created for label, counts in result.models.items()} == {
        "testapp.Box": 2, "testapp.Tag": 1, "testapp.Thing": 3, "testapp.Thing_tags": 2,
    }  # fmt: skip
    assert sorted(Thing.objects.values_list("code", "box__name", "tags__name")) == [
        ("a", "red", "old"),
        ("b", "red", "old"),
        ("c", "blue", None),
    ]
    again = importing(TaggedImport, text)
    assert again.rows.unchanged == 3
    assert sum(counts.created + counts.updated for counts in again.models.values()) == 0


def test_a_row_counts_as_updated_when_another_of_its_records_was_written(importing: Importer) -> None:
    """The thing itself is unchanged; its new tag is not."""
    importing(TaggedImport, "code,tag\na,old\n")
    assert importing(TaggedImport, "code,tag\na,new\n").rows.updated == 1


def test_a_primary_key_made_in_python(importing: Importer) -> None:
    """Every record gets its own."""
    assert importing(TokensImport, "name\na\nb\n").rows.created == 2
    assert Token.objects.values("id").distinct().count() == 2


def test_defaults_of_the_database_and_generated_columns(importing: Importer) -> None:
    """They are filled in as the database says."""
    importing(ComputedImport, "name\nabc\n")
    assert Computed.objects.get().shout == "ABC"
    assert Computed.objects.get().made is not None


def test_save_and_signals_run_where_the_spec_says_so(importing: Importer) -> None:
    """Through save() of each instance."""
    importing(SavedImport, "name\nTwo Words\n")
    assert Saved.objects.get().slug == "two-words"
    importing(HeardImport, "name\na\nb\n")
    assert list(HeardLog.objects.values_list("name", "created")) == [("a", True), ("b", True)]
    assert Heard.objects.count() == 2


def test_save_reads_a_linked_record_as_the_import_has_left_it(importing: Importer) -> None:
    """Be it one that the same file creates or updates further up."""
    Box.objects.bulk_create([Box(name="red"), Box(name="blue")])
    importing(FiledImport, "code,box,parent\na,red,\nb,red,a\nc,red,b\n")
    assert list(Filed.objects.order_by("code").values_list("path", flat=True)) == ["red/a", "red/a/b", "red/a/b/c"]
    importing(FiledImport, "code,box,parent\na,blue,\nb,blue,a\nc,blue,b\n")
    assert list(Filed.objects.order_by("code").values_list("path", flat=True)) == ["blue/a", "blue/a/b", "blue/a/b/c"]


def test_a_dry_run_writes_nothing_and_has_the_same_plan(importing: Importer) -> None:
    """Counts and digest are those of the import that follows."""
    text = "code,name,box,tag\na,x,red,old\nb,y,red,old\n"
    dry = importing(TaggedImport, text, dry_run=True)
    assert not Thing.objects.exists()
    assert not Run.objects.exists()
    real = importing(TaggedImport, text)
    assert (dry.rows, dry.models, dry.plan) == (real.rows, real.models, real.plan)


def test_a_rehearsal_writes_nothing(importing: Importer) -> None:
    """It goes the whole way and rolls back."""
    result = importing(TaggedImport, "code,box,tag\na,red,old\n", rehearse=True)
    assert (result.rows.created, result.state, result.run) == (1, "rehearsed", None)
    assert not Thing.objects.exists()
    assert not Run.objects.exists()


def test_the_nearest_valid_name_is_suggested(importing: Importer) -> None:
    """For names of things."""
    Box.objects.create(name="Platform")
    with pytest.raises(Refused) as refused:
        importing(ThingsImport, "code,box\na,Platfrom\nb,quite different\n")
    assert [p.message for p in refused.value.problems] == [
        "no box has this name; correct it, or import the box first; did you mean 'Platform'?",
        "no box has this name; correct it, or import the box first",
    ]


def test_a_rejects_file_may_keep_a_column_that_is_blank_by_now(importing: Importer, tmp_path: Path) -> None:
    """The column for which its rows were rejected."""
    rejects = tmp_path / "rejects.csv"
    result = importing(ThingsImport, "code,name,colour\na,x,\nb,y,red\n", on_error="continue", rejects=str(rejects))
    assert (result.rows.created, result.rows.rejected) == (1, 1)
    corrected = rejects.read_text(encoding="utf-8-sig").replace(",red", ",")
    assert importing(ThingsImport, corrected).rows.created == 1


def test_a_reload_of_which_every_row_is_rejected_clears_nothing(importing: Importer) -> None:
    """On a developer's machine, too, the old data is still there."""
    Thing.objects.create(code="kept")
    with pytest.raises(Refused):
        importing(ThingsImport, "code,price\na,x\n", clear=True, on_error="continue")
    assert Thing.objects.get().code == "kept"
