"""An integrity check: one query that finds the records which break a rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from django.db.models import QuerySet


@dataclass(frozen=True)
class Check:
    """A rule that the data should keep.

    Args:
        name: stable, for programs.
        message: what it means to break the rule, for people.
        violations: gives the queryset of the records that break it; without the alias of a database.
        severity: an ``error`` that a run introduces rolls it back; a ``warning`` is reported.
    """

    name: str
    message: str
    violations: Callable[[], QuerySet[Any]]
    severity: Literal["error", "warning"] = "error"
