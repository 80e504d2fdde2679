"""The base of all migrations of legacy data."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from safe_import.legacy.description import Description, WrongDescription, is_model

if TYPE_CHECKING:
    from django.db.models import Model

    from safe_import.checks.check import Check

LegacyRow = dict[str, Any]


class Migration:
    """What one query brings to one model. See ``docs/legacy.md``.

    Hooks are class methods. They run within the one transaction of ``migrate_legacy_data``, find there what earlier
    migrations brought, and like every import must not delete.

    Attributes:
        query: a SELECT whose columns are named as the fields of the model; a class without one is a base of others.
        model: the model; there is one migration for each.
        depends_on: the models that are migrated before.
        column_description: {column: is_a(...)} for relations, and for columns that are no fields.
        skip: leave this migration out.
        allow_updates: run every time: create what is missing, hand what exists to ``hook_update_existing``. Otherwise
            it runs once.
        search_attr: the field that recognises an existing record. Required by ``allow_updates``; otherwise the primary
            key, where the query has it, and every row is a new record, where not.
        database: the alias in ``DATABASES`` that the query is run on, unless ``open_db_connection`` says otherwise.
        checks: integrity checks, as those of an ``ImportSpec``.
    """

    query: ClassVar[str] = ""
    model: ClassVar[type[Model]]
    depends_on: ClassVar[Sequence[type[Model]]] = []
    column_description: ClassVar[Mapping[str, Description]] = {}
    skip: ClassVar[bool] = False
    allow_updates: ClassVar[bool] = False
    search_attr: ClassVar[str | None] = None
    database: ClassVar[str | None] = None
    checks: ClassVar[Sequence[Check]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.query:
            _judge(cls)

    @classmethod
    def open_db_connection(cls) -> Any:
        """Returns where the query is run: a DB-API connection, a connection of Django, or an alias in ``DATABASES``.

        Raises:
            WrongDescription: the class says neither this nor ``database``.
        """
        if cls.database is None:
            raise WrongDescription(f"{cls.__name__} needs open_db_connection() or database.")
        return cls.database

    @classmethod
    def hook_before_all(cls) -> None:
        """Called before the first row; not by an update, which is every run of ``allow_updates`` but the first."""

    @classmethod
    def hook_before_transformation(cls, row: LegacyRow) -> None:
        """Called with each row that is to be created, before its columns become fields. May change the row."""

    @classmethod
    def hook_before_save(cls, instance: Any, row: LegacyRow) -> bool | None:
        """Called before a new instance is saved. May change it; False leaves the row out."""

    @classmethod
    def hook_after_save(cls, instance: Any, row: LegacyRow) -> None:
        """Called when a new instance and its many-to-many relations are saved. Changes need a ``save()`` of theirs."""

    @classmethod
    def hook_update_existing(cls, instance: Any, row: LegacyRow) -> None:
        """Called under ``allow_updates`` with each record that exists, and its row as the query gave it."""

    @classmethod
    def hook_after_all(cls) -> None:
        """Called when all rows are written. Not called by an update."""

    @classmethod
    def hook_row_count(cls, connection: Any, cursor: Any) -> int:
        """Returns how many rows the query has, for display; -1 when that is not known."""
        return int(cursor.rowcount)

    @classmethod
    def hook_error_creating_instance(cls, exception: Exception, row: LegacyRow) -> None:
        """Called with what failed for a row. When it returns, the row is rejected and the next one is taken.

        The notes of the exception hold the number of the row; its values are reported nowhere.
        """
        place = ", ".join(getattr(exception, "__notes__", ()))
        sys.stderr.write(f"{cls.__name__}, {place}: {type(exception).__name__}\n")
        raise exception


def overrides(migration: type[Migration], *names: str) -> bool:
    """Whether a migration has one of these class methods of its own."""
    return any(getattr(migration, name).__func__ is not getattr(Migration, name).__func__ for name in names)


def has_hooks(migration: type[Migration]) -> bool:
    """Whether code of the migration's own runs within the transaction."""
    return overrides(migration, *(name for name in vars(Migration) if name.startswith("hook_")))


def name_of(migration: type[Migration]) -> str:
    """The name under which runs remember a migration."""
    return f"{migration.__module__}.{migration.__qualname__}"


def _judge(cls: type[Migration]) -> None:
    if not re.search(r"\bSELECT\b", cls.query, re.IGNORECASE):
        raise WrongDescription(f"{cls.__name__}: query must be a SELECT.")
    if not is_model(getattr(cls, "model", None)):
        raise WrongDescription(f"{cls.__name__}: model must be a model class.")
    before: Any = cls.depends_on
    if not isinstance(before, (list, tuple)) or not all(map(is_model, before)):
        raise WrongDescription(f"{cls.__name__}: depends_on must be a list of model classes.")
    descriptions: Any = cls.column_description
    if not isinstance(descriptions, Mapping) or not all(isinstance(d, Description) for d in descriptions.values()):
        raise WrongDescription(f"{cls.__name__}: column_description must be a dict of is_a(...).")
    if cls.allow_updates and not cls.search_attr:
        raise WrongDescription(f"{cls.__name__}: allow_updates needs search_attr, to find what exists.")
