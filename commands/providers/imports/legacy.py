"""The file of the older program: its tables in the order in which they depend on one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands.providers.imports.legacy_rows import (
    CountryRow,
    CryptoCurrencyRow,
    FiatCurrencyRow,
    GameRow,
    ProviderRow,
    RestrictionRow,
)
from commands.providers.imports.providers import PROVIDER_KEY
from commands.providers.models import (
    WALLET_PREFIX,
    Country,
    CryptoCurrency,
    FiatCurrency,
    Game,
    Provider,
    Restriction,
)
from safe_import.spec import ImportSpec, Link, target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from safe_import.spec.row import Row
    from safe_import.spec.target import Record

TABLES: dict[str, type[Row]] = {
    "countries": CountryRow,
    "providers": ProviderRow,
    "fiat_currencies": FiatCurrencyRow,
    "crypto_currencies": CryptoCurrencyRow,
    "restrictions": RestrictionRow,
    "games": GameRow,
}
_OF_PROVIDER = {"provider": Link(Provider, PROVIDER_KEY)}


class LegacyProvidersImport(ImportSpec):
    """Records that exist are kept as they are."""

    name = "legacy_providers"
    rows = tuple(TABLES.values())

    @target(Country, key="iso3", mode="insert", row=CountryRow)
    def countries(self, row: CountryRow) -> Iterator[Record]:
        yield row.brought(*CountryRow.model_fields)

    @target(Provider, key=PROVIDER_KEY, mode="insert", row=ProviderRow)
    def providers(self, row: ProviderRow) -> Iterator[Record]:
        yield row.brought(*ProviderRow.model_fields)

    @target(FiatCurrency, key=("provider", "currency_code"), mode="insert", row=FiatCurrencyRow, links=_OF_PROVIDER)
    def fiat_currencies(self, row: FiatCurrencyRow) -> Iterator[Record]:
        yield row.brought(*FiatCurrencyRow.model_fields)

    @target(CryptoCurrency, key=("provider", "currency_code"), mode="insert", row=CryptoCurrencyRow, links=_OF_PROVIDER)
    def crypto_currencies(self, row: CryptoCurrencyRow) -> Iterator[Record]:
        yield row.brought(*CryptoCurrencyRow.model_fields)

    @target(
        Restriction,
        key=("provider", "country_code", "restriction_type"),
        mode="insert",
        row=RestrictionRow,
        links=_OF_PROVIDER,
    )
    def restrictions(self, row: RestrictionRow) -> Iterator[Record]:
        yield row.brought(*RestrictionRow.model_fields)

    @target(Game, key=("provider", "game_id"), mode="insert", row=GameRow, links=_OF_PROVIDER)
    def games(self, row: GameRow) -> Iterator[Record]:
        if game_id := _game_id(row):
            yield {**row.brought(*GameRow.model_fields), "game_id": game_id}


def _game_id(row: GameRow) -> str | None:
    """What a game is recognised by; the mark keeps a number of the wallet from being taken for one of the API."""
    if row.game_id is not None:
        return row.game_id
    if row.wallet_game_id is None:
        row.refuse("required", "a game needs a game_id or a wallet_game_id, to be recognised by", field="game_id")
        return None
    return f"{WALLET_PREFIX}{row.wallet_game_id}"
