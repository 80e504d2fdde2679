"""Fields that name another record by its key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from safe_import.spec.key import Key

Missing = Literal["error", "empty", "drop"]


@dataclass(frozen=True, init=False)
class Link:
    """A field that names a record of ``to`` by the natural key of that record.

    Args:
        to: the model, or ``"self"`` for the model of the target.
        by: the field of ``to`` that the value is compared with; or, for a compound key, a mapping
            {their field: our field}, in which our field may be a link of its own.
        casefold: compare without regard to case. Taken from the key of ``to`` where this spec writes ``to`` as well.
        missing: what a name that no record bears means: ``error`` rejects the row; ``empty`` leaves the field empty,
            with a warning that is counted; ``drop`` leaves the record out, with a warning, for elements of a list.
        hold: whether a link that points elsewhere already is left so, unless the command line says ``--force-update``.
            False for a link that other fields of the record depend on, so that all of them are updated or none.
    """

    to: Any
    by: Mapping[str, str | None]  # their field -> our field; None stands for the value under the link's own name
    casefold: bool
    missing: Missing
    hold: bool

    def __init__(
        self,
        to: Any,
        by: Key | str | Sequence[str] | Mapping[str, str],
        *,
        casefold: bool = False,
        missing: Missing = "error",
        hold: bool = True,
    ) -> None:
        if isinstance(by, Key):
            casefold = casefold or by.casefold
        pairs = dict(by) if isinstance(by, Mapping) else dict.fromkeys(Key.of(by).fields)
        object.__setattr__(self, "to", to)
        object.__setattr__(self, "by", pairs)
        object.__setattr__(self, "casefold", casefold)
        object.__setattr__(self, "missing", missing)
        object.__setattr__(self, "hold", hold)


@dataclass(frozen=True)
class Through:
    """A link taken from the record that another link leads to: ``Through("tribe", "department")``.

    It is read after this run's own changes to that record, so a file that brings both is imported in one run.

    Args:
        link: the name of a link of the same target.
        field: the link of that record which is taken over.
    """

    link: str
    field: str


@dataclass(frozen=True)
class OwnLink:
    """A relation without a declared link, to a model that the same spec writes: it takes ``own(to)`` alone."""

    to: Any


AnyLink = Link | Through | OwnLink


@dataclass(frozen=True)
class Own:
    """The value of a link to the record that the same row writes to the target of ``model``."""

    model: Any


def own(model: Any) -> Own:
    """The value of a link to what the same row wrote to a model.

    For example ``yield {"committee": row.committee, "user": own(User)}``.
    """
    return Own(model)
