"""What a key is made of, and where the stage has each part of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import CharField, Field, ForeignKey, TextField

from safe_import.spec.target import Target, field_of

if TYPE_CHECKING:
    from safe_import.spec.link import Link


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a key: the field of the keyed model, and where the stage has our value for it.

    ``column`` is a column of the stage table; or None, and ``link`` names the link whose record is meant.
    """

    field: Field[Any, Any]
    column: str | None
    link: str | None = None

    @property
    def text(self) -> bool:
        return is_text(self.field)


def is_text(field: Field[Any, Any]) -> bool:
    while isinstance(field, ForeignKey):
        field = field.target_field
    return isinstance(field, (CharField, TextField))


def key_parts(target: Target) -> tuple[Part, ...]:
    """The parts of the target's own key."""
    return tuple(_part(target, field_of(target.model, name), name, target.key.casefold) for name in target.key.fields)


def link_parts(target: Target, name: str, link: Link, casefold: bool) -> tuple[Part, ...]:
    """The parts of the key by which the link ``name`` of ``target`` finds its record."""
    model = target.linked_model(link)
    return tuple(_link_part(target, name, field_of(model, theirs), ours, casefold) for theirs, ours in link.by.items())


def _link_part(target: Target, name: str, theirs: Field[Any, Any], ours: str | None, casefold: bool) -> Part:
    if ours is None or ours == name:
        return Part(theirs, _value_column(name, theirs, casefold))
    return _part(target, theirs, ours, casefold)


def _part(target: Target, theirs: Field[Any, Any], ours: str, casefold: bool) -> Part:
    if ours in target.links:
        return Part(theirs, None, ours)
    return Part(theirs, _value_column(ours, target.field(ours), casefold))


def _value_column(name: str, field: Field[Any, Any], casefold: bool) -> str:
    return f"k{int(casefold)}_{name}" if is_text(field) else f"v_{name}"
