"""What a special column of a query is: a relation, or one that is left to the hooks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.models import Model

from safe_import.errors import SpecError


class WrongDescription(SpecError, ImproperlyConfigured):
    """A migration, or a column of it, is described wrongly. Correct it; nothing in the data causes this."""


@dataclass(frozen=True, slots=True)
class Description:
    """The arguments of ``is_a``, which see."""

    klass: type[Model] | None
    attr: str | None
    fk: bool
    m2m: bool
    o2o: bool
    exclude: bool
    delimiter: str
    skip_missing: bool


def is_a(
    klass: type[Model] | None = None,
    search_attr: str | None = None,
    fk: bool = False,
    m2m: bool = False,
    o2o: bool = False,
    exclude: bool = False,
    delimiter: str = ";",
    skip_missing: bool = False,
    prefetch: bool = True,
    assign_by_id: bool = False,
) -> Description:
    """Describes a special column of a query, for ``column_description``.

    Args:
        klass: the model that the column names a record of.
        search_attr: the field of ``klass`` that holds what the column holds.
        fk: the column names one record; exactly one of ``fk``, ``m2m`` and ``o2o`` is given.
        m2m: it names several.
        o2o: it names one that no other row names.
        exclude: the column is no field; the hooks find it in their row.
        delimiter: what stands between the elements of an ``m2m`` column.
        skip_missing: leave out what names no record; otherwise it is an error.
        prefetch: whether records are looked up all at once. Accepted for specs that say so: they always are.
        assign_by_id: whether the relation is assigned by primary key. Accepted likewise: it always is.

    Raises:
        WrongDescription: the arguments contradict each other. It is Django's ImproperlyConfigured, too.
    """
    if not exclude:
        _judge(klass, search_attr, [fk, m2m, o2o])
        if assign_by_id and not prefetch:
            raise WrongDescription("is_a: assign_by_id needs prefetch=True.")
    return Description(klass, search_attr, fk, m2m, o2o, exclude, delimiter, skip_missing)


def _judge(klass: Any, search_attr: str | None, relations: list[bool]) -> None:
    if klass is None or not search_attr:
        raise WrongDescription("is_a needs a model class, a search_attr and a relation; or exclude=True.")
    if not is_model(klass):
        raise WrongDescription("is_a: the first argument must be a model class.")
    if sum(map(bool, relations)) != 1:
        raise WrongDescription("is_a: a column is either fk, m2m or o2o.")


def is_model(klass: Any) -> bool:
    """Whether it is the class of a model."""
    return isinstance(klass, type) and issubclass(klass, Model)
