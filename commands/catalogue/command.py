"""What the two commands of the catalogue have in common: they read TypeScript, and tell of every batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commands.catalogue.imports import CatalogueImport, open_catalogue
from commands.catalogue.imports.spec import CatalogueOptions
from safe_import.errors import UsageError
from safe_import.management.import_command import ImportCommand

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from safe_import.events import Event, Observer
    from safe_import.sources import Source


class BatchReport:
    """An observer that tells how many apps are read, after each batch.

    Args:
        size: of a batch.
        say: takes a line of text.
    """

    wants_records = False

    def __init__(self, size: int, say: Callable[[str], object]) -> None:
        self.progress_every = size
        self._say = say
        self._told = 0

    def __call__(self, event: Event) -> None:
        """Tell, unless that number was told before."""
        if event.name == "progress" and event.data["rows"] != self._told:
            self._told = event.data["rows"]
            self._say(f"{self._told:,} apps read")


class CatalogueCommand(ImportCommand):
    """Imports the catalogue from a TypeScript file."""

    spec = CatalogueImport
    file_flags = ("--source", "--csv", "--file")

    def open(self, options: dict[str, Any]) -> Source:
        """Open the TypeScript file."""
        if options["delimiter"] is not None:
            raise UsageError("--delimiter means nothing for TypeScript; leave it out.")
        return open_catalogue(options["csv"], encoding=options["encoding"])

    def observers(self, options: dict[str, Any]) -> Sequence[Observer]:
        """Tell of every batch on standard error, where it does not mix with the report."""
        if not options["verbosity"] or options["json"]:
            return ()
        given = {name: options[name] for name in CatalogueOptions.model_fields if name in options}
        return (
            BatchReport(CatalogueOptions(**given).batch_size, lambda text: self.stderr.write(text, self.style.NOTICE)),
        )
