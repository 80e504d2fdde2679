"""What else changes when records of a model are deleted through Django."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import CASCADE, DO_NOTHING, PROTECT, RESTRICT, ForeignObjectRel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.db.models import Model

_LEFT_ALONE = (DO_NOTHING, PROTECT, RESTRICT)


def tables_changed_by_deletion(models: Iterable[type[Model]]) -> set[str]:
    """Return the tables of ``models``, of what is deleted with them, and of what loses a link to any of these."""
    deleted: set[type[Model]] = set()
    emptied: list[type[Model]] = []
    pending = list(models)
    while pending:
        model = pending.pop()
        if model in deleted:
            continue
        deleted.add(model)
        for relation in _incoming(model):
            (pending if relation.on_delete is CASCADE else emptied).append(relation.related_model)
    return {model._meta.db_table for model in deleted.union(emptied)}


def _incoming(model: type[Model]) -> Iterator[ForeignObjectRel]:
    """The relations by which other records depend on those of ``model``."""
    for field in model._meta.get_fields(include_hidden=True):
        if isinstance(field, ForeignObjectRel) and not field.many_to_many and field.on_delete not in _LEFT_ALONE:
            yield field
