"""Take over what the API says of providers and games: adds, updates and disables, never deletes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from commands.providers.api.access import access
from commands.providers.api.source import ApiSource
from commands.providers.api.variants import read_variants
from commands.providers.imports import ProviderSyncImport
from commands.providers.imports.sync import note_synced
from safe_import._prod_utils import ProdImportCommand

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence

    from safe_import.events import Event, Observer
    from safe_import.sources import Source

_TOLD_EVERY = 25


class Command(ProdImportCommand):
    """Asks the API that ``PROVIDERS_API`` names; see ``docs/providers.md``."""

    spec = ProviderSyncImport
    help = "Take over what the API says of providers and games: adds, updates and disables, never deletes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where one provider fails, the others go on, unless the command line says otherwise."""
        super().add_arguments(parser)
        parser.set_defaults(on_error="continue")

    def add_source_flags(self, parser: ArgumentParser) -> None:
        """The secret is no flag: everybody on the machine sees the command line. Rows can't be corrected anywhere."""
        parser.add_argument("--url", help="of the API, instead of that of the settings")
        parser.add_argument(
            "--variants", type=Path, metavar="PATH", help="the mapping file: provider: [name of the API]"
        )
        parser.set_defaults(keep_rejects=False)

    def open(self, options: dict[str, Any]) -> Source:
        """Open the API; nothing is asked yet."""
        chosen = access(url=options["url"], variants=options["variants"])
        self._api = ApiSource(
            chosen,
            read_variants(chosen.variants),
            alias=options["database"],
            accept_shrink=options.get("accept_shrink", False),
            tell=self._tell if options["verbosity"] and not options["json"] else lambda *_: None,
        )
        return self._api

    def source_name(self, options: dict[str, Any]) -> str:
        """The host; no name where the settings are at fault."""
        return self._api.label if hasattr(self, "_api") else "the API"

    def observers(self, options: dict[str, Any]) -> Sequence[Observer]:
        """Note that providers were synced also where nothing was to be written."""

        def note(event: Event) -> None:
            report = event.data.get("report", {})
            if event.name == "ended" and report["state"] == "verified" and not _writes(report):
                note_synced(self._api.complete, timezone.now(), options["database"])

        return (note,)

    def _tell(self, done: int, total: int) -> None:
        """How far it is, for people, on standard error."""
        if done % _TOLD_EVERY == 0 or done == total:
            self.stderr.write(f"{done:,} of {total:,} providers fetched", self.style.NOTICE)


def _writes(report: dict[str, Any]) -> bool:
    return any(counts["created"] or counts["updated"] for counts in report["models"].values())
