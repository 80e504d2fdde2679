"""The record of a run, and its states.

# Note [Run states]
created -> validated -> backed_up -> applying -> applied -> verified, or failed; later undoing -> undone. Every state
is written in autocommit on the connection of the run, but for ``applied`` and ``undone``: those are written inside the
data transaction, so each is there if and only if its data is. After a crash they alone tell what happened; nothing is
decided by the clock.
"""

from __future__ import annotations

import getpass
import os
import socket
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from safe_import.errors import UsageError
from safe_import.ids import new_id
from safe_import.models import Run

if TYPE_CHECKING:
    from collections.abc import Mapping

State = Run.State
OPEN = (State.CREATED, State.VALIDATED, State.BACKED_UP, State.APPLYING)


class RunRecord:
    """Writes the record of one run. Every call is one statement."""

    def __init__(self, alias: str, run: Run) -> None:
        self.alias, self.run = alias, run

    @classmethod
    def begin(
        cls, alias: str, spec: str, source: str, sha256: str, arguments: Mapping[str, Any], parent: str = ""
    ) -> RunRecord:
        """Writes a new run, in the state ``created``. Its id is above those of all runs of the database.

        ``parent`` is the run whose rejected rows it brings, corrected.
        """
        run = Run(
            id=new_id(after=Run.objects.using(alias).order_by("-id").values_list("id", flat=True).first()),
            spec=spec,
            user=user_name(),
            host=socket.gethostname(),
            process=os.getpid(),
            source=source,
            source_sha256=sha256,
            arguments=dict(arguments),
            parent=parent,
        )
        run.save(using=alias, force_insert=True)
        return cls(alias, run)

    @property
    def id(self) -> str:
        return self.run.id

    def enter(self, state: Run.State, **values: Any) -> None:
        """Moves on to another state, and sets other values of the record along with it."""
        self.run.state = state
        for name, value in values.items():
            setattr(self.run, name, value)
        self.run.save(using=self.alias, update_fields=["state", *values])

    def committed(self) -> bool:
        """Whether the marker is there, and so the data."""
        return Run.objects.using(self.alias).filter(id=self.id, state__in=(State.APPLIED, State.VERIFIED)).exists()

    def fail(self, report: Mapping[str, Any], failure: str) -> bool:
        """Write that the run failed, unless its marker is there; return whether it failed.

        A transaction of ours that goes on without us is waited for, and what it has written is seen then.
        """
        record = Run.objects.using(self.alias).filter(id=self.id).exclude(state__in=(State.APPLIED, State.VERIFIED))
        record.update(state=State.FAILED, report=dict(report), failure=failure, ended=timezone.now())
        return not self.committed()

    def end(self, state: Run.State, report: Mapping[str, Any], failure: str = "") -> None:
        """The last state, with the report of the run."""
        self.enter(state, report=dict(report), failure=failure, ended=timezone.now())


def find_run(alias: str, run_id: str) -> Run:
    """The run of that id.

    Raises:
        UsageError: there is none.
    """
    try:
        return Run.objects.using(alias).get(id=run_id)
    except Run.DoesNotExist:
        raise UsageError(f"There is no run {run_id}. import_runs lists them all.") from None


PRUNED = "journal_pruned"
"""The key in the report of a run that holds when its journal was let go; then the run can't be undone."""


def state_before_undo(run: Run) -> Run.State:
    """The state of a run whose undo did not come to its end: its data is there, and perhaps its report is, too.

    A run may have been undone before, but for the records that it created.
    """
    if "undone" in run.report:
        return State.UNDONE
    return State.VERIFIED if run.report else State.APPLIED


def lock_holder(work: str) -> str:
    """What others read who find a lock taken."""
    since = timezone.now().isoformat(timespec="seconds")
    return f"{user_name()} on {socket.gethostname()}, process {os.getpid()}, {work}, since {since}"


def user_name() -> str:
    """Who runs this process, as far as the system can tell."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
