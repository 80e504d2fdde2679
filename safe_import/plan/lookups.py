"""Runs the lookups of a spec over a batch of rows: one query a lookup."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from django.db.models import F, Q
from django.db.models.lookups import In

from safe_import.database.expressions import Folded, Unfoldable
from safe_import.database.folding import fold

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from safe_import.spec.lookup import Lookup


def run_lookups(lookups: Mapping[str, Lookup], rows: Sequence[Any], alias: str) -> None:
    """Sets ``row.found`` of every row to what the lookups found, by their names."""
    if not lookups:
        return
    found = {name: _Found(lookup, rows, alias) for name, lookup in lookups.items()}
    for row in rows:
        row.found = {name: each.of(row) for name, each in found.items()}


class _Found:
    """What one lookup found for a batch of rows, by the values that it was looked up by."""

    def __init__(self, lookup: Lookup, rows: Sequence[Any], alias: str) -> None:
        self.lookup = lookup
        self.values: defaultdict[Hashable, list[Any]] = defaultdict(list)
        wanted = {key for row in rows if (key := self._key(row)) is not None}
        for key, value in self._query(wanted, alias):
            if key in wanted:
                self.values[key].append(value)

    def of(self, row: Any) -> Any:
        key = self._key(row)
        values = self.values.get(key, []) if key is not None else []
        if self.lookup.many:
            return values
        return values[0] if values else None

    def _key(self, row: Any) -> tuple[Any, ...] | None:
        """The values that a row is looked up by; None when one of them is missing."""
        values = tuple(getattr(row, field) for field in self.lookup.by.values())
        return None if None in values else self._folded(values)

    def _folded(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(fold(value, self.lookup.casefold) if isinstance(value, str) else value for value in values)

    def _query(self, wanted: set[tuple[Any, ...]], alias: str) -> Iterator[tuple[tuple[Any, ...], Any]]:
        if not wanted:
            return
        paths, several = tuple(self.lookup.by), isinstance(self.lookup.value, tuple)
        value = self.lookup.value if several else (self.lookup.value,)
        queryset = (
            self.lookup.model._base_manager.using(alias).filter(self._condition(wanted)).order_by(*self.lookup.order_by)
        )
        expressions = [F(each) if isinstance(each, str) else each for each in value]
        for found in queryset.values_list(*map(F, paths), *expressions).iterator(chunk_size=2000):
            values = found[len(paths) :]
            yield self._folded(found[: len(paths)]), values if several else values[0]

    def _condition(self, wanted: set[tuple[Any, ...]]) -> Q:
        """A condition that every wanted record meets; which of them meet it by chance is told in Python."""
        condition = Q()
        for path, values in zip(self.lookup.by, zip(*wanted, strict=True), strict=False):
            distinct = set(values)
            if all(isinstance(value, str) for value in distinct):
                casefold = self.lookup.casefold
                condition &= _matches(Folded(F(path), casefold), distinct) | Q(Unfoldable(F(path), casefold))
            else:
                condition &= Q(**{f"{path}__in": distinct})
        return condition


def _matches(expression: Folded, values: set[Any]) -> Q:
    return Q(In(expression, list(values)))
