"""The whole difference that a plan would make, field by field: for a person, in a private file, never for a log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from safe_import.errors import SourceError
from safe_import.plan.fates import CREATE, UPDATE, changes, given, new_value, planned, written_fields
from safe_import.sources.table_file import TableFile
from safe_import.sources.table_formats import CellTooLong

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

    from safe_import.plan.workspace import Workspace
    from safe_import.spec.target import Target

COLUMNS = ("safe_import_change", "line", "model", "record", "key", "field", "before", "after")
_NEW_RECORD = "(new record)"


def write_difference(ws: Workspace, path: str | os.PathLike[str]) -> None:
    """Write the difference to a private file: csv, xlsx or html by its suffix.

    Raises:
        SourceError: it can't be written, or something else is there already.
    """
    with TableFile(path, "difference", COLUMNS) as file:
        try:
            for row in differences(ws):
                file.write(row)
        except CellTooLong:
            message = "a value is longer than a cell of a sheet may be; name a file that ends in .csv or .html"
            raise SourceError(f"{file.path.name}: {message}") from None


def differences(ws: Workspace) -> Iterator[Sequence[Any]]:
    """Yield a row of ``COLUMNS`` for every field that the plan writes, in the order of the file for each model.

    Values are as the database shows them; a link is the primary key of the record that it leads to.
    """
    for target in ws.targets:
        fields = written_fields(ws, target)
        for line, fate, record, key, *cells in ws.dialect.stream(_sql(ws, target, fields)):
            for at, name in enumerate(fields):
                changed, before, after = cells[3 * at : 3 * at + 3]
                if changed:
                    yield fate, line, target.label, record, key, name, before, after


def _sql(ws: Workspace, target: Target, fields: Sequence[str]) -> str:
    d, pk = ws.dialect, ws.dialect.column(target.pk)
    key = " || ' / ' || ".join(f"coalesce({_shown(ws, target, name)}, '')" for name in target.key.fields) or "''"
    cells = [cell for name in fields for cell in _cells(ws, target, name)]
    return (
        f"SELECT p.line, p.fate, {d.shown(target.pk, 'p.pk')}, {key}, {', '.join(cells)}"
        f" FROM {planned(ws, target)} LEFT JOIN {d.table(target.model)} t ON t.{pk} = p.pk"
        f" WHERE p.fate IN ('{CREATE}', '{UPDATE}') ORDER BY p.line, p.rec"
    )


def _cells(ws: Workspace, target: Target, name: str) -> tuple[str, str, str]:
    """Whether the field is written, what it is, and what it will be."""
    field = target.fields[name]
    of_updates = "FALSE" if name in target.key.fields else changes(ws, target, name)
    written = f"CASE WHEN p.fate = '{CREATE}' THEN {given(ws, target, name)} ELSE {of_updates} END"
    return written, ws.dialect.shown(field, f"t.{ws.dialect.column(field)}"), _shown(ws, target, name)


def _shown(ws: Workspace, target: Target, name: str) -> str:
    text = ws.dialect.shown(target.fields[name], new_value(ws, target, name))
    if name not in target.links:
        return text
    leads_somewhere = f"p.{ws.dialect.quote(f'r_{name}')} IS NOT NULL"
    return f"CASE WHEN {leads_somewhere} THEN coalesce({text}, '{_NEW_RECORD}') ELSE {text} END"
