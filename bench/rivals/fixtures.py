"""Django's ``dumpdata`` and ``loaddata``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.management import call_command

if TYPE_CHECKING:
    from pathlib import Path


def dump(path: Path) -> None:
    """Write the people into a fixture."""
    call_command("dumpdata", "bench.Person", output=str(path), verbosity=0)


def load(path: Path) -> None:
    """Bring the people of a fixture back."""
    call_command("loaddata", str(path), verbosity=0)
