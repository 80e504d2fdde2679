"""The Django app of the commands for developers."""

from django.apps import AppConfig


class PeopleDevelopmentConfig(AppConfig):
    """Installed in development and staging alone; see ``commands/settings.py``."""

    name = "commands.people.development"
    label = "people_development"
    verbose_name = "People, commands for developers"
