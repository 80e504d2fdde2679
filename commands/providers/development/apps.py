"""The Django app of the command for developers."""

from django.apps import AppConfig


class ProvidersDevelopmentConfig(AppConfig):
    """Installed in development and staging alone; see ``commands/settings.py``."""

    name = "commands.providers.development"
    label = "providers_development"
    verbose_name = "Game providers, command for developers"
