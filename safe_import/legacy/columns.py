"""Which field each column of a query is, and what its values mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field, ForeignKey, ManyToManyField, Model

from safe_import.errors import SpecError
from safe_import.spec.link import Link

if TYPE_CHECKING:
    from safe_import.legacy.description import Description
    from safe_import.legacy.migration import Migration

_Value = Callable[[Any], Any]


class Columns:
    """The columns of the rows of a migration. A hook may have added some, so each is resolved when it is met."""

    def __init__(self, migration: type[Migration]) -> None:
        self.migration = migration
        self.model: type[Model] = migration.model
        self._known: dict[str, tuple[str, _Value] | None] = {}

    def record(self, row: dict[str, Any]) -> dict[str, Any]:
        """The fields of the model that a row brings.

        Raises:
            SpecError: a column is no field, or is a relation that is not described.
        """
        record = {}
        for column, value in row.items():
            if column not in self._known:
                self._known[column] = self._resolve(column)
            if (role := self._known[column]) is not None:
                record[role[0]] = role[1](value)
        pk = pk_of(self.model).name
        if pk in record and record[pk] is None:
            del record[pk]  # then a new record gets one
        return record

    def links(self) -> dict[str, Link]:
        """How the relations of the model find their records: as described, else by primary key."""
        relations = [field for field in self.model._meta.concrete_fields if isinstance(field, ForeignKey)]
        return {field.name: self._link(field) for field in relations}

    def _link(self, field: ForeignKey[Any, Any]) -> Link:
        description = self._description(field.name) or self._description(field.attname)
        if description is None:
            return Link(field.related_model, field.target_field.name)
        model, name = found_by(description)
        if not issubclass(model, field.related_model):
            raise SpecError(f"{self._label(field.name)} leads to {field.related_model}, not to {model._meta.label}.")
        return Link(model, name, missing="empty" if description.skip_missing else "error")

    def _description(self, column: str) -> Description | None:
        description = self.migration.column_description.get(column)
        return description if description and not description.exclude else None

    def _resolve(self, column: str) -> tuple[str, _Value] | None:
        """The field and what a value means; None for a column that is no field of the table."""
        description = self.migration.column_description.get(column)
        if description and (description.exclude or description.m2m):
            return None
        field = self._field(column)
        if isinstance(field, ForeignKey):
            return field.name, self._reference(column, field, description)
        if description is not None:
            raise SpecError(f"{self._label(column)} is described as a relation, but is none.")
        return field.name, lambda value: value

    def _field(self, column: str) -> Field[Any, Any]:
        name = pk_of(self.model).name if column == "pk" else column
        try:
            field = self.model._meta.get_field(name)
        except FieldDoesNotExist:
            raise SpecError(
                f"{self._label(column)}: there is no such field; rename the column, or say is_a(exclude=True)."
            ) from None
        if not isinstance(field, Field) or not field.concrete or isinstance(field, ManyToManyField):
            raise SpecError(f"{self._label(column)} is no column of its table; describe it with is_a(...).")
        return field

    def _reference(self, column: str, field: ForeignKey[Any, Any], description: Description | None) -> _Value:
        if description is not None:
            return (lambda value: None if value == "" else value) if description.skip_missing else _same
        by_key = column != field.name

        def primary_key(value: Any) -> Any:
            if isinstance(value, Model):  # a hook has put it there
                return getattr(value, field.target_field.attname)
            if value is None or by_key:
                return value
            remedy = f"describe it with is_a(...), or name it {field.attname}"
            raise SpecError(f"{self._label(column)} is a relation; {remedy}.")

        return primary_key

    def _label(self, column: str) -> str:
        return f"{self.migration.__name__}, {self.model._meta.label}.{column}"


def _same(value: Any) -> Any:
    return value


def pk_of(model: type[Model]) -> Field[Any, Any]:
    """The primary key of an installed model, which has one."""
    return model._meta.pk


def found_by(description: Description) -> tuple[type[Model], str]:
    """The model that a description leads to, and the name of the field that records are found by.

    Raises:
        SpecError: it is no plain column of the model.
    """
    model: type[Model] = description.klass  # type: ignore[assignment]  # judged by is_a
    name = pk_of(model).name if description.attr == "pk" else description.attr
    fields = {field.name: field for field in model._meta.concrete_fields}
    if name not in fields or isinstance(fields[name], ForeignKey):
        raise SpecError(f"is_a({model._meta.label}, {name!r}): search_attr must be a plain column of the model.")
    return model, name


def elements(value: Any, delimiter: str) -> Iterable[Any]:
    """The elements of a many-to-many column: of a text with a delimiter, of a list, or the one that it holds."""
    if value is None:
        return ()
    if isinstance(value, str):
        return [part.strip() for part in value.split(delimiter) if part.strip()]
    return value if isinstance(value, (list, tuple, set)) else (value,)
