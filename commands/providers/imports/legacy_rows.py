"""The rows of the older program's tables. A header is the table and the column, such as ``games.title``.

In the place of ``provider_id`` stands the name of that provider, see ``legacy_file``.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from commands.providers.models import (
    ADDRESS_LENGTH,
    CODE_LENGTH,
    NAME_LENGTH,
    RTP_DIGITS,
    RTP_PLACES,
    CurrencyMode,
    Status,
)
from safe_import import strict_json
from safe_import.spec import Row
from safe_import.types import Boolean, Choice, DateTime, Invalid, Number, Text

Name = Annotated[Text, Field(max_length=NAME_LENGTH)]
Code = Annotated[Text, Field(max_length=CODE_LENGTH)]
Alpha3 = Annotated[Text, Field(max_length=3)]


def _texts(value: object) -> list[str]:
    """A list of texts: JSON, or words with commas between."""
    if isinstance(value, str):
        value = _json(value) if value.startswith("[") else value.split(",")
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise Invalid("not_a_list", "a list of texts is expected: JSON, or commas between them")
    return [text for each in value if (text := each.strip())]


def _mapping(value: object) -> object:
    found = _json(value) if isinstance(value, str) else value
    if not isinstance(found, dict):
        raise Invalid("not_a_mapping", "a JSON object is expected")
    return found


def _json(text: str) -> object:
    try:
        return strict_json.loads(text)
    except ValueError as error:
        raise Invalid("not_json", str(error)) from None


Texts = Annotated[list[str], BeforeValidator(_texts)]
Mapping = Annotated[dict[str, Any], BeforeValidator(_mapping)]


class CountryRow(Row):
    """A country."""

    iso3: Alpha3 = Field(validation_alias="countries.iso3")
    iso2: Text | None = Field(None, validation_alias="countries.iso2", max_length=2)
    name: Name = Field(validation_alias="countries.name")


class ProviderRow(Row):
    """A provider. Its key is not taken over: what refers to it does so by its name here."""

    provider_name: Name = Field(validation_alias="providers.provider_name")
    status: Choice[Status] | None = Field(None, validation_alias="providers.status")
    currency_mode: Choice[CurrencyMode] | None = Field(None, validation_alias="providers.currency_mode")
    logos: Mapping | None = Field(None, validation_alias="providers.logos")
    google_sheet_id: Name | None = Field(None, validation_alias="providers.google_sheet_id")
    last_synced: DateTime | None = Field(None, validation_alias="providers.last_synced")
    notes: Text | None = Field(None, validation_alias="providers.notes")


class FiatCurrencyRow(Row):
    """A currency of a state that a provider takes."""

    provider: Name = Field(validation_alias="fiat_currencies.provider_id")
    currency_code: Code = Field(validation_alias="fiat_currencies.currency_code")
    display: Name | None = Field(None, validation_alias="fiat_currencies.display")
    source: Code | None = Field(None, validation_alias="fiat_currencies.source")


class CryptoCurrencyRow(Row):
    """A currency of no state that a provider takes."""

    provider: Name = Field(validation_alias="crypto_currencies.provider_id")
    currency_code: Code = Field(validation_alias="crypto_currencies.currency_code")
    display: Name | None = Field(None, validation_alias="crypto_currencies.display")
    source: Code | None = Field(None, validation_alias="crypto_currencies.source")


class RestrictionRow(Row):
    """A country in which a provider is restricted."""

    provider: Name = Field(validation_alias="restrictions.provider_id")
    country_code: Alpha3 = Field(validation_alias="restrictions.country_code")
    restriction_type: Code = Field(validation_alias="restrictions.restriction_type")
    source: Code | None = Field(None, validation_alias="restrictions.source")


class GameRow(Row):
    """A game. One that the API does not know has no ``game_id``; it needs a ``wallet_game_id`` then."""

    provider: Name = Field(validation_alias="games.provider_id")
    wallet_game_id: Name | None = Field(None, validation_alias="games.wallet_game_id")
    game_title: Name | None = Field(None, validation_alias="games.game_title")
    game_provider: Name | None = Field(None, validation_alias="games.game_provider")
    vendor: Name | None = Field(None, validation_alias="games.vendor")
    game_type: Name | None = Field(None, validation_alias="games.game_type")
    source: Code | None = Field(None, validation_alias="games.source")
    game_id: Name | None = Field(None, validation_alias="games.game_id")
    title: Name | None = Field(None, validation_alias="games.title")
    platform: Name | None = Field(None, validation_alias="games.platform")
    subtype: Name | None = Field(None, validation_alias="games.subtype")
    enabled: Boolean | None = Field(None, validation_alias="games.enabled")
    fun_mode: Boolean | None = Field(None, validation_alias="games.fun_mode")
    rtp: Number | None = Field(None, validation_alias="games.rtp", max_digits=RTP_DIGITS, decimal_places=RTP_PLACES)
    volatility: Code | None = Field(None, validation_alias="games.volatility")
    features: Texts | None = Field(None, validation_alias="games.features")
    themes: Texts | None = Field(None, validation_alias="games.themes")
    tags: Texts | None = Field(None, validation_alias="games.tags")
    thumbnail: Text | None = Field(None, validation_alias="games.thumbnail", max_length=ADDRESS_LENGTH)
    api_provider: Name | None = Field(None, validation_alias="games.api_provider")
