"""The old name of ``migrate_legacy_data``."""

from __future__ import annotations

from typing import Any

from safe_import.management.commands.migrate_legacy_data import Command as MigrateLegacyData


class Command(MigrateLegacyData):
    """Does the same, and says how it is called now."""

    help = "The old name of migrate_legacy_data."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stderr.write(self.style.WARNING("migrate_this_shit is called migrate_legacy_data now; this name will go."))
        super().handle(*args, **options)
