"""The readable difference between the schema of a backup and the present one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from safe_import.backup.format import ColumnEntry, SchemaEntry


def migration_differences(backup: Sequence[str], present: Sequence[str], *, allow_newer: bool) -> list[str]:
    """Return a line for every migration that only one of the two has; ``allow_newer``: no new ones here."""
    newer = [] if allow_newer else [name for name in present if name not in backup]
    return [
        *(f"migration {name} was applied after the backup" for name in newer),
        *(f"migration {name} is in the backup, but not applied here" for name in backup if name not in present),
    ]


def schema_differences(table: str, backup: SchemaEntry, present: SchemaEntry, *, allow_added: bool) -> list[str]:
    """Return a line for every difference that stands against a restore.

    ``allow_added``: columns that the backup does not have are no difference when they can be left out of an INSERT.
    """
    return [f"table {table}: {line}" for line in _lines(backup, present, allow_added)]


def _lines(backup: SchemaEntry, present: SchemaEntry, allow_added: bool) -> Iterator[str]:
    before = {column.name: column for column in backup.columns}
    now = {column.name: column for column in present.columns}
    for name, column in before.items():
        if name not in now:
            yield f"column {name} ({column.type}) is not here any more"
        else:
            yield from _column_lines(column, now[name])
    for name, column in now.items():
        if name not in before and not (allow_added and (column.nullable or column.has_default or column.generated)):
            yield f"column {name} ({column.type}{'' if column.nullable else ', not null'}) was added after the backup"
    if backup.key != present.key:
        yield f"the key was ({', '.join(backup.key)}), now it is ({', '.join(present.key)})"
    yield from _constraint_lines(backup, present, now.keys() - before.keys() if allow_added else ())


def _column_lines(before: ColumnEntry, now: ColumnEntry) -> Iterator[str]:
    if before.type != now.type:
        yield f"column {before.name} was {before.type}, now it is {now.type}"
    if before.nullable != now.nullable:
        yield f"column {before.name} {'could' if before.nullable else 'could not'} be null, now it is the other way"
    if before.generated != now.generated:
        yield f"column {before.name} was {'' if before.generated else 'not '}generated, now it is the other way"


def _constraint_lines(backup: SchemaEntry, present: SchemaEntry, added: Collection[str]) -> Iterator[str]:
    """Leave out new constraints on ``added`` columns."""
    before = {each.name: each.definition for each in backup.constraints}
    now = {each.name: each.definition for each in present.constraints}
    for name in sorted(before.keys() | now.keys()):
        if name not in now:
            yield f"constraint {name} is not here any more: {before[name]}"
        elif name not in before and any(re.search(rf"\b{re.escape(column)}\b", now[name]) for column in added):
            continue
        elif name not in before:
            yield f"constraint {name} was added after the backup: {now[name]}"
        elif before[name] != now[name]:
            yield f"constraint {name} was {before[name]}, now it is {now[name]}"
