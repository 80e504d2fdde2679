"""How the commands of a project are typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import DEFAULT_DB_ALIAS

if TYPE_CHECKING:
    from collections.abc import Sequence


def manage(typed: Sequence[str]) -> str:
    """Return what stands before the name of a command.

    Args:
        typed: what was typed, as in ``sys.argv``; empty where a program calls a command.
    """
    program = typed[0] if typed else "manage.py"
    return f"python {program}" if program.endswith(".py") else program


def to_type(typed: Sequence[str], words: str, database: str = DEFAULT_DB_ALIAS) -> str:
    """Return a command to type next, on the same database.

    Args:
        typed: what was typed this time.
        words: the name of the command and its arguments.
        database: its alias.
    """
    return f"{manage(typed)} {words}{'' if database == DEFAULT_DB_ALIAS else f' --database {database}'}"
