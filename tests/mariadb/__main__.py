"""Run what matters there on a real MariaDB: the one that SAFE_IMPORT_TEST_MARIADB_URL names, or one on this machine.

    python -m tests.mariadb [--if-any] [arguments of pytest]

With ``--if-any`` a server that does not answer is no failure: nobody needs a MariaDB to work on this project.
"""

from __future__ import annotations

import os
import socket
import sys
from urllib.parse import urlsplit

import pytest

_VARIABLE, _LOCAL = "SAFE_IMPORT_TEST_MARIADB_URL", "mysql://root@127.0.0.1:3306/test"
CHOSEN = (
    "tests/mariadb",
    "tests/guarantees/test_core.py",
    "tests/guarantees/test_landed.py",
    "tests/guarantees/test_rules.py",
    "tests/guarantees/test_refused_rows.py",
    "tests/guarantees/test_neighbours.py",
    "tests/people/test_real_files.py",
    "tests/people/test_org_structure.py",
    "tests/runs/test_undo.py",
    "tests/runs/test_undo_hostile.py",
    "tests/runs/test_recover.py",
    "tests/backup/test_restore.py",
    "tests/backup/test_django_fields.py",
)


def answers(url: str) -> bool:
    """Whether there is a server behind the URL."""
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 3306), timeout=2).close()
    except OSError:
        return False
    return True


def main(arguments: list[str]) -> int:
    """Run pytest with these arguments and return its exit code."""
    url = os.environ.get(_VARIABLE) or _LOCAL
    optional = "--if-any" in arguments
    if not answers(url):
        where = urlsplit(url)
        place = f"{where.hostname}:{where.port or 3306}"
        print(f"No MariaDB answers at {place}, so nothing was tested there ({_VARIABLE}).")  # noqa: T201 - a program
        return 0 if optional else 1
    os.environ["SAFE_IMPORT_TEST_BACKEND"] = "mariadb"
    return int(pytest.main([*CHOSEN, *(each for each in arguments if each != "--if-any")]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
