"""Runs integrity checks: by themselves, or before and after a run, to tell what the run itself has broken."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.exceptions import EmptyResultSet
from django.db.models import F

from safe_import.checks.check import Check
from safe_import.database.dialect import Dialect
from safe_import.records import CheckResult

BEFORE, AFTER = "si_check_before", "si_check_after"
_SAMPLE = 10


def run_checks(dialect: Dialect, checks: Sequence[Check]) -> list[CheckResult]:
    """Runs each check once."""
    return [_result(dialect, check, *_violations(dialect, check)) for check in checks]


def _result(dialect: Dialect, check: Check, sql: str, params: tuple[object, ...], introduced: int = 0) -> CheckResult:
    found = dialect.value(f"SELECT count(*) FROM ({sql}) v", params)
    sample = dialect.rows(f"SELECT si_pk FROM ({sql}) v ORDER BY 1 LIMIT {_SAMPLE}", params) if found else []
    label = check.violations().model._meta.label
    names = tuple(f"{label} #{pk}" for (pk,) in sample)
    return CheckResult(check.name, check.severity, check.message, found, introduced, names)


def _violations(dialect: Dialect, check: Check) -> tuple[str, tuple[object, ...]]:
    """The SELECT of si_pk, the primary keys of the records that break the rule."""
    queryset = check.violations().using(dialect.connection.alias).order_by()
    try:
        sql, params = queryset.annotate(si_pk=F("pk")).values("si_pk").query.get_compiler(using=dialect.connection.alias).as_sql()
    except EmptyResultSet:
        return "SELECT NULL AS si_pk WHERE 1 = 0", ()
    return sql, tuple(params)


class Comparison:
    """The checks of a run, before and after its writes, inside its transaction."""

    def __init__(self, dialect: Dialect, checks: Sequence[Check]) -> None:
        self.dialect, self.checks = dialect, checks
        for table in (BEFORE, AFTER):
            dialect.drop_temp([table])
            dialect.create_temp(table, {"name": "text", "pk": "text"})
        self._remember(BEFORE)

    def results(self) -> list[CheckResult]:
        """What the checks find now, and how much of it they did not find before."""
        self._remember(AFTER)
        before, after = self.dialect.temp(BEFORE), self.dialect.temp(AFTER)
        new = f"SELECT name, pk FROM {after} EXCEPT SELECT name, pk FROM {before}"
        introduced = dict(self.dialect.rows(f"SELECT name, count(*) FROM ({new}) n GROUP BY name"))
        return [
            _result(self.dialect, check, *_violations(self.dialect, check), introduced.get(check.name, 0))
            for check in self.checks
        ]

    def drop(self) -> None:
        self.dialect.drop_temp([BEFORE, AFTER])

    def _remember(self, table: str) -> None:
        for check in self.checks:
            sql, params = _violations(self.dialect, check)
            self.dialect.execute(
                f"INSERT INTO {self.dialect.temp(table)} SELECT %s, CAST(si_pk AS text) FROM ({sql}) v", [check.name, *params]
            )
