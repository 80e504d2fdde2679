"""Settings of one measuring process.

BENCH_DATABASE_URL   the database that is measured; it is dropped and made anew all the time.
BENCH_FOLDER         where files, backups and SQLite databases are kept while it runs.
"""

import os
from pathlib import Path

import dj_database_url
from django.core.management.utils import get_random_secret_key

FOLDER = Path(os.environ["BENCH_FOLDER"])
SECRET_KEY = get_random_secret_key()
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "safe_import", "bench"]
DATABASES = {"default": dj_database_url.parse(os.environ["BENCH_DATABASE_URL"])}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {"init_command": "PRAGMA journal_mode=WAL"}
else:
    # From here the measured database is dropped and copied from its templates.
    DATABASES["server"] = {**DATABASES["default"], "NAME": "postgres"}

USE_TZ = True
SAFE_IMPORT = {"BACKUP_ROOT": FOLDER / "backups"}
