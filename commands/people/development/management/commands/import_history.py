"""Import history on a developer's machine, where --clear begins anew."""

from commands.people.imports import HistoryImport
from safe_import._prod_utils import DevImportCommand


class Command(DevImportCommand):
    spec = HistoryImport
