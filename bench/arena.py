"""The database that is measured, and the files: every measurement begins in exactly the same state."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections

from bench.data import team_names, write_people
from bench.models import Team
from bench.rivals import handwritten

if TYPE_CHECKING:
    from django.db.models import Model

State = Literal["empty", "full"]


class Arena:
    """Files of a number of rows, and a database in one of two states: without people, or with those of ``base``.

    Args:
        rows: in each of the files.
        models: those that the full database holds people of.

    Attributes:
        base: the file that is in the full database; with the empty one, every row of it is new.
        half: the same people, every second one changed.
    """

    def __init__(self, rows: int, *models: type[Model]) -> None:
        self.rows = rows
        self.base, self.half = (Path(settings.FOLDER) / f"{kind}-{rows}.csv" for kind in ("base", "half"))
        write_people(self.base, rows)
        write_people(self.half, rows, half_changed=True)
        self._begin_anew()
        Team.objects.bulk_create(Team(name=name) for name in team_names())
        self._keep("empty")
        for model in models:
            handwritten.upsert(self.base, model)
        self._keep("full")

    def reset(self, state: State) -> None:
        """Put the database into a state, with nothing left to do for it in the background."""
        _replace(self._copy(state), _working())
        if connection.vendor == "postgresql":
            _on_server("CHECKPOINT")

    def settle(self) -> None:
        """Have PostgreSQL do now what it would do in the background, a minute after the last import."""
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("VACUUM ANALYZE")
            connection.close()
            _on_server("CHECKPOINT")

    def _begin_anew(self) -> None:
        if connection.vendor == "postgresql":
            connection.close()
            _on_server(f'DROP DATABASE IF EXISTS "{_working()}" WITH (FORCE)', f'CREATE DATABASE "{_working()}"')
        else:
            _remove(_working())
        call_command("migrate", run_syncdb=True, verbosity=0)

    def _keep(self, state: State) -> None:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM")
            cursor.execute("ANALYZE")
        _replace(_working(), self._copy(state))

    def _copy(self, state: State) -> str:
        return f"{_working()}_{self.rows}_{state}"

    def close(self) -> None:
        """Remove the databases."""
        connection.close()
        for name in (_working(), self._copy("empty"), self._copy("full")):
            if connection.vendor == "postgresql":
                _on_server(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            else:
                _remove(name)


def _working() -> str:
    return str(connection.settings_dict["NAME"])


def _replace(source: str, copy: str) -> None:
    """Make ``copy`` anew from ``source``; nobody may be connected to either."""
    connection.close()
    if connection.vendor == "postgresql":
        _on_server(f'DROP DATABASE IF EXISTS "{copy}" WITH (FORCE)', f'CREATE DATABASE "{copy}" TEMPLATE "{source}"')
    else:
        _remove(copy)
        shutil.copyfile(source, copy)


def _remove(path: str) -> None:
    connection.close()
    for suffix in ("", "-wal", "-shm"):
        Path(path + suffix).unlink(missing_ok=True)


def _on_server(*statements: str) -> None:
    with connections["server"].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
