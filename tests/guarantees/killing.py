"""Kills an import at every step, one after the other, and looks at what is left.

    python -m tests.guarantees.killing

Runs on a migrated database of its own, which DATABASE_URL names. Prints how many times it killed.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import django
from django.apps import apps
from django.db import connection

from safe_import import failpoints
from tests.journal import journal


def counts() -> dict[str, int]:
    """How many records of each kind there are."""
    names = ("User", "Department", "Chapter")
    return {name: apps.get_model("people", name).objects.count() for name in names}


def import_chapters() -> None:
    """The import that is killed."""
    from commands.people.imports.org_structure import OrgStructureImport  # noqa: PLC0415 - once the apps are there
    from safe_import.pipeline import run_import  # noqa: PLC0415

    data = Path(__file__).resolve().parents[2] / "commands" / "people" / "data" / "congress" / "chapters.csv"
    run_import(OrgStructureImport, data, spec={"create_users": True})


def killed_at(step: int) -> bool:
    """Import in a process of its own that dies at a step; returns whether it got that far."""
    connection.close()
    child = os.fork()
    if child == 0:
        failpoints._active = failpoints.Failpoints(step)
        import_chapters()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.waitstatus_to_exitcode(status) == 0
    return False


def main() -> None:
    """Kill at the first step, the second one, and so on, until there is none left."""
    from safe_import.backup.store import list_backups  # noqa: PLC0415 - once the apps are there
    from safe_import.backup.verify import verify_backup  # noqa: PLC0415
    from safe_import.models import Run  # noqa: PLC0415
    from safe_import.runs.recover import recover  # noqa: PLC0415

    nothing, everything = dict.fromkeys(counts(), 0), {"User": 56, "Department": 1, "Chapter": 56}
    kills = 0
    while killed_at(kills + 1):
        kills += 1
        found = counts()
        assert found in (nothing, everything), (kills, found)
        for _ in range(100):  # PostgreSQL takes a moment to see that the process is gone, and frees its locks then
            recover()
            run = Run.objects.latest("id")
            if run.ended is not None:
                break
            time.sleep(0.1)
        assert run.state == ("applied" if found == everything else "failed"), (kills, run.state)
        assert len(journal()) == sum(found.values()), kills
        for backup in list_backups():
            verify_backup(backup.path)
        if found == everything:
            break
    import_chapters()
    assert counts() == everything
    assert Run.objects.latest("id").state == "verified"
    print(kills)  # noqa: T201 - a program


if __name__ == "__main__":
    django.setup()
    main()
