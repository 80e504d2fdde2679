"""Which links of the installed models lead to the records of a model."""

from __future__ import annotations

from typing import Any

from django.db.models import ForeignKey, ForeignObjectRel, Model


def references_to(model: type[Model]) -> list[ForeignKey[Any, Any]]:
    """The links to ``model``, those without a reverse name and those of many-to-many tables as well."""
    relations = model._meta.get_fields(include_hidden=True)
    links = [relation.field for relation in relations if isinstance(relation, ForeignObjectRel)]
    return [link for link in links if isinstance(link, ForeignKey)]
