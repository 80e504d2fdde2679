"""What a command module, a script or a shell needs of safe_import, in one place."""

from safe_import.audit import AuditLogger
from safe_import.management.base import DevImportCommand, ProdImportCommand
from safe_import.pipeline import run_import

__all__ = ["AuditLogger", "DevImportCommand", "ProdImportCommand", "run_import"]
