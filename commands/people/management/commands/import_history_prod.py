"""Import history into production: adds and updates, never deletes."""

from commands.people.imports import HistoryImport
from safe_import._prod_utils import ProdImportCommand


class Command(ProdImportCommand):
    spec = HistoryImport
