"""Whether a plan is made at once or step by step makes no difference but the time."""

from __future__ import annotations

import datetime as dt
import functools
import operator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from safe_import import pipeline
from safe_import.errors import Refused, UnexpectedFailure
from safe_import.plan import plan
from safe_import.plan.plan import make_plan
from safe_import.spec import ImportSpec, Key, Link
from tests.testapp.models import Box, Thing
from tests.testapp.specs import NodesImport, TaggedImport, ThingRow, ThingsImport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.testapp.importing import Importer

pytestmark = pytest.mark.django_db(transaction=True)

_HEADER = "code,name,price,born,note,box"
_CODES = ("a", "A", "b", "ß", "SS", "é", "e\N{COMBINING ACUTE ACCENT}", "long " * 6)


class LenientThingsImport(ImportSpec, register=False):
    """Boxes that are not there are left empty; the others are written although a thing is in another one."""

    row = ThingRow
    model = Thing
    key = Key("code", casefold=True)
    links = {"box": Link(Box, "name", missing="empty", hold=False)}


class UpdatedThingsImport(ImportSpec, register=False):
    """Brings no new things."""

    row = ThingRow
    model = Thing
    key = "code"
    mode = "update"
    links = {"box": Link(Box, "name")}


class DatedThingsImport(ImportSpec, register=False):
    """A key of several fields, one of which is no text."""

    row = ThingRow
    model = Thing
    key = Key("code", "born", casefold=True)
    links = {"box": Link(Box, "name")}


_row = st.tuples(
    st.sampled_from([*_CODES, ""]), st.sampled_from(["", "Ada", "\\N"]),
    st.sampled_from(["", "1.50", "1.5", "2", "\\N"]), st.sampled_from(["", "2024-02-29", "2024-03-01"]),
    st.sampled_from(["", "x"]), st.sampled_from(["", "red", "blue", "nowhere"]),
).filter(any)  # fmt: skip
_thing = st.tuples(st.sampled_from(["", "Ada"]), st.sampled_from(["", "red"]))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    things=st.dictionaries(st.sampled_from(_CODES), _thing),
    rows=st.lists(_row, min_size=1, max_size=5)
    | st.lists(_row, min_size=1, max_size=4, unique_by=operator.itemgetter(0)),
    spec=st.sampled_from([ThingsImport, LenientThingsImport, UpdatedThingsImport, DatedThingsImport]),
    force=st.booleans(),
)
def test_a_plan_made_at_once_is_the_one_made_step_by_step(
    importing: Importer, things: dict[str, Any], rows: list[tuple[str, ...]], spec: type[ImportSpec], force: bool
) -> None:
    """The fate of every record, the links that are held or lead nowhere, errors, warnings and their words."""
    Thing.objects.all().delete()
    boxes = {name: Box.objects.get_or_create(name=name)[0] for name in ("red", "blue")}
    for code, (name, box) in things.items():
        Thing.objects.create(code=code, name=name, born=dt.date(2024, 2, 29), box=boxes.get(box))
    text = "\n".join([_HEADER, *(",".join(row) for row in rows)])
    at_once = _planned(importing, spec, text, force)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "make_plan", functools.partial(_step_by_step, make_plan))
        assert at_once == _planned(importing, spec, text, force)


def _step_by_step(make: Any, ws: Any, **_: Any) -> None:
    make(ws, at_once=False)


def _planned(importing: Importer, spec: type[ImportSpec], text: str, force: bool) -> tuple[Any, ...]:
    result = importing(spec, text, dry_run=True, on_error="continue", force_update=force)
    told = result.as_dict()
    return tuple(told[each] for each in ("rows", "models", "links", "plan", "errors", "warnings")), result.changes


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (ThingsImport, "code,name,price,box\nA,x,1.50,red\nb,y,,\nneu,z,2,blue\n"),
        (ThingsImport, "code,note\na,\\N\n"),
        (ThingsImport, "code,box\na,blue\n"),  # is in another box, and held there
        (LenientThingsImport, "code,box\na,blue\n"),
        (UpdatedThingsImport, "code,name\na,x\nb,y\n"),
        (DatedThingsImport, "code,born,name\nA,2024-02-29,x\nneu,2024-03-01,y\n"),
    ],
)
def test_sound_files_are_planned_at_once(importing: Importer, spec: type[ImportSpec], text: str) -> None:
    """So that the test above compares two ways, and not one with itself. What they change lands, and can be undone."""
    _two_things()
    with _without_steps():
        result = importing(spec, text)
    assert result.rows.read == result.rows.created + result.rows.updated + result.rows.unchanged


@pytest.mark.parametrize(
    "text",
    [
        "code,name\nx,1\nX,2\n",  # twice in the file
        "code,box\nx,nowhere\n",
        "code,price\nx,1\n,2\n",
        "code,name\nx,1\nb,2\nb,3\n",
    ],
)
def test_odd_files_are_planned_step_by_step(importing: Importer, text: str) -> None:
    """Because that finds the words."""
    _two_things()
    with _without_steps(), pytest.raises(UnexpectedFailure, match="_Stepped"):
        importing(ThingsImport, text, dry_run=True)
    with pytest.raises(Refused):
        importing(ThingsImport, text)


def test_specs_that_link_to_what_they_write_are_planned_step_by_step(importing: Importer) -> None:
    """Whatever the file holds."""
    for spec, text in ((NodesImport, "code,parent\na,\n"), (TaggedImport, "code,tags\na,red\n")):
        with _without_steps(), pytest.raises(UnexpectedFailure, match="_Stepped"):
            importing(spec, text, dry_run=True)


class _Stepped(Exception):
    pass


@contextmanager
def _without_steps() -> Iterator[None]:
    def fail(_: Any) -> None:
        raise _Stepped

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "_make_step_by_step", fail)
        yield


def _two_things() -> None:
    red, _ = Box.objects.get_or_create(name="red")
    Box.objects.create(name="blue")
    Thing.objects.create(code="a", note="old", born=dt.date(2024, 2, 29), box=red)
    Thing.objects.create(code="b")
