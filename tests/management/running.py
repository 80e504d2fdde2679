"""Runs a command as the command line does: arguments in, exit code and both outputs back."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from safe_import.management.base import ImportCommand


@dataclass(frozen=True)
class Outcome:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """The one JSON object on standard output; anything else there is an error."""
        report: dict[str, Any] = json.loads(self.out)
        return report


def run(command: type[ImportCommand], *arguments: object, name: str = "import_things_prod") -> Outcome:
    """Run a command with these arguments."""
    out, err = io.StringIO(), io.StringIO()
    running = command(stdout=out, stderr=err)
    code = 0
    try:
        running.run_from_argv(["manage.py", name, *map(str, arguments)])
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else 1
    return Outcome(code, out.getvalue(), err.getvalue())
