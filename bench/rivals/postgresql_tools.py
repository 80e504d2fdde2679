"""``pg_dump -Fc`` and ``pg_restore --data-only``, where the client tools of PostgreSQL are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from django.db import connection

if TYPE_CHECKING:
    from pathlib import Path


def usable() -> bool:
    """Whether both tools are here, and not older than the server."""
    if connection.vendor != "postgresql" or not (shutil.which("pg_dump") and shutil.which("pg_restore")):
        return False
    printed = subprocess.run(["pg_dump", "--version"], check=True, capture_output=True, text=True).stdout
    client = int(printed.split()[2].split(".")[0])
    connection.ensure_connection()
    return client >= connection.pg_version // 10_000


def dump(path: Path, table: str) -> None:
    """Write one table into an archive."""
    _run("pg_dump", "--format=custom", f"--table={table}", f"--file={path}")


def restore(path: Path, table: str) -> None:
    """Bring the rows of an archive back."""
    _run("pg_restore", "--data-only", f"--table={table}", "--exit-on-error", str(path))


def _run(program: str, *arguments: str) -> None:
    settings = connection.settings_dict
    connected = {
        "PGHOST": settings["HOST"], "PGPORT": settings["PORT"], "PGUSER": settings["USER"],
        "PGPASSWORD": settings["PASSWORD"], "PGDATABASE": settings["NAME"],
    }  # fmt: skip
    command = [program, *arguments, *(["--dbname", settings["NAME"]] if program == "pg_restore" else [])]
    environment = os.environ | {name: str(value) for name, value in connected.items() if value}
    subprocess.run(command, check=True, env=environment)
