"""What a spec writes to one model, and how its records are made from a row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from django.core.exceptions import FieldDoesNotExist
from django.db.models import F, Field, ForeignKey, Model, UniqueConstraint
from django.db.models.functions import Lower

from safe_import.database.fields import pk_of
from safe_import.errors import SpecError
from safe_import.spec.key import Key
from safe_import.spec.link import AnyLink, Link, OwnLink, Through

if TYPE_CHECKING:
    from pydantic import BaseModel

Mode = Literal["upsert", "insert", "update"]
Agree = Literal["error", "first", "last"]
Writer = Callable[[Any, Any], None]  # of the workspace, which this layer does not know, and the target
Write = Literal["sql", "save"] | Writer
Record = Mapping[str, Any]
RecordMaker = Callable[[Any, Any], Iterable[Record] | None]


@dataclass(frozen=True)
class TargetDeclaration:
    """The arguments of ``@target``, and the method it stands on. See ``target``."""

    make: RecordMaker
    model: type[Model]
    key: Key
    mode: Mode | Callable[[Any], Mode]
    main: bool
    links: Mapping[str, Link | Through]
    agree: Agree
    write: Write | None
    row: type[BaseModel] | None
    columns: Mapping[str, str]
    db_rewrites: tuple[str, ...]


def target(
    model: type[Model],
    *,
    key: Key | str | Sequence[str],
    mode: Mode | Callable[[Any], Mode] = "upsert",
    main: bool = False,
    links: Mapping[str, Link | Through] | None = None,
    agree: Agree = "error",
    write: Write | None = None,
    row: type[BaseModel] | None = None,
    columns: Mapping[str, str] | None = None,
    db_rewrites: Sequence[str] = (),
) -> Callable[[RecordMaker], TargetDeclaration]:
    """Declares that a method of a spec yields the records of ``model`` that a row brings.

    The method gets the row and yields mappings {field: value}. A field that is absent is not brought, and is left alone
    in records that exist.

    Args:
        model: the model that is written. A spec has one target a model.
        key: the fields that recognise an existing record.
        mode: ``upsert``; ``insert``, which leaves existing records alone; ``update``, for which a missing one is an
            error; or a function of the options of the command that gives one of these.
        main: whether its record decides the fate of the row. A spec with one target for a kind of row need not say so.
        links: {field: Link or Through}. Every relation that the method yields needs one.
        agree: what several rows that bring the same record may do when they disagree about a field: ``error``,
            ``first`` or ``last`` wins.
        write: ``sql``, set-based; ``save``, which calls ``save()`` of each instance; or a function (workspace, target)
            that writes the records of the plan itself, as ``stages/apply/save.py`` does. A model with its own
            ``save()`` or receivers of its signals must choose.
        row: the kind of row this target is made from, for specs with several.
        columns: {field: field of the row}, so that messages name the right column; needed only where the names differ.
        db_rewrites: fields that a trigger of the database may store otherwise than they were written.
    """

    def declare(make: RecordMaker) -> TargetDeclaration:
        return TargetDeclaration(
            make,
            model,
            Key.of(key),
            mode,
            main,
            dict(links or {}),
            agree,
            write,
            row,
            dict(columns or {}),
            tuple(db_rewrites),
        )

    return declare


@dataclass(frozen=True, eq=False)
class Target:
    """One target of a spec that is about to run: the declaration with everything resolved.

    ``number`` is its position in the spec; ``kinds`` are the positions of the row models that it is made from;
    ``links`` are the declared ones and those to other targets that take ``own(...)`` alone.
    """

    number: int
    declaration: TargetDeclaration
    links: Mapping[str, AnyLink]
    mode: Mode
    main: bool
    kinds: frozenset[int]

    @property
    def model(self) -> type[Model]:
        return self.declaration.model

    @property
    def label(self) -> str:
        return str(self.model._meta.label)

    @property
    def key(self) -> Key:
        return self.declaration.key

    @cached_property
    def fields(self) -> dict[str, Field[Any, Any]]:
        """The concrete fields of the model by name, in the order of the model."""
        return {field.name: field for field in self.model._meta.concrete_fields}

    @property
    def write(self) -> Write:
        return self.declaration.write or "sql"

    @property
    def pk(self) -> Field[Any, Any]:
        return pk_of(self.model)

    def row_field(self, name: str) -> str:
        """The field of the row that a field of the model is filled from, as far as the spec tells."""
        return self.declaration.columns.get(name, name)

    def linked_model(self, link: Link | OwnLink) -> type[Model]:
        return self.model if link.to == "self" else link.to

    def field(self, name: str) -> Field[Any, Any]:
        """The field of that name.

        Raises:
            SpecError: the model has no such field, or it is a relation without a link.
        """
        try:
            field = self.fields[name]
        except KeyError:
            raise SpecError(f"{self.label} has no field {name!r} that could be written.") from None
        if isinstance(field, ForeignKey) and name not in self.links:
            raise SpecError(f"{self.label}.{name} is a relation: declare links={{{name!r}: Link(...)}}.")
        return field


def links_of(declaration: TargetDeclaration, written: Sequence[type[Model]]) -> dict[str, AnyLink]:
    """The declared links, and the relations to the models that are ``written`` as well."""
    relations = {
        field.name: OwnLink(field.related_model)
        for field in declaration.model._meta.concrete_fields
        if isinstance(field, ForeignKey) and field.related_model in written
    }
    return {**relations, **declaration.links}


def field_of(model: type[Model], name: str) -> Field[Any, Any]:
    """The concrete field ``name`` of ``model``.

    Raises:
        SpecError: there is none.
    """
    try:
        found = model._meta.get_field(name)
    except FieldDoesNotExist:
        raise SpecError(f"{model._meta.label} has no field {name!r}.") from None
    if not isinstance(found, Field) or not found.concrete:
        raise SpecError(f"{model._meta.label}.{name} is not a column.")
    return found


def unique_in_database(target: Target, enforced: Callable[[UniqueConstraint], bool]) -> bool:
    """Whether the database itself keeps two records from having the same key, in the way in which the key compares.

    Args:
        target: what is written.
        enforced: whether the database has a constraint that the model declares.
    """
    key, meta = set(target.key.fields), target.model._meta
    unconditional = [c for c in meta.constraints if isinstance(c, UniqueConstraint) and c.condition is None]
    unconditional = [constraint for constraint in unconditional if enforced(constraint)]
    if target.key.casefold:
        together = [folded_fields(constraint) for constraint in unconditional]
    else:
        together = [{name} for name in key if target.fields[name].unique]
        together += [set(fields) for fields in (*meta.unique_together, *(c.fields for c in unconditional))]
    return any(fields and fields <= key for fields in together)


def folded_fields(constraint: UniqueConstraint) -> set[str]:
    """The fields of a unique constraint over expressions such as ``Lower("email")``."""
    sources = [each.get_source_expressions()[0] if isinstance(each, Lower) else each for each in constraint.expressions]
    names = {str(getattr(source, "name", "")) for source in sources if isinstance(source, F)}
    return names if len(names) == len(sources) else set()
