"""The Django app of the benchmark."""

from django.apps import AppConfig


class BenchConfig(AppConfig):
    """Has no migrations: its tables are made from the models, whenever a database is prepared."""

    name = "bench"
    default_auto_field = "django.db.models.BigAutoField"
