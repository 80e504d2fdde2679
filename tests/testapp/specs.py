"""Specs over the models of this app, one peculiarity each. They are not registered: no command lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from safe_import.spec import ImportSpec, Key, Link, NoOptions, Row, own, target
from safe_import.types import Boolean, Date, Integer, Json, Number, Text
from tests.testapp.models import Box, Computed, Filed, Heard, Node, Quoted, Saved, Tag, Thing, Token

if TYPE_CHECKING:
    from collections.abc import Iterator


class ThingRow(Row):
    """One field of every usual kind."""

    code: Text
    name: Text | None = None
    price: Number | None = None
    active: Boolean | None = None
    born: Date | None = None
    ratio: Number | None = None
    note: Text | None = None
    data: Json | None = None
    box: Text | None = None

    clearable = ("name", "note", "price", "data", "box")


class ThingsImport(ImportSpec, register=False):
    """The usual case: one target, named as the row."""

    row = ThingRow
    model = Thing
    key = Key("code", casefold=True)
    links = {"box": Link(Box, "name")}


class NodeRow(Row):
    """A node and its parent."""

    code: Text
    parent: Text | None = None


class NodesImport(ImportSpec, register=False):
    """Links to records of the same file."""

    row = NodeRow
    model = Node
    key = "code"
    links = {"parent": Link("self", "code")}


class LenientNodesImport(ImportSpec, register=False):
    """Parents that are not there are left empty."""

    row = NodeRow
    model = Node
    key = "code"
    links = {"parent": Link("self", "code", missing="empty")}


class TaggedRow(Row):
    """A thing, its box and its tag."""

    code: Text
    name: Text | None = None
    box: Text | None = None
    tag: Text | None = None


class TaggedImport(ImportSpec, register=False):
    """Boxes and tags come with the things that name them; a many-to-many is a target like any other."""

    row = TaggedRow

    @target(Box, key="name", mode="insert")
    def boxes(self, row: Any) -> Iterator[dict[str, Any]]:
        """The box of the thing."""
        if row.box:
            yield {"name": row.box}

    @target(Tag, key="name", mode="insert")
    def tags(self, row: Any) -> Iterator[dict[str, Any]]:
        """Its tag."""
        if row.tag:
            yield {"name": row.tag}

    @target(Thing, key="code", main=True, links={"box": Link(Box, "name")})
    def things(self, row: Any) -> Iterator[dict[str, Any]]:
        """The thing itself."""
        yield row.brought("code", "name", "box")

    @target(Thing.tags.through, key=("thing", "tag"), mode="insert", links={"tag": Link(Tag, "name")})
    def tagged(self, row: Any) -> Iterator[dict[str, Any]]:
        """That it bears the tag."""
        if row.tag:
            yield {"thing": own(Thing), "tag": row.tag}


class NamedRow(Row):
    """A name alone."""

    name: Text


class QuotedRow(Row):
    """One field of every column."""

    code: Text
    note: Text | None = None
    parent: Text | None = None


class QuotedImport(ImportSpec, register=False):
    """A table and columns whose names need quoting."""

    row = QuotedRow
    model = Quoted
    key = "code"
    links = {"parent": Link("self", "code")}


class TokensImport(ImportSpec, register=False):
    """A primary key made in Python."""

    row = NamedRow
    model = Token
    key = "name"


class ComputedImport(ImportSpec, register=False):
    """Defaults of the database, and a generated column."""

    row = NamedRow
    model = Computed
    key = "name"


class SavedImport(ImportSpec, register=False):
    """A model whose own ``save()`` must run."""

    row = NamedRow

    @target(Saved, key="name", write="save")
    def saved(self, row: Any) -> Iterator[dict[str, Any]]:
        """The record."""
        yield {"name": row.name}


class FiledRow(NodeRow):
    """A node in a box."""

    box: Text


class FiledImport(ImportSpec, register=False):
    """A model whose own ``save()`` reads what it links to."""

    row = FiledRow
    links = {"box": Link(Box, "name", hold=False), "parent": Link("self", "code")}

    @target(Filed, key="code", write="save", links=links)
    def filed(self, row: Any) -> Iterator[dict[str, Any]]:
        """The record."""
        yield {"code": row.code, "box": row.box, "parent": row.parent}


class HeardImport(ImportSpec, register=False):
    """A model whose signals must be sent."""

    row = NamedRow

    @target(Heard, key="name", write="save")
    def heard(self, row: Any) -> Iterator[dict[str, Any]]:
        """The record."""
        yield {"name": row.name}


class ScoredRow(Row):
    """A node with a running number."""

    code: Text
    group: Text
    score: Integer


class RunningOptions(NoOptions):
    """How the sums are made."""

    doubled: bool = Field(False, description="count every score twice")
