"""An integrity check: one query that finds the records which break a rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from django.db.models import QuerySet

Violations = Callable[[], QuerySet[Any]]
"""Gives the records that break a rule, as one query. Called anew for every run of the check."""


@dataclass(frozen=True)
class Check:
    """A rule that the data should keep.

    Args:
        name: stable, for programs; ``area.rule``.
        message: what it means to break the rule, for people.
        violations: the records that break it, on no particular database; ``library`` has the usual ones.
        severity: an ``error`` that a run introduces rolls it back; a ``warning`` is reported.
    """

    name: str
    message: str
    violations: Violations
    severity: Literal["error", "warning"] = "error"
