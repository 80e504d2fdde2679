"""Import users on a developer's machine, where --clear-users begins anew."""

from commands.people.imports import UsersImport
from safe_import._prod_utils import DevImportCommand


class Command(DevImportCommand):
    spec = UsersImport
