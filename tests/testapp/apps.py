"""The Django app of the odd models."""

from django.apps import AppConfig


class TestAppConfig(AppConfig):
    """Has no migrations: its tables are made from the models, whenever a test database is."""

    name = "tests.testapp"
    label = "testapp"
    default_auto_field = "django.db.models.BigAutoField"
