"""Before the commit: what landed is what was planned, and nothing is worse than before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safe_import.errors import VerificationFailed
from safe_import.plan.fates import changes, given, new_value, written_fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from safe_import.database.dialect import Witness
    from safe_import.plan.workspace import Workspace
    from safe_import.records import CheckResult, Ledger
    from safe_import.spec.target import Target


def verify_landed(ws: Workspace) -> None:
    """Compares the rows of the database with the plan, record by record and field by field.

    Raises:
        VerificationFailed: a record is missing, or a trigger wrote another value than the plan has.
    """
    for target in ws.targets:
        planned = ws.dialect.value(f"SELECT count(*) FROM {ws.name(target, 'plan')} WHERE fate = 'create'")
        landed = ws.dialect.value(f"SELECT count(*) {_created(ws, target)}")
        if planned != landed:
            raise VerificationFailed(f"{planned} records of {target.label} were to be created, but {landed} are there.")
        if target.write == "sql":
            _verify_values(ws, target)


def _verify_values(ws: Workspace, target: Target) -> None:
    """Records that are created hold what the file brings; in those that are updated, nothing is left to change."""
    d = ws.dialect
    plain = [
        name
        for name in written_fields(ws, target)
        if name not in target.links and name not in target.declaration.db_rewrites
    ]
    sources = f"JOIN {ws.name(target, 'stage')} s ON s.id = p.src JOIN {ws.name(target, 'ref')} r ON r.id = p.src"
    for name in plain:
        field = target.fields[name]
        differs = d.differs(field, f"t.{d.column(field)}", new_value(ws, target, name))
        created = f"{given(ws, target, name)} AND {differs}"
        wrong = d.value(f"SELECT count(*) {_created(ws, target)} {sources} WHERE {created}")
        if name not in target.key.fields:
            updated = changes(ws, target, name)
            wrong += d.value(f"SELECT count(*) {_updated(ws, target)} {sources} WHERE p.fate = 'update' AND {updated}")
        if wrong:
            raise VerificationFailed(
                f"{wrong} records of {target.label} hold another {name} than was written. A trigger may rewrite it: then "
                f"say db_rewrites=({name!r},) on the target."
            )


def _created(ws: Workspace, target: Target) -> str:
    return (
        f"FROM {ws.dialect.table(target.model)} t JOIN {ws.name(target, 'new')} n ON n.pk = t.{ws.dialect.column(target.pk)}"
        f" JOIN {ws.name(target, 'plan')} p ON p.rec = n.rec"
    )


def _updated(ws: Workspace, target: Target) -> str:
    return f"FROM {ws.dialect.table(target.model)} t JOIN {ws.name(target, 'plan')} p ON p.pk = t.{ws.dialect.column(target.pk)}"


def verify_checks(results: Sequence[CheckResult]) -> None:
    """Raises VerificationFailed when the run introduced a violation of a rule; those that were there before block nothing."""
    broken = [
        f"{r.name} ({r.introduced} introduced): {r.message}" for r in results if r.severity == "error" and r.introduced
    ]
    if broken:
        raise VerificationFailed(f"The import would break the integrity of the data: {'; '.join(broken)}")


def verify_ledger(ledger: Ledger) -> None:
    """Raises VerificationFailed when a row is not accounted for."""
    if not ledger.balances:
        raise VerificationFailed(
            f"The ledger does not balance: {ledger.as_dict()}. This is a fault of safe_import; report it."
        )


def verify_nothing_deleted(ws: Workspace, witness: Witness, bookkeeping: dict[str, int]) -> None:
    """Asks the witness, see there.

    Args:
        bookkeeping: rows that the run itself wrote to its own tables, by table.
    """
    inserted = {
        target.model._meta.db_table: ws.dialect.value(f"SELECT count(*) FROM {ws.name(target, 'new')}")
        for target in ws.targets
    }
    witness.assert_nothing_deleted({**inserted, **bookkeeping})
