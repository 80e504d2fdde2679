"""The record of a run, and its states.

# Note [Run states]
created -> validated -> backed_up -> applying -> applied -> verified, or failed; later undoing -> undone. Every state is
written in autocommit on the connection of the run, but for ``applied``: that one is written inside the data transaction, so
it is there if and only if the data is. After a crash it alone tells what happened; nothing is decided by the clock.
"""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from safe_import.ids import new_id
from safe_import.models import Run

State = Run.State
OPEN = (State.CREATED, State.VALIDATED, State.BACKED_UP, State.APPLYING)


class RunRecord:
    """Writes the record of one run. Every call is one statement."""

    def __init__(self, alias: str, run: Run) -> None:
        self.alias, self.run = alias, run

    @classmethod
    def begin(cls, alias: str, spec: str, source: str, sha256: str, arguments: Mapping[str, Any]) -> RunRecord:
        """Writes a new run, in the state ``created``."""
        run = Run(
            id=new_id(),
            spec=spec,
            user=user_name(),
            host=socket.gethostname(),
            process=os.getpid(),
            source=source,
            source_sha256=sha256,
            arguments=dict(arguments),
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

    def end(self, state: Run.State, report: Mapping[str, Any], failure: str = "") -> None:
        """The last state, with the report of the run."""
        self.enter(state, report=dict(report), failure=failure, ended=timezone.now())


def user_name() -> str:
    """Who runs this process, as far as the system can tell."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
