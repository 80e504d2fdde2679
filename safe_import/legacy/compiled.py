"""From a migration to the declaration of an import."""

from __future__ import annotations

from types import new_class
from typing import TYPE_CHECKING, Any

from safe_import.errors import SpecError
from safe_import.legacy.columns import Columns, elements, found_by, pk_of
from safe_import.legacy.source import QueryRow
from safe_import.spec.import_spec import ImportSpec
from safe_import.spec.key import Key
from safe_import.spec.link import Link, own
from safe_import.spec.target import target

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.db.models import ManyToManyField, Model

    from safe_import.legacy.description import Description
    from safe_import.legacy.migration import Migration
    from safe_import.spec.target import Record, TargetDeclaration, Write


def compiled(migration: type[Migration], columns: Sequence[str], write: Write, members: Write) -> type[ImportSpec]:
    """The spec of a migration: its model is the main target, each many-to-many another.

    Args:
        migration: the migration.
        columns: of its query.
        write: how its records are written.
        members: how its many-to-many relations are.

    Raises:
        SpecError: the migration does not fit its model.
    """
    if migration.model._meta.parents:
        raise SpecError(f"{migration.__name__}: the model keeps its data in several tables (inheritance).")
    attributes: dict[str, Any] = {"name": migration.model._meta.label, "row": QueryRow}
    attributes["records_of_model"] = _main(migration, columns, write)
    for column, description in _many_to_many(migration):
        attributes[f"records_of_{column}"] = _members(migration, column, description, members)
    return new_class(migration.__name__, (ImportSpec,), {"register": False}, lambda body: body.update(attributes))


def tables_of(migration: type[Migration]) -> list[str]:
    """The tables that a migration writes."""
    through = [_relation(migration, column)[0]._meta.db_table for column, _ in _many_to_many(migration)]
    return [migration.model._meta.db_table, *through]


def _main(migration: type[Migration], columns: Sequence[str], write: Write) -> TargetDeclaration:
    known = Columns(migration)

    def records(_: ImportSpec, row: QueryRow) -> Iterator[Record]:
        yield known.record(row.row)

    declare = target(
        known.model, key=_key(migration, columns), mode="insert", main=True, links=known.links(), write=write
    )
    return declare(records)


def _key(migration: type[Migration], columns: Sequence[str]) -> Key:
    pk, name = pk_of(migration.model), migration.search_attr
    if name and (migration.allow_updates or name in columns):
        return Key(pk.name if name == "pk" else migration.model._meta.get_field(name).name)
    return Key(pk.name) if {"pk", pk.name, pk.attname}.intersection(columns) else Key.every_row()


# -- many-to-many


def _many_to_many(migration: type[Migration]) -> list[tuple[str, Description]]:
    return [(column, each) for column, each in migration.column_description.items() if each.m2m and not each.exclude]


def _members(migration: type[Migration], column: str, description: Description, write: Write) -> TargetDeclaration:
    model, (through, ours, theirs, symmetrical) = migration.model, _relation(migration, column)
    link = Link(*found_by(description), missing="drop" if description.skip_missing else "error")

    def records(_: ImportSpec, row: QueryRow) -> Iterator[Record]:
        for value in elements(row.row.get(column), description.delimiter):
            yield {ours: own(model), theirs: value}
            if symmetrical:
                yield {ours: value, theirs: own(model)}

    links = {ours: link, theirs: link} if symmetrical else {theirs: link}
    return target(through, key=(ours, theirs), mode="insert", links=links, write=write)(records)


def _relation(migration: type[Migration], column: str) -> tuple[type[Model], str, str, bool]:
    """The model between, its fields for our record and for the other one, and whether the relation goes both ways.

    Raises:
        SpecError: the column is no many-to-many relation of the model, from either side.
    """
    options = migration.model._meta
    for field in options.many_to_many:
        if field.name == column:
            return _through(field), field.m2m_field_name(), field.m2m_reverse_field_name(), _symmetrical(field)
    for relation in options.related_objects:
        if relation.many_to_many and relation.get_accessor_name() == column:
            theirs: Any = relation.field
            return _through(theirs), theirs.m2m_reverse_field_name(), theirs.m2m_field_name(), False
    raise SpecError(f"{migration.__name__}: {options.label} has no many-to-many relation {column!r}.")


def _through(field: ManyToManyField[Any, Any]) -> type[Model]:
    return field.remote_field.through  # type: ignore[return-value]  # resolved when the apps are loaded


def _symmetrical(field: ManyToManyField[Any, Any]) -> bool:
    return bool(field.remote_field.symmetrical)
