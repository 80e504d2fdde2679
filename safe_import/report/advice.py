"""The last lines of a report: what to type next."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from safe_import.errors import AfterCommitError
from safe_import.report.headline import writes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from safe_import.records import RunResult


@dataclass(frozen=True, slots=True)
class Commands:
    """The beginnings of commands to type next.

    Args:
        manage: what stands before the name of a command, such as ``python manage.py``.
        real: the command that carries out what a dry run or a rehearsal has shown; empty where nobody typed one.
        database: the alias that other commands have to be given; empty for the default one.
        in_part: whether the command can import the valid rows alone.
        rejects: whether the others go into a file then.
    """

    manage: str
    real: str = ""
    database: str = ""
    in_part: bool = True
    rejects: bool = True

    def line(self, words: str) -> str:
        """Return a line to type: a command on the same database."""
        return f"  {self.manage} {words}{f' --database {self.database}' if self.database else ''}"


def advice(result: RunResult, file: str, commands: Commands) -> list[str]:
    """Return what to do next, a line each."""
    return [
        *_of_rejects(result),
        *_of_failure(result, file, commands),
        *_of_preview(result, commands),
        *_of_undo(result, commands),
        *_of_restore(result, commands),
    ]


def _of_rejects(result: RunResult) -> Iterator[str]:
    if result.rejects:
        yield f"Correct the rows in {result.rejects} and import that file the same way."


def _of_failure(result: RunResult, file: str, commands: Commands) -> Iterator[str]:
    if result.state != "failed" or not result.errors_total:
        return
    yield f"Correct {file} and run the same command again."
    if commands.in_part and result.in_part and (sound := result.rows.read - result.rows.rejected):
        rows = "valid row" if sound == 1 else f"{sound:,} valid rows"
        others = ", the others go into a file of their own" if commands.rejects else ""
        yield f"Or import the {rows} alone{others}: --on-error continue"


def _of_preview(result: RunResult, commands: Commands) -> Iterator[str]:
    if result.state in ("planned", "rehearsed") and writes(result) and commands.real:
        yield "To carry out exactly this plan:"
        yield f"  {commands.real} --plan {result.plan}"


def _of_undo(result: RunResult, commands: Commands) -> Iterator[str]:
    if result.undo and writes(result) and result.state in ("applied", "verified"):
        created = sum(counts.created for counts in result.models.values())
        if created:
            yield "To undo this run, and delete the records that it created:"
            yield commands.line(f"{result.undo} --delete-created")
        yield f"To undo this run{', but keep those' if created else ''}:"
        yield commands.line(result.undo)


def _of_restore(result: RunResult, commands: Commands) -> Iterator[str]:
    """Somebody expects a run that exits with a failure to be rolled back, and this one is not."""
    if result.exit_code == AfterCommitError.exit_code and result.state != "applying" and result.backup:
        yield "To bring back all that its tables held before, whoever changed it since:"
        yield commands.line(f"restore_backup {PurePath(result.backup).name}")
