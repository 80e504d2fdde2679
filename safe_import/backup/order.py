"""In which order tables are written, so that a foreign key always finds what it points to."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from safe_import.errors import BackupError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from safe_import.database.tables import ForeignKey


def in_order(names: Sequence[str], foreign_keys: Iterable[ForeignKey]) -> list[str]:
    """Return the tables so that each stands behind those it points to; deferrable keys give way in a cycle.

    A table may point to itself: its rows are written in one statement.

    Raises:
        BackupError: foreign keys that can't be deferred form a cycle.
    """
    inner = [key for key in foreign_keys if key.source in names and key.target in names and key.source != key.target]
    try:
        return _sorted(names, inner)
    except CycleError:
        pass
    try:
        return _sorted(names, [key for key in inner if not key.deferrable])
    except CycleError as error:
        cycle = " -> ".join(error.args[1])
        raise BackupError(
            f"the foreign keys {cycle} form a cycle and can't be deferred: make one of them DEFERRABLE"
            " (ALTER TABLE ... ALTER CONSTRAINT ... DEFERRABLE), then restore again"
        ) from None


def _sorted(names: Sequence[str], foreign_keys: Iterable[ForeignKey]) -> list[str]:
    sorter = TopologicalSorter({name: set[str]() for name in sorted(names)})
    for key in foreign_keys:
        sorter.add(key.source, key.target)
    return list(sorter.static_order())
