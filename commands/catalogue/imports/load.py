"""Load: from rows to the database, by the same way as every other import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commands.catalogue.imports.extract import extract
from commands.catalogue.imports.spec import CatalogueImport
from commands.catalogue.imports.transform import transform
from safe_import._prod_utils import run_import
from safe_import.sources.typescript import open_typescript

if TYPE_CHECKING:
    import os

    from safe_import.records import RunResult
    from safe_import.sources import Source
    from safe_import.sources.typescript import SourceObject, TypeScriptSource


def load(rows: Source, **options: Any) -> RunResult:
    """Import rows of the catalogue in one transaction.

    Args:
        rows: such as ``open_catalogue`` opens, or ``GivenRows`` of what ``transform`` returns.
        **options: as of ``run_import``.
    """
    return run_import(CatalogueImport, rows, **options)


def open_catalogue(path: str | os.PathLike[str], *, encoding: str | None = None) -> TypeScriptSource:
    """Open a TypeScript file as rows of the catalogue. Close it, or use it as a context manager.

    Raises:
        SourceError: the file can't be read, or is broken; says where.
    """
    return open_typescript(path, _rows_of, encoding=encoding)


def _rows_of(text: str, label: str) -> list[SourceObject]:
    return transform(extract(text, label))
