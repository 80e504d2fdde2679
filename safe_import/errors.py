"""Every exception that safe_import raises. The docstring of each is its remedy.

A message never holds the value of a cell: it names line, column and reason (see ``docs/guarantees.md``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from safe_import.records import Problem, RunResult


class SafeImportError(Exception):
    """The base of all of ours. Nothing was changed in the database, unless a subclass says otherwise.

    ``exit_code`` is what a command exits with when this reaches it; ``result`` is what the run came to, if it had
    begun.
    """

    exit_code: ClassVar[int] = 1
    result: RunResult | None = None


class UsageError(SafeImportError):
    """The command line, or the arguments of a call, contradict themselves. Correct the call."""

    exit_code = 2


class SettingsError(UsageError):
    """``SAFE_IMPORT`` holds something that can't be worked with. ``manage.py check`` names it."""


class SpecError(UsageError):
    """The declaration of an import is wrong. Correct the spec; nothing in a file can cause this."""


class SourceError(SafeImportError):
    """The file as a whole can't be read (encoding, format, a limit). Correct the file, or raise the limit it names."""


class Refused(SafeImportError):
    """The run was refused before anything was written. ``problems`` says why, each with line and column."""

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class LockHeld(SafeImportError):
    """Another run works on the same target. Wait until it has finished, then run the same command again."""

    exit_code = 4


class StalePlan(SafeImportError):
    """Somebody changed the records between plan and apply. Run the same command again."""


class VerificationFailed(SafeImportError):
    """What landed is not what was planned, or a check found a violation that the run introduced. Rolled back."""


class DeletionDetected(VerificationFailed):
    """Something removed rows while a run was writing. Rolled back; look for a trigger or a hook on the table named."""


class DeletionSuspected(DeletionDetected):
    """As many rows were inserted as removed, so it may have been a race lost with ON CONFLICT. Begun anew once."""


class GuardUnavailable(SafeImportError):
    """The database is set up so that a deletion could not be seen. Change the setting that the message names."""


class DatabaseFailure(SafeImportError):
    """The database refused to go on, and the run was rolled back. The message says why; run the same command again."""


class UnexpectedFailure(SafeImportError):
    """Something failed that nobody foresaw, and the run was rolled back. The log has the trace."""


class BackupError(SafeImportError):
    """A backup could not be written, verified or restored. The message says what to repair."""


class AuditError(SafeImportError):
    """The audit log could not be written, so the run was rolled back. Make room, or name another file."""


class UnsoundData(SafeImportError):
    """Integrity checks found records that break a rule. Correct the records; they are named, and no run is to blame."""


class UndoConflict(SafeImportError):
    """Records were changed after the run, so nothing was undone. ``conflicts`` names each of them."""

    def __init__(self, message: str, conflicts: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.conflicts = tuple(conflicts)


class AfterCommitError(SafeImportError):
    """The data is committed, but something afterwards failed. Do not import again; see the run: ``import_runs RUN``."""

    exit_code = 5


class Withheld(Exception):
    """Stands for an exception whose text may hold a value: its type and its trace, and no more."""


def without_text(error: BaseException | None) -> BaseException | None:
    """Return what stands for ``error`` as the cause of one of ours, so that the trace may be shown anywhere."""
    if error is None:
        return None
    cause = without_text(error.__cause__ or (None if error.__suppress_context__ else error.__context__))
    shown = error if isinstance(error, SafeImportError) else Withheld(type(error).__qualname__)
    shown.__traceback__, shown.__cause__ = error.__traceback__, cause
    return shown
