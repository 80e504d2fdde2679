"""Imports a text as if it were a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from safe_import.pipeline import run_import

if TYPE_CHECKING:
    from pathlib import Path

    from safe_import.records import RunResult
    from safe_import.spec.import_spec import ImportSpec


class Importer:
    """Called with a spec and a text; the options are those of ``run_import``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = 0

    def __call__(self, spec: type[ImportSpec], text: str, **options: Any) -> RunResult:
        """Import the text."""
        self.files += 1
        path = self.folder / f"input{self.files}.csv"
        path.write_text(text, encoding="utf-8")
        return run_import(spec, path, **options)
