"""Providers with their games, the currencies that they take, and the countries in which they are restricted."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Lower

NAME_LENGTH = 200
CODE_LENGTH = 32
ADDRESS_LENGTH = 1000
RTP_DIGITS, RTP_PLACES = 9, 4

API = "api"
"""The ``source`` of games that the API has."""

WALLET_PREFIX = "wallet:"
"""What the ``game_id`` of a game begins with that the API does not know; its ``wallet_game_id`` follows."""


class Country(models.Model):
    """A country, by its codes of ISO 3166."""

    iso3 = models.CharField(max_length=3, primary_key=True)
    iso2 = models.CharField(max_length=2, blank=True)
    name = models.CharField(max_length=NAME_LENGTH)

    class Meta:
        ordering = ["iso3"]
        verbose_name_plural = "countries"

    def __str__(self) -> str:
        return self.name


class Status(models.TextChoices):
    """Whether a provider is shown."""

    DRAFT = "DRAFT", "Draft"
    ACTIVE = "ACTIVE", "Active"


class CurrencyMode(models.TextChoices):
    """Whether a provider takes every currency of a state, or those that are listed."""

    LIST = "LIST", "List"
    ALL_FIAT = "ALL_FIAT", "All fiat"


class Provider(models.Model):
    """Who offers games."""

    # "unique" keeps out the same name; the constraint below a second spelling of it.
    provider_name = models.CharField(max_length=NAME_LENGTH, unique=True)
    status = models.CharField(max_length=16, choices=Status, default=Status.DRAFT)
    currency_mode = models.CharField(max_length=16, choices=CurrencyMode, default=CurrencyMode.ALL_FIAT)
    logos = models.JSONField(default=dict, blank=True, help_text="Addresses of pictures, by what they are for.")
    google_sheet_id = models.CharField(max_length=NAME_LENGTH, blank=True)
    last_synced = models.DateTimeField(
        null=True, blank=True, help_text="When the API last gave all of its games; see sync_providers."
    )
    notes = models.TextField(blank=True)

    class Meta:
        ordering = ["provider_name"]
        constraints = [models.UniqueConstraint(Lower("provider_name"), name="provider_name_unique_without_case")]

    def __str__(self) -> str:
        return self.provider_name


class Game(models.Model):
    """A game. What its sheet says of it comes first, then what the API says."""

    provider = models.ForeignKey(Provider, models.CASCADE, related_name="games")
    wallet_game_id = models.CharField(max_length=NAME_LENGTH, blank=True)
    game_title = models.CharField(max_length=NAME_LENGTH, blank=True)
    game_provider = models.CharField(max_length=NAME_LENGTH, blank=True)
    vendor = models.CharField(max_length=NAME_LENGTH, blank=True)
    game_type = models.CharField(max_length=NAME_LENGTH, blank=True)
    source = models.CharField(max_length=CODE_LENGTH, blank=True)
    game_id = models.CharField(max_length=NAME_LENGTH)
    title = models.CharField(max_length=NAME_LENGTH, blank=True)
    platform = models.CharField(max_length=NAME_LENGTH, blank=True)
    subtype = models.CharField(max_length=NAME_LENGTH, blank=True)
    enabled = models.BooleanField(default=True)
    fun_mode = models.BooleanField(default=False)
    rtp = models.DecimalField(
        max_digits=RTP_DIGITS, decimal_places=RTP_PLACES, null=True, blank=True, help_text="Return to player, in %."
    )
    volatility = models.CharField(max_length=CODE_LENGTH, blank=True)
    features = models.JSONField(default=list, blank=True)
    themes = models.JSONField(default=list, blank=True)
    tags = models.JSONField(default=list, blank=True)
    thumbnail = models.CharField(max_length=ADDRESS_LENGTH, blank=True)
    api_provider = models.CharField(max_length=NAME_LENGTH, blank=True)

    class Meta:
        ordering = ["provider", "game_id"]
        constraints = [models.UniqueConstraint(fields=["provider", "game_id"], name="game_once_in_provider")]

    def __str__(self) -> str:
        return self.title or self.game_title or self.game_id


class FiatCurrency(models.Model):
    """A currency of a state that a provider takes."""

    provider = models.ForeignKey(Provider, models.CASCADE, related_name="fiat_currencies")
    currency_code = models.CharField(max_length=CODE_LENGTH)
    display = models.CharField(max_length=NAME_LENGTH, blank=True)
    source = models.CharField(max_length=CODE_LENGTH, blank=True)

    class Meta:
        verbose_name_plural = "fiat currencies"
        constraints = [models.UniqueConstraint(fields=["provider", "currency_code"], name="fiat_once_in_provider")]

    def __str__(self) -> str:
        return self.currency_code


class CryptoCurrency(models.Model):
    """A currency of no state that a provider takes."""

    provider = models.ForeignKey(Provider, models.CASCADE, related_name="crypto_currencies")
    currency_code = models.CharField(max_length=CODE_LENGTH)
    display = models.CharField(max_length=NAME_LENGTH, blank=True)
    source = models.CharField(max_length=CODE_LENGTH, blank=True)

    class Meta:
        verbose_name_plural = "crypto currencies"
        constraints = [models.UniqueConstraint(fields=["provider", "currency_code"], name="crypto_once_in_provider")]

    def __str__(self) -> str:
        return self.currency_code


class Restriction(models.Model):
    """A country in which a provider is restricted. The code stands for itself: the country need not be listed."""

    provider = models.ForeignKey(Provider, models.CASCADE, related_name="restrictions")
    country_code = models.CharField(max_length=3)
    restriction_type = models.CharField(max_length=CODE_LENGTH)
    source = models.CharField(max_length=CODE_LENGTH, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "country_code", "restriction_type"], name="restriction_once_in_provider"
            )
        ]

    def __str__(self) -> str:
        return f"{self.country_code} {self.restriction_type}"
