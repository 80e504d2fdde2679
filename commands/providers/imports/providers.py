"""Providers, from a sheet that people keep."""

from __future__ import annotations

from pydantic import AliasChoices, Field

from commands.providers.models import NAME_LENGTH, CurrencyMode, Provider, Status
from safe_import.spec import ImportSpec, Key, Row
from safe_import.types import Choice, Text

PROVIDER_KEY = Key("provider_name", casefold=True)


class ProviderRow(Row):
    """A provider."""

    provider_name: Text = Field(
        validation_alias=AliasChoices("Provider Name", "provider_name", "name"), max_length=NAME_LENGTH
    )
    status: Choice[Status] | None = Field(None, validation_alias="Status")
    currency_mode: Choice[CurrencyMode] | None = Field(None, validation_alias="Currency Mode")
    google_sheet_id: Text | None = Field(None, validation_alias="Google Sheet ID", max_length=NAME_LENGTH)
    notes: Text | None = Field(None, validation_alias="Notes")


class ProvidersImport(ImportSpec):
    """A new provider is a draft that takes all fiat currencies, as its model says, unless its row says otherwise."""

    name = "providers"
    row = ProviderRow
    model = Provider
    key = PROVIDER_KEY
