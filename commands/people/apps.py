"""The Django app of the people domain."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """Models of the people domain and the production imports over them."""

    name = "commands.people"
    label = "people"
    verbose_name = "People"
