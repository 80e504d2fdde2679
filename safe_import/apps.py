"""The Django app."""

from django.apps import AppConfig
from django.core import checks
from django.utils.module_loading import autodiscover_modules

from safe_import.audit import AuditLogger
from safe_import.events import observe_every_run
from safe_import.settings_checks import check_settings
from safe_import.system_checks import check_specs


class SafeImportConfig(AppConfig):
    """Finds the specs of all installed apps (their ``imports`` modules) and registers the system checks."""

    name = "safe_import"
    label = "safe_import"
    verbose_name = "Safe import"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        checks.register(check_settings)
        checks.register(check_specs)
        observe_every_run(AuditLogger())
        autodiscover_modules("imports")
