"""Import the app catalogue on a developer's machine, where --clear begins anew."""

from commands.catalogue.command import CatalogueCommand
from safe_import._prod_utils import DevImportCommand


class Command(CatalogueCommand, DevImportCommand):
    """Reads a TypeScript file; see ``docs/typescript.md``."""
