"""What Django's types leave open about the fields of models that are installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from django.db.models import Field, Model


def pk_of(model: type[Model]) -> Field[Any, Any]:
    """The primary key of a model."""
    return model._meta.pk


def column_name(field: Field[Any, Any]) -> str:
    """The name of the column of a concrete field, unquoted."""
    return cast("str", field.column)
