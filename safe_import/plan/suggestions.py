"""The nearest valid name for a link that names nothing: "did you mean 'Platform'?"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import apps
from django.conf import settings
from django.db.models import EmailField

from safe_import.plan.links import MISSING
from safe_import.plan.parts import is_text
from safe_import.plan.workspace import PROBLEM, Workspace
from safe_import.spelling import did_you_mean

if TYPE_CHECKING:
    from django.db.models import Field, Model

    from safe_import.spec.target import Target

_CANDIDATES = 5000

Suggestions = dict[tuple[int, int, str], str]


def suggestions(ws: Workspace, limit: int) -> Suggestions:
    """What was probably meant, by line, number of the target and field.

    Only names of things are suggested: which other people there are is nobody's business.

    Args:
        ws: the plan.
        limit: how many lines a link are looked at, as many as a report shows.
    """
    found: Suggestions = {}
    for target in ws.targets:
        for name in ws.found_links(target):
            if (field := _vocabulary(ws, target, name)) is not None:
                found |= _of_link(ws, target, name, field, limit)
    return found


def _vocabulary(ws: Workspace, target: Target, name: str) -> Field | None:  # type: ignore[type-arg]  # of any type
    parts = ws.link_parts(target, name)
    field = parts[0].field
    private = isinstance(field, EmailField) or _names_people(field.model)
    return field if len(parts) == 1 and is_text(field) and not private else None


def _names_people(model: type[Model]) -> bool:
    """Whether it is the model of the users; there is none where ``django.contrib.auth`` is not installed."""
    return apps.is_installed("django.contrib.auth") and model._meta.label_lower == settings.AUTH_USER_MODEL.lower()


def _of_link(ws: Workspace, target: Target, name: str, field: Field, limit: int) -> Suggestions:  # type: ignore[type-arg]  # of any type
    d, stage = ws.dialect, ws.stages[target.number]
    value = stage.value(ws.link_parts(target, name)[0].column or "")
    wrong = d.rows(
        f"SELECT s.line, {value} FROM {ws.shared(PROBLEM)} p JOIN {ws.name(target, 'stage')} s ON s.line = p.line"
        f" WHERE p.target = {target.number} AND p.field = '{name}' AND p.code = '{MISSING}'"
        f" AND {value} IS NOT NULL ORDER BY s.line LIMIT {limit}"
    )
    if not wrong:
        return {}
    table, column = d.table(field.model), d.column(field)
    names = [text for (text,) in d.rows(f"SELECT {column} FROM {table} ORDER BY 1 LIMIT {_CANDIDATES}") if text]
    return {(line, target.number, name): did_you_mean(text, names) for line, text in wrong}
