"""Fixtures that every test may use, and the choice of tests that hold on the present backend."""

from __future__ import annotations

import os
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import hypothesis
import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test.utils import setup_databases, teardown_databases

from tests.testapp.importing import Importer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_django import DjangoDbBlocker
    from pytest_django.fixtures import SettingsWrapper

BACKENDS = ("sqlite", "postgresql", "mariadb")

hypothesis.settings.register_profile("without_clock", deadline=None)
hypothesis.settings.load_profile("without_clock")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what holds on the other backends alone. Skipping would hide a test that nobody runs."""
    deselected = [item for item in items if not _holds_here(item)]
    if deselected:
        config.hook.pytest_deselected(items=deselected)
        items[:] = [item for item in items if item not in deselected]


def _holds_here(item: pytest.Item) -> bool:
    """A test that is marked with backends holds on those alone."""
    named = [name for name in BACKENDS if item.get_closest_marker(name)]
    return not named or django_settings.BACKEND in named


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Give every process a test database of its own; on SQLite a file, because production has one."""
    name = f"test_safe_import_{os.getpid()}"
    if django_settings.BACKEND == "sqlite":
        name = str(tmp_path_factory.mktemp("database") / f"{name}.sqlite3")
    django_settings.DATABASES["default"]["TEST"]["NAME"] = name


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run writes beside its user, such as a rejects file, is left nowhere else."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_blocker: DjangoDbBlocker, django_db_modify_db_settings: None
) -> Iterator[None]:
    """Make the test database whichever tests are chosen; pytest-django makes none for tests without its mark."""
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False)
    yield
    with django_db_blocker.unblock():
        teardown_databases(made, verbosity=0)


@pytest.fixture
def is_postgresql() -> bool:
    """Whether the tests run on PostgreSQL."""
    return connection.vendor == "postgresql"


@pytest.fixture
def backup_root(tmp_path: Path, settings: SettingsWrapper) -> Path:
    """A private folder, set as BACKUP_ROOT."""
    root = tmp_path / "backups"
    root.mkdir(mode=0o700)
    settings.SAFE_IMPORT = {**settings.SAFE_IMPORT, "BACKUP_ROOT": root}
    return root


@pytest.fixture
def importing(tmp_path: Path, backup_root: Path) -> Importer:
    """Imports a text as if it were a file, with backups."""
    return Importer(tmp_path)


@contextmanager
def _own_mariadb_database() -> Iterator[str]:
    import pymysql  # noqa: PLC0415 - not needed elsewhere

    server = urlsplit(os.environ.get(django_settings.MARIADB_URL_VARIABLE) or django_settings.LOCAL_MARIADB)
    name = f"test_safe_import_{uuid.uuid4().hex}"
    session = pymysql.connect(
        host=server.hostname, port=server.port or 3306, user=server.username, password=server.password or ""
    )
    try:
        session.cursor().execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        yield server._replace(path=f"/{name}").geturl()
    finally:
        session.cursor().execute(f"DROP DATABASE IF EXISTS {name}")
        session.close()


@pytest.fixture
def database_url(tmp_path: Path) -> Iterator[str]:
    """The URL of a new, empty database of the present backend, for programs that run in a process of their own."""
    if django_settings.BACKEND == "sqlite":
        yield f"sqlite:///{tmp_path / 'project.sqlite3'}"
        return
    if django_settings.BACKEND == "mariadb":
        with _own_mariadb_database() as url:
            yield url
        return
    import psycopg2  # noqa: PLC0415 - not needed on SQLite

    server = os.environ["SAFE_IMPORT_TEST_DATABASE_URL"]
    name = f"test_safe_import_{uuid.uuid4().hex}"
    session = psycopg2.connect(server)
    session.autocommit = True
    try:
        session.cursor().execute(f"CREATE DATABASE {name}")
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    finally:
        session.cursor().execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        session.close()
