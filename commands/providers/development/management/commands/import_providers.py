"""Import providers on a developer's machine, where --clear begins anew."""

from commands.providers.imports import ProvidersImport
from safe_import._prod_utils import DevImportCommand


class Command(DevImportCommand):
    spec = ProvidersImport
