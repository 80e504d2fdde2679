"""Runs integrity checks: by themselves, or before and after a run, to tell what the run itself has broken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import EmptyResultSet
from django.db.models import F

from safe_import.records import CheckResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from safe_import.checks.check import Check
    from safe_import.database.dialect import Dialect

BEFORE, AFTER = "si_check_before", "si_check_after"
_SAMPLE = 10


def run_checks(dialect: Dialect, checks: Sequence[Check]) -> list[CheckResult]:
    """Runs each check once, as one query."""
    return [_run(dialect, check) for check in checks]


def _run(dialect: Dialect, check: Check) -> CheckResult:
    sql, params = _violations(dialect, check)
    rows = dialect.rows(f"SELECT pk, count(*) OVER () FROM ({sql}) v ORDER BY pk LIMIT %s", [*params, _SAMPLE])
    return _result(check, rows[0][1] if rows else 0, 0, (pk for pk, _ in rows))


def _result(check: Check, found: int, introduced: int, sample: Iterable[Any]) -> CheckResult:
    label = check.violations().model._meta.label
    names = tuple(f"{label} #{pk}" for pk in sample)
    return CheckResult(check.name, check.severity, check.message, found, introduced, names)


def _violations(dialect: Dialect, check: Check) -> tuple[str, tuple[Any, ...]]:
    """The SELECT of the primary keys of the records that break the rule, each once."""
    alias = dialect.connection.alias
    keys = check.violations().using(alias).order_by().annotate(si_pk=F("pk")).values("si_pk")
    try:
        sql, params = keys.query.get_compiler(using=alias).as_sql()
    except EmptyResultSet:  # Django knows without asking that there is none
        return "SELECT NULL AS pk WHERE 1 = 0", ()
    return f"SELECT DISTINCT si_pk AS pk FROM ({sql}) q", tuple(params)


class Comparison:
    """The checks of a run, before and after its writes, inside its transaction."""

    def __init__(self, dialect: Dialect, checks: Sequence[Check]) -> None:
        self.dialect, self.checks = dialect, checks
        self.drop()
        for table in (BEFORE, AFTER):
            dialect.create_temp(table, {"name": "text", "pk": "text"})
        self._remember(BEFORE)

    def results(self) -> list[CheckResult]:
        """What the checks find now, and how much of it they did not find before."""
        self._remember(AFTER)
        return [self._compared(check) for check in self.checks]

    def drop(self) -> None:
        self.dialect.drop_temp([BEFORE, AFTER])

    def _compared(self, check: Check) -> CheckResult:
        """The sample names what the run introduced first."""
        before, after = self.dialect.temp(BEFORE), self.dialect.temp(AFTER)
        rows = self.dialect.rows(
            "SELECT a.pk, count(*) OVER (), count(CASE WHEN b.pk IS NULL THEN 1 END) OVER ()"
            f" FROM {after} a LEFT JOIN {before} b ON b.name = a.name AND b.pk = a.pk"
            " WHERE a.name = %s ORDER BY CASE WHEN b.pk IS NULL THEN 0 ELSE 1 END, a.pk LIMIT %s",
            [check.name, _SAMPLE],
        )
        found, introduced = rows[0][1:] if rows else (0, 0)
        return _result(check, found, introduced, (pk for pk, _, _ in rows))

    def _remember(self, table: str) -> None:
        for check in self.checks:
            sql, params = _violations(self.dialect, check)
            keys = f"SELECT %s, {self.dialect.as_text('pk')} FROM ({sql}) v"
            self.dialect.execute(f"INSERT INTO {self.dialect.temp(table)} {keys}", [check.name, *params])
