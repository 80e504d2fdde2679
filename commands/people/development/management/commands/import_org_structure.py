"""Import the org structure on a developer's machine, where --clear begins anew."""

from commands.people.imports import OrgStructureImport
from safe_import._prod_utils import DevImportCommand


class Command(DevImportCommand):
    spec = OrgStructureImport
