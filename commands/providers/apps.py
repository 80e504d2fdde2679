"""The Django app of the game providers."""

from django.apps import AppConfig


class ProvidersConfig(AppConfig):
    """Models of the game providers and the production imports over them."""

    name = "commands.providers"
    label = "providers"
    verbose_name = "Game providers"
