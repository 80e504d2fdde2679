"""Which migrations run, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from commands.legacy_blog.data_migration_spec import AuthorMigration, CommentMigration, PostMigration
from safe_import.errors import SpecError, UsageError
from safe_import.legacy import Migration
from safe_import.legacy.discovery import find_migrations, ordered
from tests.testapp.models import Box, Node, Tag, Thing

if TYPE_CHECKING:
    from django.db.models import Model


def of(model: type[Model], *depends_on: type[Model]) -> type[Migration]:
    """A migration of a model."""
    attributes = {"query": "SELECT 1", "model": model, "depends_on": list(depends_on)}
    return type(f"{model.__name__}Migration", (Migration,), attributes)


def test_migrations_of_installed_apps_are_found_in_order() -> None:
    """Those that others depend on come first; a base without a query is none."""
    found = find_migrations()
    assert [each for each in found if each.__module__.startswith("commands.legacy_blog")] == [
        AuthorMigration,
        CommentMigration,
        PostMigration,
    ]


@pytest.mark.parametrize("name", ["legacy_blog", "commands.legacy_blog"])
def test_an_app_is_left_out_by_label_or_name(name: str) -> None:
    """None of its migrations is found."""
    assert not {AuthorMigration, CommentMigration, PostMigration}.intersection(find_migrations([name]))


def test_an_app_that_is_not_installed_is_an_error() -> None:
    """With the nearest one that is."""
    with pytest.raises(UsageError, match="legacy_blog"):
        find_migrations(["legacy_blogg"])


def test_the_order_follows_the_dependencies() -> None:
    """Wherever they stand."""
    things, boxes, tags = of(Thing, Box, Tag), of(Box), of(Tag, Box)
    assert ordered([things, tags, boxes]) == [boxes, tags, things]


def test_a_circle_is_shown() -> None:
    """With every model of it, and none beside."""
    with pytest.raises(SpecError, match=r"testapp\.Box -> testapp\.Tag -> testapp\.Box\."):
        ordered([of(Thing, Box), of(Box, Tag), of(Tag, Box)])


def test_a_dependency_without_a_migration_is_shown() -> None:
    """Unless its app is left out on purpose."""
    with pytest.raises(SpecError, match=r"ThingMigration depends on testapp\.Node"):
        ordered([of(Thing, Node)])
    assert len(ordered([of(Thing, Node)], [Node])) == 1


def test_two_migrations_of_one_model_are_an_error() -> None:
    """Both are named."""
    first, second = of(Box), of(Box)
    second.__name__ = "OtherMigration"
    with pytest.raises(SpecError, match=r"BoxMigration, OtherMigration"):
        ordered([first, second])
