"""The reference project's settings, over a database of the backend that SAFE_IMPORT_TEST_BACKEND names."""

import os

import dj_database_url

from commands.settings import *  # noqa: F403 - the tests run what the project runs
from commands.settings import DATABASES, INSTALLED_APPS

BACKEND = os.environ.get("SAFE_IMPORT_TEST_BACKEND") or "sqlite"
SERVER_URL_VARIABLE = "SAFE_IMPORT_TEST_DATABASE_URL"
MARIADB_URL_VARIABLE = "SAFE_IMPORT_TEST_MARIADB_URL"
LOCAL_MARIADB = "mysql://root@127.0.0.1:3306/test"

if BACKEND == "postgresql":
    if not os.environ.get(SERVER_URL_VARIABLE):
        raise RuntimeError(f"{SERVER_URL_VARIABLE} is not set; python -m tests.postgresql starts a server and sets it.")
    DATABASES["default"] = dj_database_url.parse(os.environ[SERVER_URL_VARIABLE])
elif BACKEND == "sqlite":
    DATABASES["default"] |= {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    DATABASES["default"]["OPTIONS"] = {"init_command": "PRAGMA journal_mode=WAL", "timeout": 20}
elif BACKEND == "mariadb":
    import pymysql

    pymysql.install_as_MySQLdb()  # Django's own choice has no wheels, and needs a compiler
    DATABASES["default"] = dj_database_url.parse(os.environ.get(MARIADB_URL_VARIABLE) or LOCAL_MARIADB)
else:
    raise RuntimeError(f"SAFE_IMPORT_TEST_BACKEND is {BACKEND!r}; it can be 'sqlite', 'postgresql' or 'mariadb'.")

INSTALLED_APPS = [
    *(app for app in INSTALLED_APPS if not app.endswith(".development")),
    # Installed by mistake: nothing says that this is a developer's machine, unless a test does.
    "commands.people.development",
    "commands.catalogue.development",
    "commands.providers.development",
    "tests.testapp",
]

# No backup root: a test that needs one asks for the fixture, and none can write into the project's folder.
SAFE_IMPORT: dict[str, object] = {}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
