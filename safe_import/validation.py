"""Validates the data that is there, whoever wrote it, by the integrity checks of the specs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections

from safe_import.checks.run import run_checks
from safe_import.database import dialect
from safe_import.database.failures import describe
from safe_import.errors import DatabaseFailure, UsageError, without_text
from safe_import.records import CheckResult
from safe_import.spec.import_spec import registry
from safe_import.spelling import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from django.core.management.base import BaseCommand
    from django.db.models import Model

ALL = "all"


def validate(kind: str, alias: str = DEFAULT_DB_ALIAS) -> dict[str, list[CheckResult]]:
    """Runs the checks of a spec, or of all.

    Args:
        kind: the name of a spec, or ``all``.
        alias: the database.

    Returns:
        What the checks found, by spec.

    Raises:
        UsageError: there is no such spec.
        DatabaseFailure: a check could not be run.
    """
    specs = _specs(kind)
    database = dialect(connections[alias])
    try:
        return {name: run_checks(database, registry[name].checks) for name in specs}
    except DatabaseError as error:
        raise DatabaseFailure(f"The data could not be checked: {describe(error)}.") from without_text(error)


def is_sound(results: Mapping[str, list[CheckResult]]) -> bool:
    """Whether no check found an error. Warnings are remarks."""
    return not any(result.found and result.severity == "error" for found in results.values() for result in found)


def finding(result: CheckResult) -> str:
    """What a check found, in a line."""
    if not result.found:
        return f"ok       {result.name}"
    more = ", ..." if result.found > len(result.sample) else ""
    sample = f": {', '.join(result.sample)}{more}" if result.sample else ""
    return f"{result.severity:8} {result.name}: {result.message} ({result.found:,} found{sample})"


def _specs(kind: str) -> list[str]:
    if kind == ALL:
        return sorted(registry)
    if kind not in registry:
        known = [*sorted(registry), ALL]
        hint = did_you_mean(kind, known)
        raise UsageError(f"There is no import {kind!r}{f', {hint}' if hint else '.'} There are: {', '.join(known)}.")
    return [kind]


class DataValidator:
    """The checks of ``validate_import``, for scripts and the shell.

    Args:
        command: a management command; what is found is written to its output as well.
        logger: what is found is logged there as well, without values.
    """

    def __init__(self, command: BaseCommand | None = None, logger: logging.Logger | None = None) -> None:
        self.command, self.logger = command, logger

    def validate_import(self, kind: str, expected_counts: Mapping[str, int] | None = None) -> dict[str, Any]:
        """Runs the checks of a spec, or of all, and counts records.

        Args:
            kind: the name of a spec, or ``all``.
            expected_counts: how many records there should be, by model: ``people.User``, or ``User`` for a model that
                the spec writes.

        Returns:
            ``overall_status``, which is ``passed`` or ``failed``; ``checks``, each as the JSON report has it; and
            ``warnings``, those that found something in words.

        Raises:
            UsageError: there is no such spec, or no such model.
            DatabaseFailure: a check could not be run.
        """
        results = validate(kind)
        counts = [_counted(model, expected) for model, expected in _models(kind, expected_counts or {})]
        every = {**results, "counts": counts}
        checks = [check for found in every.values() for check in found]
        for check in checks:
            self._tell(check)
        return {
            "overall_status": "passed" if is_sound(every) else "failed",
            "checks": [check.as_dict() for check in checks],
            "warnings": [finding(check) for check in checks if check.found and check.severity == "warning"],
        }

    def _tell(self, check: CheckResult) -> None:
        if self.command is not None:
            self.command.stdout.write(finding(check))
        if self.logger is not None:
            level = (
                {"error": logging.ERROR, "warning": logging.WARNING}[check.severity] if check.found else logging.INFO
            )
            self.logger.log(level, "%s", finding(check))


def _models(kind: str, expected: Mapping[str, int]) -> Iterator[tuple[type[Model], int]]:
    written = {target.model for name in _specs(kind) for target in registry[name]().targets}
    known = {name: model for model in written for name in (model._meta.object_name, model._meta.label)}
    for name, count in expected.items():
        if name not in known:
            raise UsageError(
                f"{kind} does not write {name}. It writes {', '.join(sorted(m._meta.label for m in written))}."
            )
        yield known[name], count


def _counted(model: type[Model], expected: int) -> CheckResult:
    label, count = model._meta.label, model._base_manager.count()
    message = f"{expected:,} records of {label} are expected, and {count:,} are there"
    return CheckResult(f"count.{label}", "error", message, abs(count - expected))
