"""What the API of the game providers says: which providers there are, and which games each has.

# Note [When a provider was synced]
``last_synced`` says when the API last gave all games of a provider. Were it part of the plan, then a sync that changes
nothing would update every provider: no dry run's digest would hold for the run that follows, and ``--max-changes``
would refuse each. So it is written beside the plan: within the data transaction where the run writes anything, so that
the journal has new providers as they are; after a run with nothing to write otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone
from pydantic import Field

from commands.providers.imports.legacy_rows import Code, Name, Texts
from commands.providers.imports.providers import PROVIDER_KEY
from commands.providers.models import ADDRESS_LENGTH, API, RTP_DIGITS, RTP_PLACES, Game, Provider
from safe_import.database.folding import fold
from safe_import.spec import ImportSpec, Link, NoOptions, Row, target
from safe_import.stages.apply.sql import insert_records, update_records
from safe_import.types import Boolean, Number, Text

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator

    from safe_import.plan.workspace import Workspace
    from safe_import.spec.target import Record, Target


class SyncedRow(Row):
    """A provider, and whether the API gave all of its games."""

    provider: Name
    complete: Boolean


class GameRow(Row):
    """A game of the API; or, with nothing but ``enabled``, one that it no longer has."""

    provider: Name
    game_id: Name
    title: Name | None = None
    platform: Name | None = None
    game_type: Name | None = None
    subtype: Name | None = None
    enabled: Boolean
    fun_mode: Boolean | None = None
    rtp: Number | None = Field(None, max_digits=RTP_DIGITS, decimal_places=RTP_PLACES, ge=0)
    volatility: Code | None = None
    features: Texts | None = None
    themes: Texts | None = None
    tags: Texts | None = None
    thumbnail: Text | None = Field(None, max_length=ADDRESS_LENGTH)
    api_provider: Name | None = None


COLUMNS = tuple(dict.fromkeys([*SyncedRow.model_fields, *GameRow.model_fields]))


_OF_GONE = {"provider", "game_id", "enabled"}


class SyncOptions(NoOptions):
    """What the API may take away."""

    accept_shrink: bool = Field(False, description="let providers lose more than half of their games")


def _write_providers(ws: Workspace, target: Target) -> None:
    """Writes the providers of the plan, and when they were synced. See Note [When a provider was synced]."""
    now, spec = timezone.now(), ws.spec
    insert_records(ws, target, now)
    update_records(ws, target, now)
    if isinstance(spec, ProviderSyncImport):
        note_synced(spec.complete, now, ws.dialect.connection.alias)


def note_synced(names: Iterable[str], now: dt.datetime, alias: str) -> None:
    """Write when providers were synced."""
    wanted = {folded(name) for name in names}
    providers = Provider._base_manager.using(alias)
    pks = [pk for pk, name in providers.values_list("pk", "provider_name") if folded(name) in wanted]
    providers.filter(pk__in=pks).update(last_synced=now)


def folded(name: str) -> str:
    """Return a name as it is compared: without regard to case."""
    return fold(name, True)


class ProviderSyncImport(ImportSpec):
    """Providers are created where they are missing; of games all that the API says is taken over."""

    name = "provider_sync"
    rows = (SyncedRow, GameRow)
    Options = SyncOptions

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        self.complete: set[str] = set()

    @target(Provider, key=PROVIDER_KEY, row=SyncedRow, write=_write_providers, columns={"provider_name": "provider"})
    def providers(self, row: SyncedRow) -> Iterator[Record]:
        if row.complete:
            self.complete.add(row.provider)
        yield {"provider_name": row.provider}

    @target(Game, key=("provider", "game_id"), row=GameRow, links={"provider": Link(Provider, PROVIDER_KEY)})
    def games(self, row: GameRow) -> Iterator[Record]:
        yield {**row.brought(*GameRow.model_fields), **({"source": API} if row.model_fields_set > _OF_GONE else {})}
