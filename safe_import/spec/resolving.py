"""Whether every name in a spec means something. For system checks: nothing here asks a database."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.core.exceptions import FieldError

from safe_import.errors import SpecError
from safe_import.spec.headers import match_header
from safe_import.spec.key import Key
from safe_import.spec.kinds import KindChooser
from safe_import.spec.link import Link, Through
from safe_import.spec.target import field_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from safe_import.spec.import_spec import ImportSpec
    from safe_import.spec.lookup import Lookup
    from safe_import.spec.target import Target


def spec_errors(spec: ImportSpec) -> Iterator[str]:
    """Yield what is wrong with the declaration of a spec, all at once as far as one error does not hide another."""
    try:
        targets = spec.targets
    except SpecError as error:
        yield str(error)
        return
    yield from _raised(partial(_judge_headers, spec))
    for target in targets:
        for name in target.key.fields:
            yield from _raised(partial(target.field, name))
        for name in target.links:
            yield from _raised(partial(_judge_link, target, name))
    for name, lookup in spec.lookups.items():
        yield from _raised(partial(_judge_lookup, spec, name, lookup))
    yield from _raised(partial(_judge_grouping, spec))


def _raised(judge: Callable[[], object]) -> Iterator[str]:
    try:
        judge()
    except SpecError as error:
        yield str(error)


def _judge_headers(spec: ImportSpec) -> None:
    header = list(dict.fromkeys(row.spellings(name)[0] for row in spec.rows for name in row.model_fields))
    KindChooser(spec.rows, match_header(header, spec.rows))


def _judge_link(target: Target, name: str) -> None:
    link = target.links[name]
    field_of(target.model, name)
    if isinstance(link, Link):
        for theirs, ours in link.by.items():
            field_of(target.linked_model(link), theirs)
            if ours is not None:
                field_of(target.model, ours)
    elif isinstance(link, Through):
        _judge_through(target, name, link)


def _judge_through(target: Target, name: str, link: Through) -> None:
    leading = target.links.get(link.link)
    if leading is None or isinstance(leading, Through):
        raise SpecError(f"{target.label}.{name} goes through {link.link!r}, which is no link of the same target.")
    field_of(target.linked_model(leading), link.field)


def _judge_lookup(spec: ImportSpec, name: str, lookup: Lookup) -> None:
    for field in lookup.by.values():
        _judge_row_field(spec, field, f"the lookup {name!r}")
    values = lookup.value if isinstance(lookup.value, tuple) else (lookup.value,)
    try:
        # Building a query resolves its names; it is never run.
        found = lookup.model._base_manager.filter(**{f"{path}__in": () for path in lookup.by})
        found.order_by(*lookup.order_by).values_list(*values)
    except FieldError as error:
        raise SpecError(f"{type(spec).__name__}, lookup {name!r}: {error}") from None


def _judge_grouping(spec: ImportSpec) -> None:
    grouping: Any = Key.of(spec.group_by).fields if spec.group_by else ()
    for field in (*grouping, *(name.removeprefix("-") for name in spec.order_by)):
        _judge_row_field(spec, field, "group_by or order_by")


def _judge_row_field(spec: ImportSpec, field: str, where: str) -> None:
    if not any(field in row.model_fields for row in spec.rows):
        raise SpecError(f"{type(spec).__name__}, {where}: no row has a field {field!r}.")
