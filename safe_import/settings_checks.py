"""System checks of ``SAFE_IMPORT``. Their ids are stable, so that a project can silence one."""

from __future__ import annotations

from typing import Any, Final

from django.core import checks

from safe_import.conf import SettingProblem, read_settings

IDS: Final = {
    "not_a_dict": "safe_import.E001",
    "unknown": "safe_import.E002",
    "invalid": "safe_import.E003",
}
NO_BACKUP_ROOT: Final = "safe_import.W001"


def check_settings(**_: Any) -> list[checks.CheckMessage]:
    """Report everything wrong with ``SAFE_IMPORT``, and a backup root that is missing."""
    settings, problems = read_settings()
    if settings is None:
        return [_as_error(problem) for problem in problems]
    if settings.BACKUP_ROOT is None:
        return [
            checks.Warning(
                "SAFE_IMPORT['BACKUP_ROOT'] is not set: every import that would write is refused.",
                hint="Set it to an absolute path, in a folder that belongs to the user who runs the commands.",
                id=NO_BACKUP_ROOT,
            )
        ]
    return []


def _as_error(problem: SettingProblem) -> checks.CheckMessage:
    return checks.Error(problem.message, hint=problem.hint, obj=problem.key, id=IDS[problem.kind])
