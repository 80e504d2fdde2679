"""The imports of the people domain: one spec a file."""

from commands.people.imports.history import HistoryImport
from commands.people.imports.ladders import LaddersImport
from commands.people.imports.org_structure import OrgStructureImport
from commands.people.imports.users import UsersImport

__all__ = ["HistoryImport", "LaddersImport", "OrgStructureImport", "UsersImport"]
