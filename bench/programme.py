"""What one measuring process does. ``python -m bench`` starts one for each database, and for each peak of memory."""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django

django.setup()

# Models can be imported once Django is set up.
from django.conf import settings  # noqa: E402
from django.db import connection, connections  # noqa: E402

from bench.arena import Arena  # noqa: E402
from bench.contest import Contest  # noqa: E402
from bench.models import Person, SavedPerson  # noqa: E402
from bench.names import BACKUP, DRY_RUN, LIBRARY, LIBRARY_SKIPPING, LIMIT, MEMORY, RESTORE, US, US_BESIDE  # noqa: E402
from bench.rivals import bulk_create, fixtures, handwritten, ours, postgresql_tools, save_loop  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

_TABLE = Person._meta.db_table


def main() -> None:
    """Measure what the command line asks for, and write the result as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("programme", choices=sorted(_PROGRAMMES))
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--fewer-rows", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    found = _PROGRAMMES[options.programme](options)
    options.output.write_text(json.dumps({"database": _database(), "found": found}), encoding="utf-8")


def _against_the_limit(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Against SQL written by hand and Django's own ways."""
    with closing(Contest(options.rows, Person, repeats=options.repeats)) as contest:
        contest.upserts({US: ours.upsert, LIMIT: _by_hand})
        contest.measure(DRY_RUN, "empty", {US: lambda: ours.dry_run(contest.arena.base)})
        _backups(contest)
        contest.repeats = 1
        contest.upserts({"bulk_create": bulk_create.upsert})
        return contest.found()


def _backups(contest: Contest) -> None:
    folder, others = Path(settings.FOLDER), postgresql_tools.usable()
    if connection.vendor == "postgresql" and not others:
        sys.stderr.write("pg_dump and pg_restore are left out: not installed, or older than the server\n")
    archive, fixture, kept = folder / "people.dump", folder / "people.json", folder / "kept"

    def back_up() -> None:
        kept.write_text(str(ours.back_up(_TABLE)), encoding="utf-8")

    tools = {"pg_dump": lambda: postgresql_tools.dump(archive, _TABLE)} if others else {}
    contest.measure(BACKUP, "full", {US: back_up, **tools})
    tools = {"pg_restore": lambda: postgresql_tools.restore(archive, _TABLE)} if others else {}
    contest.measure(RESTORE, "empty", {US: lambda: ours.restore(Path(kept.read_text(encoding="utf-8"))), **tools})
    contest.measure(BACKUP, "full", {"dumpdata": lambda: fixtures.dump(fixture)})


def _against_libraries(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Against what takes so long that fewer rows have to do, and the models whose ``save()`` must run."""
    many = Contest(options.rows, Person, repeats=options.repeats)
    few = Contest(options.fewer_rows, Person, SavedPerson, repeats=options.repeats)
    with closing(many), closing(few):
        _fewer_rows(few, many)
        return [*few.found(), *many.found()]


def _fewer_rows(contest: Contest, many: Contest) -> None:
    """What is measured with fewer rows, and with ``many`` what the libraries are compared with."""
    from bench.rivals import import_export  # noqa: PLC0415 - not installed where drivers are compared

    fixture = Path(settings.FOLDER) / "few.json"
    libraries = {LIBRARY: import_export.upsert, LIBRARY_SKIPPING: import_export.upsert_changed}
    contest.upserts(libraries, (many, {US_BESIDE: ours.upsert}))
    contest.upserts({f"{US}, write=save": ours.upsert_by_save, "loop of save()": save_loop.upsert})
    contest.measure(BACKUP, "full", {"dumpdata": lambda: fixtures.dump(fixture)})
    contest.measure(RESTORE, "empty", {"loaddata": lambda: fixtures.load(fixture)})


def _imports(options: argparse.Namespace) -> list[dict[str, Any]]:
    """The three cases alone, for the plot and for the comparison of drivers."""
    with closing(Contest(options.rows, Person, repeats=options.repeats)) as contest:
        contest.upserts({US: ours.upsert, LIMIT: _by_hand})
        return contest.found()


def _memory(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Two imports in a process that does nothing else, to create and to update: the most memory it held."""
    with closing(Arena(options.rows)) as arena:
        arena.reset("empty")
        seconds = 0.0
        for path in (arena.base, arena.half):
            arena.settle()
            began = time.perf_counter()
            ours.upsert(path)
            seconds += time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [{"case": MEMORY, "who": US, "rows": options.rows, "seconds": seconds, "mib": peak, "stages": {}}]


def _by_hand(path: Path) -> None:
    handwritten.upsert(path, Person)


def _database() -> str:
    """The database and its driver, asked where a connection is possible when the measured database is gone."""
    measured = connections["server" if "server" in settings.DATABASES else "default"]
    measured.ensure_connection()
    name = f"{measured.display_name} {'.'.join(map(str, measured.get_database_version()))}"
    driver: Any = measured.Database
    return name if measured.vendor == "sqlite" else f"{name}, {driver.__name__} {driver.__version__.split()[0]}"


_PROGRAMMES: dict[str, Callable[[argparse.Namespace], list[dict[str, Any]]]] = {
    "limit": _against_the_limit,
    "libraries": _against_libraries,
    "imports": _imports,
    "memory": _memory,
}

if __name__ == "__main__":
    main()
