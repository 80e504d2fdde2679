"""Import providers into production: adds and updates, never deletes."""

from commands.providers.imports import ProvidersImport
from safe_import._prod_utils import ProdImportCommand


class Command(ProdImportCommand):
    spec = ProvidersImport
