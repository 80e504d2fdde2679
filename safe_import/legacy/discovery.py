"""Which migrations there are, and in which order they run."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.utils.module_loading import module_has_submodule

from safe_import.errors import SpecError, UsageError
from safe_import.legacy.migration import Migration
from safe_import.spelling import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from django.apps import AppConfig
    from django.db.models import Model

MODULE = "data_migration_spec"


def find_migrations(exclude: Collection[str] = ()) -> list[type[Migration]]:
    """The migrations of the installed apps, each behind those that it depends on.

    Args:
        exclude: labels or names of apps that are left out. What depends on their models is not held up by that.

    Raises:
        UsageError: no app is called so.
        SpecError: they can't be ordered, see ``ordered``.
    """
    left_out = [_app(name) for name in exclude]
    found: dict[type[Migration], None] = {}
    for app in apps.get_app_configs():
        if app not in left_out and module_has_submodule(app.module, MODULE):
            found |= dict.fromkeys(_migrations(import_module(f"{app.name}.{MODULE}")))
    return ordered(list(found), [model for app in left_out for model in app.get_models()])


def _migrations(module: Any) -> Iterable[type[Migration]]:
    return [
        each for each in vars(module).values() if isinstance(each, type) and issubclass(each, Migration) and each.query
    ]


def _app(name: str) -> AppConfig:
    known = {spelling: app for app in apps.get_app_configs() for spelling in (app.name, app.label)}
    if name not in known:
        remedy = did_you_mean(name, sorted(known)) or "see INSTALLED_APPS"
        raise UsageError(f"--exclude: there is no app {name!r}; {remedy}.")
    return known[name]


def ordered(migrations: Sequence[type[Migration]], migrated: Collection[type[Model]] = ()) -> list[type[Migration]]:
    """The migrations, each behind those of the models that it depends on.

    Args:
        migrations: the migrations.
        migrated: models that need no migration.

    Raises:
        SpecError: two are of one model, one depends on a model that has none, or they wait for each other.
    """
    by_model: dict[Any, type[Migration]] = {}
    for migration in migrations:
        if other := by_model.get(migration.model):
            label = _label(migration.model)
            raise SpecError(f"{label} has more than one migration: {other.__name__}, {migration.__name__}.")
        by_model[migration.model] = migration
    result: list[type[Migration]] = []
    for migration in migrations:
        _visit(migration, by_model, migrated, (), result)
    return result


def _visit(
    migration: type[Migration],
    by_model: dict[Any, type[Migration]],
    migrated: Collection[type[Model]],
    waiting: tuple[type[Migration], ...],
    result: list[type[Migration]],
) -> None:
    if migration in waiting:
        circle = [*waiting[waiting.index(migration) :], migration]
        raise SpecError(f"These wait for each other (depends_on): {' -> '.join(_label(m.model) for m in circle)}.")
    if migration in result:
        return
    for model in migration.depends_on:
        if model in by_model:
            _visit(by_model[model], by_model, migrated, (*waiting, migration), result)
        elif model not in migrated:
            raise SpecError(f"{migration.__name__} depends on {_label(model)}, which has no migration.")
    result.append(migration)


def _label(model: Any) -> str:
    return str(model._meta.label)
