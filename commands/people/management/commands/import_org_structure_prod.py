"""Import the org structure into production: adds and updates, never deletes."""

from commands.people.imports import OrgStructureImport
from safe_import._prod_utils import ProdImportCommand


class Command(ProdImportCommand):
    spec = OrgStructureImport
