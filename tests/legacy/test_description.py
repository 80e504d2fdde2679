"""What contradicts itself is refused when the module that says it is imported."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from safe_import.errors import SpecError
from safe_import.legacy import Migration, is_a
from tests.testapp.models import Box, Tag, Thing


@pytest.mark.parametrize(
    "arguments",
    [
        {"fk": True},
        {"klass": Box, "fk": True},
        {"klass": Box, "search_attr": "name"},
        {"klass": Box, "search_attr": "name", "fk": True, "m2m": True},
        {"klass": Box, "search_attr": "name", "fk": True, "o2o": True},
        {"klass": "Box", "search_attr": "name", "fk": True},
        {"klass": int, "search_attr": "name", "fk": True},
        {"klass": Box, "search_attr": "name", "fk": True, "prefetch": False, "assign_by_id": True},
    ],
)
def test_is_a_rejects_what_contradicts_itself(arguments: dict[str, Any]) -> None:
    """No relation or several, no model class, by id without prefetch; as our own error and as Django's."""
    with pytest.raises(SpecError):
        is_a(**arguments)
    with pytest.raises(ImproperlyConfigured):
        is_a(**arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"klass": Box, "search_attr": "name", "fk": True},
        {"klass": Box, "search_attr": "name", "o2o": True, "assign_by_id": True},
        {"klass": Tag, "search_attr": "name", "m2m": True, "delimiter": ",", "skip_missing": True},
        {"klass": Box, "search_attr": "name", "fk": True, "prefetch": False},
        {"exclude": True},
    ],
)
def test_is_a_takes_what_does_not(arguments: dict[str, Any]) -> None:
    """Every sound description, with and without the arguments that change nothing."""
    assert is_a(**arguments).exclude is arguments.get("exclude", False)


@pytest.mark.parametrize(
    "attributes",
    [
        {"query": "DELETE FROM things", "model": Thing},
        {"query": "SELECT 1", "model": None},
        {"query": "SELECT 1"},
        {"query": "SELECT 1", "model": Thing, "allow_updates": True},
        {"query": "SELECT 1", "model": Thing, "depends_on": Box},
        {"query": "SELECT 1", "model": Thing, "depends_on": ["Box"]},
        {"query": "SELECT 1", "model": Thing, "column_description": {"box": "fk"}},
    ],
)
def test_a_migration_rejects_what_contradicts_itself(attributes: dict[str, Any]) -> None:
    """No SELECT, no model, nothing to find existing records by, dependencies that are no models."""
    with pytest.raises(SpecError):
        type("Wrong", (Migration,), attributes)


def test_a_base_without_a_query_may_lack_everything() -> None:
    """It holds what its subclasses share."""
    assert type("Base", (Migration,), {"allow_updates": True}).query == ""
