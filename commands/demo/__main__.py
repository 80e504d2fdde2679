"""Plays the demo and exits 1 when anything does not do what the demo says."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from commands.demo.project import DemoFailed, Project
from commands.demo.screen import Screen
from commands.demo.story import Story


def main() -> int:
    """Play the demo in a temporary folder, which is gone afterwards, and return the exit code."""
    screen = Screen()
    with tempfile.TemporaryDirectory(prefix="safe_import_demo_") as folder:
        project = Project(Path(folder), screen)
        try:
            Story(project, screen).tell()
        except DemoFailed as failure:
            screen.failed(str(failure))
            return 1
        except KeyboardInterrupt:
            screen.failed("it was interrupted")
            return 1
    screen.ended()
    return 0


if __name__ == "__main__":
    sys.exit(main())
