"""The settings, read from Django's ``SAFE_IMPORT`` at every call, typed and checked.

What each key means stands once, in ``docs/settings.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Literal

from django.conf import settings as django_settings
from pydantic import AfterValidator, ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass as checked_dataclass

from safe_import.errors import SettingsError
from safe_import.spelling import did_you_mean

OLDER_NAMES = {"PRODUCTION_BACKUP_DIR": "BACKUP_ROOT"}
_MIB = 2**20


def _absolute(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError("must be an absolute path")
    return path


_Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_Count = Annotated[int, Field(ge=1)]
_Folder = Annotated[Path, Field(strict=False), AfterValidator(_absolute)]
_Texts = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(strict=False)]
_Text = Annotated[str, Field(min_length=1)]


@checked_dataclass(frozen=True, slots=True, kw_only=True, config=ConfigDict(strict=True, hide_input_in_errors=True))
class Settings:
    """Every key of ``SAFE_IMPORT`` with its type and default. Times are in seconds, sizes in bytes."""

    ENVIRONMENT: Literal["production", "staging", "development"] = "production"
    BACKUP_ROOT: _Folder | None = None
    BACKUP_SCOPE: Literal["tables", "rows"] = "tables"
    BACKUP_STORAGE: _Text | None = None
    BACKUP_RECIPIENTS: _Texts = ()
    KEEP_LAST: _Count = 10
    KEEP_DAYS: _Count = 30
    LOCK_TIMEOUT: _Seconds = 300
    STATEMENT_TIMEOUT: _Seconds = 300
    TRANSACTION_TIMEOUT: _Seconds | None = None
    BATCH_SIZE: _Count = 5_000
    CLEAR_TOKEN: _Text = r"\N"  # noqa: S105 - a mark in a cell, no password
    MAX_REPORTED: _Count = 100
    MAX_FILE_SIZE: _Count = 1_024 * _MIB
    MAX_WHOLE_FILE_SIZE: _Count = 64 * _MIB
    MAX_ROWS: _Count = 10_000_000
    MAX_COLUMNS: _Count = 1_000
    MAX_CELL_LENGTH: _Count = 131_072
    MAX_UNPACKED_SIZE: _Count = 2_048 * _MIB
    MAX_ZIP_RATIO: _Count = 200
    MAX_ZIP_ENTRIES: _Count = 10_000
    FORMATS: dict[_Text, _Text] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SettingProblem:
    """One thing wrong with ``SAFE_IMPORT``. Never holds the value of a setting.

    Args:
        kind: ``not_a_dict``, ``unknown`` or ``invalid``.
        key: the key that is meant; None when all of ``SAFE_IMPORT`` is.
        message: what is wrong.
        hint: what to do about it.
    """

    kind: Literal["not_a_dict", "unknown", "invalid"]
    key: str | None
    message: str
    hint: str


_KEYS = tuple(field.name for field in fields(Settings))


def conf() -> Settings:
    """Return the settings as they are now, so that ``override_settings`` works.

    Raises:
        SettingsError: a key is unknown or its value can't be worked with.
    """
    settings, problems = read_settings()
    if settings is None:
        raise SettingsError(" ".join(f"{problem.message} {problem.hint}" for problem in problems))
    return settings


def read_settings() -> tuple[Settings | None, list[SettingProblem]]:
    """Return the settings, or None and everything that is wrong with them."""
    given = getattr(django_settings, "SAFE_IMPORT", {})
    if not isinstance(given, Mapping):
        return None, [SettingProblem("not_a_dict", None, "SAFE_IMPORT is not a dict.", "Make it a dict of settings.")]
    values, problems = _under_present_names(given)
    problems += [_unknown(key) for key in values if key not in _KEYS]
    known = {key: value for key, value in values.items() if key in _KEYS}
    try:
        settings = Settings(**known)
    except ValidationError as error:
        return None, problems + _invalid(error)
    return (None if problems else settings), problems


def _under_present_names(given: Mapping[Any, Any]) -> tuple[dict[Any, Any], list[SettingProblem]]:
    """Move values given under an older name, in the dict or as a Django setting of their own, to the present one."""
    values, problems = dict(given), []
    for older, present in OLDER_NAMES.items():
        value = values.pop(older, getattr(django_settings, older, None))
        if value is None:
            continue
        if present in values:
            problems.append(
                SettingProblem(
                    "invalid", present, f"{older} is the older name of {present}; both are given.", f"Remove {older}."
                )
            )
        values.setdefault(present, value)
    return values, problems


def _unknown(key: object) -> SettingProblem:
    return SettingProblem(
        "unknown",
        str(key),
        f"SAFE_IMPORT has no setting {str(key)!r}. {_sentence(did_you_mean(str(key), _KEYS))}".rstrip(),
        "The table in docs/settings.md has every key.",
    )


def _invalid(error: ValidationError) -> list[SettingProblem]:
    """Name each key once: a union reports one failure a member."""
    messages: dict[str, list[str]] = {}
    for detail in error.errors(include_url=False, include_input=False, include_context=False):
        messages.setdefault(str(detail["loc"][0]), []).append(detail["msg"])
    return [
        SettingProblem("invalid", key, f"SAFE_IMPORT[{key!r}] can't be worked with.", "; ".join(texts) + ".")
        for key, texts in messages.items()
    ]


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
