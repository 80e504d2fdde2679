"""Import ladders on a developer's machine, where --clear begins anew."""

from commands.people.imports import LaddersImport
from safe_import._prod_utils import DevImportCommand


class Command(DevImportCommand):
    spec = LaddersImport
