"""Import the app catalogue into production: adds and updates, never deletes."""

from commands.catalogue.command import CatalogueCommand
from safe_import._prod_utils import ProdImportCommand


class Command(CatalogueCommand, ProdImportCommand):
    """Reads a TypeScript file; see ``docs/typescript.md``."""
