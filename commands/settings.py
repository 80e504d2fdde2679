"""Settings of the reference project. Everything that differs between machines comes from the environment.

DATABASE_URL                 ``postgresql://user@host/name``; a socket folder is written as a percent-encoded host
                             (``postgresql://user@%2Fvar%2Frun%2Fpostgresql/name``). When unset, SQLite in the
                             project folder.
SAFE_IMPORT_ENVIRONMENT      ``production`` (when unset), ``staging`` or ``development``.
SAFE_IMPORT_BACKUP_ROOT      where backups are kept; ``backups/`` when unset. Relative to the project folder.
SAFE_IMPORT_LEGACY_BLOG      the SQLite file of the old blog, for migrate_legacy_data.
SAFE_IMPORT_PROVIDERS_URL    where the API of the game providers is, for sync_providers; SAFE_IMPORT_PROVIDERS_OPERATOR
                             and SAFE_IMPORT_PROVIDERS_SECRET are what it is given to know us by.
SAFE_IMPORT_PROVIDERS_VARIANTS  the mapping file of sync_providers; that of commands/providers when unset.
SAFE_IMPORT_SECRET_KEY       Django's SECRET_KEY. When unset every process makes its own: nothing here signs anything
                             that outlives a process.
"""

import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import dj_database_url
from django.core.management.utils import get_random_secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
ENVIRONMENT = os.environ.get("SAFE_IMPORT_ENVIRONMENT") or "production"

SECRET_KEY = os.environ.get("SAFE_IMPORT_SECRET_KEY") or get_random_secret_key()
DEBUG = False

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "safe_import",
    "commands.people",
    "commands.catalogue",
    "commands.legacy_blog",
    "commands.providers",
]
# What is not installed can't be run: in production the commands that clear tables do not exist.
if ENVIRONMENT in ("development", "staging"):
    INSTALLED_APPS += [f"commands.{name}.development" for name in ("people", "catalogue", "providers")]

DATABASES = {"default": dj_database_url.parse(os.environ.get("DATABASE_URL") or f"sqlite:///{BASE_DIR / 'db.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # In WAL mode readers never wait for an import; a writer waits up to 20 seconds for another one.
    DATABASES["default"]["OPTIONS"] = {"init_command": "PRAGMA journal_mode=WAL", "timeout": 20}

if DATABASES["default"]["ENGINE"] == "django.db.backends.mysql" and find_spec("MySQLdb") is None:
    # Django asks for mysqlclient, which has to be compiled; where that is not installed, PyMySQL stands in for it.
    import_module("pymysql").install_as_MySQLdb()

AUTH_USER_MODEL = "people.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"

SAFE_IMPORT = {
    "ENVIRONMENT": ENVIRONMENT,
    "BACKUP_ROOT": BASE_DIR / (os.environ.get("SAFE_IMPORT_BACKUP_ROOT") or "backups"),
}

LEGACY_BLOG = os.environ.get("SAFE_IMPORT_LEGACY_BLOG") or None

PROVIDERS_API = {
    "url": os.environ.get("SAFE_IMPORT_PROVIDERS_URL") or "",
    "operator": os.environ.get("SAFE_IMPORT_PROVIDERS_OPERATOR") or "",
    "secret": os.environ.get("SAFE_IMPORT_PROVIDERS_SECRET") or "",
    "variants": os.environ.get("SAFE_IMPORT_PROVIDERS_VARIANTS") or BASE_DIR / "commands/providers/data/variants.yaml",
}

# The audit log speaks at INFO. It goes to --log-file; a project adds handlers here to keep it elsewhere as well.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "loggers": {"safe_import": {"level": "INFO"}},
}
