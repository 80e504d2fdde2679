"""The Django app of the command for developers."""

from django.apps import AppConfig


class CatalogueDevelopmentConfig(AppConfig):
    """Installed in development and staging alone; see ``commands/settings.py``."""

    name = "commands.catalogue.development"
    label = "catalogue_development"
    verbose_name = "App catalogue, command for developers"
