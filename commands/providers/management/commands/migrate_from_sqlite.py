"""Bring the data of the older program, from its file of SQLite: adds what is missing, keeps what is there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from commands.providers.imports import LegacyFile, LegacyProvidersImport
from safe_import._prod_utils import ProdImportCommand

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from safe_import.sources import Source


class Command(ProdImportCommand):
    """Reads the tables of the older program; see ``docs/providers.md``."""

    spec = LegacyProvidersImport
    help = "Bring the data of the older program, from its file of SQLite: adds what is missing, keeps what is there."

    def add_source_flags(self, parser: ArgumentParser) -> None:
        """The file is named without a flag. Rows can't be corrected anywhere but in it."""
        parser.add_argument("path", metavar="PATH", help="the file of SQLite; it is only read")
        parser.set_defaults(keep_rejects=False)

    def open(self, options: dict[str, Any]) -> Source:
        """Open the file."""
        return LegacyFile(options["path"])

    def source_name(self, options: dict[str, Any]) -> str:
        """Its name."""
        return Path(options["path"]).name
