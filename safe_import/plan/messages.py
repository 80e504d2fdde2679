"""The words for what a plan finds wrong: made from the declaration of the spec, never from a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safe_import.spec.link import Link, OwnLink, Through

if TYPE_CHECKING:
    from safe_import.spec.target import Target

_MESSAGES = {
    "key_twice": "the same {model} stands on line {other}, too; keep one of them",
    "key_ambiguous": "several {model} records of the database have this {key}; merge them first",
    "key_incomplete": "the {model} can't be recognised without it",
    "not_found": "no {model} has this {key}, and this import creates none",
    "link_missing": "no {linked} has this {by}; correct it, or import the {linked} first",
    "link_rejected": "the {linked} that it names is brought by line {other}, which is rejected itself",
    "link_ambiguous": "several {linked} records of the database have this {by}; merge them first",
    "link_left_empty": "no {linked} has this {by}; left empty",
    "link_dropped": "no {linked} has this {by}; left out",
    "link_held": "it points to another {linked} already, and is left so; --force-update writes it",
    "disagree": "line {other} brings another value for the same {model}; make them agree",
    "required": "a new {model} needs a value here",
    "not_empty": "this field of {model} can't be emptied",
    "not_unique": "another {model} has the same",
    "check_failed": "the {model} would break a rule of the database",
    "out_of_range": "the database does not take this number",
    "would_be_cut": "the column of the database is too narrow for this value, which would be cut or rounded",
}


def message_of(target: Target, field: str, code: str, other: int | None) -> str:
    """The message of a problem that the plan has found.

    Args:
        target: whose record is meant.
        field: the field of the model.
        code: one of ``_MESSAGES``.
        other: the other line that has a part in it.
    """
    linked, by = _linked(target, field)
    model, key = str(target.model._meta.verbose_name), " and ".join(target.key.fields)
    return _MESSAGES[code].format(model=model, key=key, other=other, linked=linked, by=by)


def _linked(target: Target, field: str) -> tuple[str, str]:
    link = target.links.get(field)
    if isinstance(link, Through):
        return str(target.fields[field].related_model._meta.verbose_name), "key"  # type: ignore[union-attr]  # resolved
    if not isinstance(link, (Link, OwnLink)):
        return "", ""
    by = " and ".join(link.by) if isinstance(link, Link) else "key"
    return str(target.linked_model(link)._meta.verbose_name), by
