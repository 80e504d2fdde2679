"""Kills an import, an undo or a pruning of journals at every step, one after the other, and looks at what is left.

    python -m tests.runs.killing import|undo|prune

Runs on a database of its own, which DATABASE_URL names. Prints how many times it killed.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
from django.core.management import call_command
from django.db import connection

from safe_import import failpoints
from tests.journal import journal

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST = "ladder_code,ladder_name\nD,Developer\nM,Manager\n"

SECOND = "ladder_code,ladder_name\nD,Maker\nM,Lead\nT,Tester\n"
_TRIES = 100


def killed_at(step: int, operation: Callable[[], object]) -> bool:
    """Run the operation in a process of its own that dies at a step; returns whether it got that far."""
    connection.close()
    child = os.fork()
    if child == 0:
        failpoints._active = failpoints.Failpoints(step)
        operation()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.waitstatus_to_exitcode(status) == 0
    return False


class World:
    """The ladders: as they are, and the ways to change them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def content(self) -> list[Any]:
        from commands.people.models import Ladder  # noqa: PLC0415 - Django is not set up yet

        return list(Ladder.objects.order_by("code").values("code", "name"))

    def load(self, text: str) -> None:
        """Import a text."""
        path = self.folder / "ladders.csv"
        path.write_text(text)
        call_command("import_ladders_prod", csv=str(path), json=True, stdout=io.StringIO(), verbosity=0)

    def undo(self) -> None:
        """Undo the newest run, with what it created."""
        call_command("undo_import", self.newest().id, no_input=True, delete_created=True, stdout=io.StringIO())

    def restore(self) -> None:
        """Restore the newest backup that an import took."""
        from safe_import.models import Run  # noqa: PLC0415 - Django is not set up yet

        backup = Run.objects.exclude(backup="").order_by("-id")[0].backup
        call_command("restore_backup", backup, stdout=io.StringIO())

    def prune(self) -> None:
        """Let go of the journals of all runs."""
        call_command("prune_journal", keep_days=0, no_input=True, stdout=io.StringIO())

    def journals(self) -> list[tuple[str, int, bool]]:
        """Every run that wrote, with the entries of its journal and whether its record says that it is gone."""
        from safe_import.models import Run  # noqa: PLC0415 - Django is not set up yet
        from safe_import.runs.record import PRUNED  # noqa: PLC0415

        return [(run.id, len(journal(run=run)), PRUNED in run.report) for run in Run.objects.order_by("id")]

    def newest(self) -> Any:
        from safe_import.models import Run  # noqa: PLC0415 - Django is not set up yet

        return Run.objects.order_by("-id")[0]

    def recover(self) -> None:
        """Close the records of runs that were cut off, once the server has noticed that their process is gone."""
        from safe_import.runs.recover import recover  # noqa: PLC0415 - Django is not set up yet

        for _ in range(_TRIES):
            recover()
            if not recover():
                return
            time.sleep(0.1)


def kill_imports(world: World) -> int:
    """After each kill the data is the old or the new one, the record says which, and the same import works."""
    world.load(FIRST)
    old = world.content()
    world.load(SECOND)
    new = world.content()
    world.undo()
    kills = 0
    while killed_at(kills + 1, lambda: world.load(SECOND)):
        kills += 1
        world.recover()
        state = world.newest().state
        assert (world.content(), state) in [(old, "failed"), (new, "applied")], (kills, state)
        if state == "failed":
            world.load(SECOND)
        assert world.content() == new, kills
        world.undo()
        assert world.content() == old, kills
    return kills


def kill_undos(world: World) -> int:
    """After each kill nothing or everything is undone, the record says which, and the same undo works."""
    world.load(FIRST)
    old = world.content()
    kills, finished = 0, False
    while not finished:
        world.load(SECOND)
        new = world.content()
        finished = not killed_at(kills + 1, world.undo)
        kills += not finished
        state = world.newest().state
        assert (world.content(), state) in [(new, "undoing"), (old, "undone")], (kills, state)
        world.recover()
        if state == "undoing":
            assert world.newest().state == "verified", kills
            world.undo()
        assert world.content() == old, kills
    return kills


def kill_prunings(world: World) -> int:
    """After each kill every journal is whole or gone, its run's record says which, and the same pruning works."""
    kills, finished = 0, False
    while not finished:
        for name in (f"{kills}", f"{kills}!"):
            world.load(f"ladder_code,ladder_name\nD,{name}\nM,{name}\n")
        before = world.journals()
        whole = {run: entries for run, entries, _ in before}
        finished = not killed_at(kills + 1, world.prune)
        kills += not finished
        for run, entries, is_said_to_be_gone in world.journals():
            assert entries == (0 if is_said_to_be_gone else whole[run]), (kills, run)
        world.prune()
        assert all(not entries and gone for _, entries, gone in world.journals()), kills
        assert [row["name"] for row in world.content()] == [name, name]
    return kills


def main(what: str) -> None:
    """Kill at the first step, the second one, and so on, until there is none left."""
    call_command("migrate", verbosity=0)
    with tempfile.TemporaryDirectory() as folder:
        operations = {"import": kill_imports, "undo": kill_undos, "prune": kill_prunings}
        kills = operations[what](World(Path(folder)))
    print(kills)  # noqa: T201 - a program


if __name__ == "__main__":
    django.setup()
    main(sys.argv[1])
