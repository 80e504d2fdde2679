"""The imports of the game providers: one spec a file."""

from commands.providers.imports.legacy import LegacyProvidersImport
from commands.providers.imports.legacy_file import LegacyFile
from commands.providers.imports.providers import ProvidersImport
from commands.providers.imports.sync import ProviderSyncImport

__all__ = ["LegacyFile", "LegacyProvidersImport", "ProviderSyncImport", "ProvidersImport"]
