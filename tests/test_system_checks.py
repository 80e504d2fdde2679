"""Every registered spec is checked when Django is: each mistake has an id that stays, and a hint."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest
from django.db import models
from django.db.models.signals import post_save, pre_save
from django.test.utils import isolate_apps

from safe_import.spec import import_spec
from safe_import.spec.import_spec import ImportSpec, NoOptions, registry
from safe_import.spec.key import Key
from safe_import.spec.link import Link, Through
from safe_import.spec.lookup import Lookup
from safe_import.spec.row import Row
from safe_import.spec.target import target
from safe_import.system_checks import check_spec, check_specs
from safe_import.types import Text
from tests.testapp.models import Box, Heard, Node, Saved, Tag, Thing
from tests.testapp.specs import HeardImport, NamedRow, SavedImport, TaggedImport, ThingsImport

if TYPE_CHECKING:
    from collections.abc import Iterator


def ids_of(spec: type[ImportSpec]) -> set[str | None]:
    """The ids of what is wrong; each has a hint, and names the spec."""
    messages = check_spec(spec)
    assert all(message.hint and spec.__name__ in str(message.obj) for message in messages)
    return {message.id for message in messages}


def spec_of(model: type[models.Model], **attributes: Any) -> type[ImportSpec]:
    """A spec of the usual case, over rows with a name."""
    return _spec({"model": model, "key": "name", **attributes})


def _spec(attributes: dict[str, Any]) -> type[ImportSpec]:
    body = {"row": NamedRow, **attributes}
    return type(ImportSpec)("SomeImport", (ImportSpec,), body, register=False)


def with_target(model: type[models.Model], **declaration: Any) -> type[ImportSpec]:
    """A spec with one declared target."""

    def make(spec: Any, row: Any) -> Iterator[dict[str, Any]]:
        yield row.brought("name")

    declared = target(model, **{"key": "name", **declaration})(make)
    return _spec({"named": declared})


@pytest.mark.parametrize("spec", [ThingsImport, TaggedImport, SavedImport, HeardImport])
def test_sound_specs_are_silent(spec: type[ImportSpec]) -> None:
    """No database is asked: a test without access to one would fail."""
    assert ids_of(spec) == set()


def test_all_specs_of_the_project_are_checked() -> None:
    """And found sound."""
    assert {"users", "org_structure", "ladders", "history"} <= registry.keys()
    assert check_specs() == []


@pytest.mark.parametrize(
    ("attributes", "word"),
    [
        ({"row": None}, "row"),
        ({"key": "nome"}, "nome"),
        ({"links": {"boxx": Link(Box, "name")}}, "boxx"),
        ({"links": {"box": Link(Box, "nome")}}, "nome"),
        ({"links": {"box": Link(Box, {"name": "nome"})}}, "nome"),
        ({"links": {"box": Through("shelf", "box")}}, "shelf"),
        ({"found": Lookup(Box, {"nome": "name"})}, "nome"),
        ({"found": Lookup(Box, {"name": "nome"})}, "nome"),
        ({"found": Lookup(Box, value="nome")}, "nome"),
        ({"found": Lookup(Box, order_by=("-nome",))}, "nome"),
        ({"group_by": Key("nome", casefold=True)}, "nome"),
        ({"order_by": ("-nome",)}, "nome"),
    ],
)
def test_a_name_that_means_nothing_is_e101(attributes: dict[str, Any], word: str) -> None:
    """In targets, keys, links, lookups and groups; the message has the name."""
    spec = spec_of(Thing, **attributes)
    assert ids_of(spec) == {"safe_import.E101"}
    assert word in " ".join(message.msg for message in check_spec(spec))


def test_two_fields_that_accept_one_header_are_e101() -> None:
    """The file could not say which of them it means."""

    class Doubled(Row):
        """Both are called name."""

        name: Text
        other: Text

        @classmethod
        def spellings(cls, name: str) -> tuple[str, ...]:
            """The same for both."""
            return ("name",)

    assert ids_of(spec_of(Box, row=Doubled)) == {"safe_import.E101"}


def test_all_mistakes_are_reported_at_once() -> None:
    """One does not hide another."""
    assert len(check_spec(spec_of(Thing, key=("nome", "kode"), order_by=("nix",)))) == 3


@pytest.mark.parametrize("model", [Saved, Heard])
def test_a_model_whose_save_or_receivers_would_not_run_must_choose_e102(model: type[models.Model]) -> None:
    """Either choice is accepted; so are the models of django.contrib.auth, whose save() does nothing here."""
    assert ids_of(spec_of(model)) == {"safe_import.E102"}
    assert ids_of(with_target(model, write="save")) == set()
    assert ids_of(with_target(model, write="sql")) == set()


def test_a_receiver_that_is_connected_later_counts() -> None:
    """Also one that listens to every model."""

    def listen(**_: Any) -> None:
        """Nothing."""

    assert ids_of(spec_of(Tag)) == set()
    for signal, sender in ((post_save, Tag), (pre_save, None)):
        signal.connect(listen, sender=sender)
        try:
            assert ids_of(spec_of(Tag)) == {"safe_import.E102"}
        finally:
            signal.disconnect(listen, sender=sender)


@isolate_apps("tests.testapp")
def test_a_model_in_several_tables_is_e103() -> None:
    """A proxy is not."""

    class Plain(models.Model):
        """One table."""

        name = models.TextField()

        class Meta:
            app_label = "testapp"

    class Special(Plain):
        """Has a table of its own beside that."""

        extra = models.TextField()

        class Meta:
            app_label = "testapp"

    class Alias(Plain):
        """Has none."""

        class Meta:
            app_label = "testapp"
            proxy = True

    assert ids_of(spec_of(Special)) == {"safe_import.E103"}
    assert ids_of(spec_of(Alias)) == set()
    assert ids_of(spec_of(Plain)) == set()


@isolate_apps("tests.testapp")
def test_a_composite_primary_key_is_e104() -> None:
    """There is no single column to find a record by."""

    class Pair(models.Model):
        """Two columns."""

        pk = models.CompositePrimaryKey("name", "number")
        name = models.TextField()
        number = models.IntegerField()

        class Meta:
            app_label = "testapp"

    assert ids_of(spec_of(Pair)) == {"safe_import.E104"}


class Salted(models.TextField):  # type: ignore[type-arg]
    """As fields that encrypt do: another value in the database each time."""

    def get_prep_value(self, value: Any) -> Any:
        """The value and a salt."""
        return f"{value}{secrets.token_hex(8)}"


class Reversed(models.TextField):  # type: ignore[type-arg]
    """A custom field that is the same each time."""

    def get_prep_value(self, value: Any) -> Any:
        """The value, backwards."""
        return value[::-1]


class Custom(models.JSONField):
    """A custom field whose driver compares what it prepared by identity."""


class Broken(models.TextField):  # type: ignore[type-arg]
    """Fails when asked."""

    def get_prep_value(self, value: Any) -> Any:
        """Nothing."""
        raise RuntimeError


@pytest.mark.parametrize(
    ("field", "ids"),
    [
        (Salted(), {"safe_import.E105"}),
        (Reversed(), set()),
        (Custom(), set()),
        (Broken(), set()),
        (models.BinaryField(), set()),
    ],
)
@isolate_apps("tests.testapp")
def test_a_field_that_is_stored_differently_each_time_is_e105(field: models.Field[Any, Any], ids: set[str]) -> None:
    """It would change with every import. A field that is merely custom is fine."""
    meta = type("Meta", (), {"app_label": "testapp"})
    body = {"__module__": __name__, "Meta": meta, "name": models.TextField(), "secret": field}
    assert ids_of(spec_of(type(models.Model)("Holder", (models.Model,), body))) == ids


def test_an_option_named_like_a_flag_of_every_import_is_e106() -> None:
    """Be it ours or Django's."""

    class Ours(NoOptions):
        """Every import has --rejects."""

        rejects: bool = False

    class Djangos(NoOptions):
        """Every command has --traceback."""

        traceback: str

    assert ids_of(spec_of(Box, Options=Ours)) == {"safe_import.E106"}
    assert ids_of(spec_of(Box, Options=Djangos)) == {"safe_import.E106"}


def test_a_link_through_another_is_followed() -> None:
    """The parent of the parent."""
    links = {"parent": Link("self", "code")}
    assert ids_of(with_target(Node, key="code", links=links)) == set()
    wrong = {**links, "id": Through("parent", "grandparent")}
    assert ids_of(with_target(Node, key="code", links=wrong)) == {"safe_import.E101"}


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, type[ImportSpec]]:
    """A register of the test's own, as long as it runs."""
    monkeypatch.setattr(import_spec, "registry", {})
    monkeypatch.setattr(import_spec, "namesakes", found := [])
    monkeypatch.setattr("safe_import.system_checks.registry", import_spec.registry)
    monkeypatch.setattr("safe_import.system_checks.namesakes", found)
    return import_spec.registry


def _registered(module: str, name: str = "same") -> type[ImportSpec]:
    """A spec of another module, whose class has the same name as that of any other."""
    body = {"__module__": module, "row": NamedRow, "model": Tag, "key": "name", "name": name}
    return type(ImportSpec)("TagsImport", (ImportSpec,), body)


def test_two_specs_of_one_name_are_told_by_a_check(names: dict[str, type[ImportSpec]]) -> None:
    """With both of them, an id and a hint; no app fails to load, and the first one keeps its name."""
    first = _registered("one.imports")
    _registered("two.imports")
    _registered("three.imports", "another")
    (message,) = check_specs()
    assert message.id == "safe_import.E107"
    assert "one.imports.TagsImport" in message.msg
    assert "two.imports.TagsImport" in message.msg
    assert message.hint
    assert names["same"] is first


def test_a_module_that_is_imported_anew_is_no_second_spec(names: dict[str, type[ImportSpec]]) -> None:
    """The later one counts."""
    _registered("one.imports")
    later = _registered("one.imports")
    assert check_specs() == []
    assert names["same"] is later
