"""The usual rules, as queries that find the records which break them.

None of them leans on a constraint of the database: a table may have lost one, or never have had it. What a link leads
to is looked for, not joined, because a join would lose the very records that are sought.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import CharField, Count, Exists, F, ForeignKey, Model, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Trim

from safe_import.database.expressions import Exact, WithoutCase
from safe_import.database.references import references_to

if TYPE_CHECKING:
    from collections.abc import Collection

    from safe_import.checks.check import Violations


def required_missing(model: type[Model], *fields: str) -> Violations:
    """Records that hold nothing, or nothing but blanks, in one of the fields."""

    def find() -> QuerySet[Any]:
        found, missing = _all(model), Q()
        for name in fields:
            missing |= Q((f"{name}__isnull", True))
            if isinstance(model._meta.get_field(name), (CharField, TextField)):
                found = found.alias(**{f"si_{name}": Trim(name)})
                missing |= Q((f"si_{name}", ""))
        return found.filter(missing)

    return find


def dangling_links(model: type[Model], *fields: str) -> Violations:
    """Records with a link, in one of the fields, to a record that does not exist."""

    def find() -> QuerySet[Any]:
        dangling = Q()
        for field in _links(model, fields):
            dangling |= Q(Q((f"{field.attname}__isnull", False)), ~_linked(field))
        return _all(model).filter(dangling)

    return find


def link_missing(model: type[Model], field: str) -> Violations:
    """Records whose link is empty, or leads to a record that does not exist."""
    return lambda: _all(model).filter(~_linked(_links(model, [field])[0]))


def linked_otherwise(model: type[Model], link: str, shared: str) -> Violations:
    """Records whose ``link`` leads to nothing, or to a record with another ``shared`` link than their own."""

    def find() -> QuerySet[Any]:
        through, own = _links(model, [link, shared])
        (theirs,) = _links(through.related_model, [shared])
        return _all(model).filter(~_linked(through, **{theirs.attname: OuterRef(own.attname)}))

    return find


def nothing_refers_to(model: type[Model], *referring: type[Model]) -> Violations:
    """Records that no record links to: none of the ``referring`` models; where none is named, of any installed one."""

    def find() -> QuerySet[Any]:
        found = _all(model)
        for field in references_to(model):
            if not referring or field.model in referring:
                links = _all(field.model).filter(**{field.attname: OuterRef(field.target_field.attname)})
                found = found.filter(~Exists(links))
        return found

    return find


def equal_without_case(model: type[Model], field: str) -> Violations:
    """Records that share a text with others when case is disregarded, as far as the database knows letters."""

    def find() -> QuerySet[Any]:
        folded = _all(model).annotate(si_folded=WithoutCase(field))
        several = folded.values("si_folded").annotate(si_n=Count("pk")).filter(si_n__gt=1)
        found: QuerySet[Any] = folded.filter(si_folded__in=several.values("si_folded"))
        return found

    return find


def unknown_choice(model: type[Model], field: str, choices: Collection[str]) -> Violations:
    """Records whose field holds none of the choices, or nothing."""
    unknown = ~Q(si_exact__in=choices) | Q((f"{field}__isnull", True))
    return lambda: _all(model).annotate(si_exact=Exact(F(field))).filter(unknown)


def below(model: type[Model], field: str, minimum: int) -> Violations:
    """Records whose number is smaller than it may be."""
    return lambda: _all(model).filter(**{f"{field}__lt": minimum})


def _all(model: type[Model]) -> QuerySet[Any]:
    every: QuerySet[Any] = model._base_manager.order_by()
    return every


def _links(model: type[Model], names: Collection[str]) -> list[ForeignKey[Any, Any]]:
    return [field for name in names if isinstance(field := model._meta.get_field(name), ForeignKey)]


def _linked(field: ForeignKey[Any, Any], **conditions: Any) -> Exists:
    """Whether the record that the link leads to exists, under some conditions."""
    key = {field.target_field.attname: OuterRef(field.attname)}
    return Exists(_all(field.related_model).filter(**key, **conditions))
