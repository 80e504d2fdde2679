"""The Django app of the catalogue."""

from django.apps import AppConfig


class CatalogueConfig(AppConfig):
    """Models of the catalogue of apps and the production import over them."""

    name = "commands.catalogue"
    label = "catalogue"
    verbose_name = "App catalogue"
