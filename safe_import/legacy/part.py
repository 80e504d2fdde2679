"""What one migration needs to go its way: its source, its spec, and whether it is an update."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safe_import.legacy.compiled import compiled
from safe_import.legacy.hooked import HookedWriter, left_to_main
from safe_import.legacy.migration import overrides
from safe_import.legacy.source import QuerySource
from safe_import.spec.saving import reason_to_save

if TYPE_CHECKING:
    from safe_import.legacy.migration import Migration
    from safe_import.spec.import_spec import ImportSpec

_AROUND_EACH = ("hook_before_save", "hook_after_save", "hook_update_existing", "hook_error_creating_instance")


def saves_each(migration: type[Migration]) -> bool:
    """Whether its records have to be saved one by one: for a hook, or for code of the model's own."""
    return overrides(migration, *_AROUND_EACH) or bool(reason_to_save(migration.model))


def source_of(migration: type[Migration], alias: str) -> QuerySource:
    """The rows of a migration, not opened yet."""
    return QuerySource(migration, alias, spooled=saves_each(migration))


def spec_of(source: QuerySource) -> type[ImportSpec]:
    """The spec for the rows of an open source.

    Raises:
        SpecError: the migration does not fit its model.
    """
    if source.spool is None:
        return compiled(source.migration, source.columns, "sql", "sql")
    return compiled(source.migration, source.columns, HookedWriter(source.migration, source.spool), left_to_main)
