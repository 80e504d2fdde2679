"""Before the commit: what landed is what was planned, and nothing is worse than before.

# Note [What landed]
Usually every record holds all that its row brings, and one count over the rows of the database shows it. Where the
count falls short, it is asked record by record and field by field: a link may be held, a value that was there before
may have been rewritten, which is no fault; and what is one is named.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from safe_import.errors import VerificationFailed
from safe_import.plan.fates import CREATE, UPDATE, changes, given, landed, link_joins, written_fields

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from safe_import.database.dialect import Witness
    from safe_import.plan.workspace import Workspace
    from safe_import.records import CheckResult, Ledger
    from safe_import.spec.target import Target


def verify_landed(ws: Workspace) -> None:
    """Compares the rows of the database with the plan. See Note [What landed].

    Raises:
        VerificationFailed: a record is missing, or a trigger wrote another value than the plan has.
    """
    for target in ws.targets:
        for fate, rows, due in ((CREATE, _created, _all_given), (UPDATE, _updated, _all_changes)):
            planned = ws.dialect.value(f"SELECT count(*) FROM {ws.name(target, 'plan')} WHERE fate = '{fate}'")
            conditions = due(ws, target) if target.write == "sql" else {}
            if planned and _holding_all(ws, target, fate, conditions) != planned:
                _verify(ws, target, fate, planned, _landed(ws, target, rows(ws, target), conditions))


def _verify(ws: Workspace, target: Target, fate: str, planned: int, landed_: Mapping[str, int]) -> None:
    number, *wrong = landed_.items()
    if number[1] != planned:
        raise VerificationFailed(
            f"{planned} records of {target.label} were to be {fate}d, but {number[1]} are there. Look for a "
            "trigger on its table that skips rows or rewrites their primary key."
        )
    for name, count in wrong:
        if count:
            raise VerificationFailed(
                f"{count} records of {target.label} hold another {name} than was written. A trigger may rewrite "
                f"it: then say db_rewrites=({name!r},) on the target."
            )


def _verifiable(ws: Workspace, target: Target) -> list[str]:
    return [name for name in written_fields(ws, target) if name not in target.declaration.db_rewrites]


def _all_given(ws: Workspace, target: Target) -> dict[str, str]:
    """Created records hold what the file brings."""
    return {name: given(ws, target, name) for name in _verifiable(ws, target)}


def _all_changes(ws: Workspace, target: Target) -> dict[str, str]:
    """Updated records hold what the plan was to change in them."""
    names = [name for name in _verifiable(ws, target) if name not in target.key.fields]
    return {name: changes(ws, target, name, existing="o") for name in names}


def _holding_all(ws: Workspace, target: Target, fate: str, names: Collection[str]) -> int:
    """How many records of this fate are there, and hold all that their row brings of these fields."""
    d, pk = ws.dialect, ws.dialect.column(target.pk)
    known = f"{ws.name(target, 'new')} n ON n.rec = p.rec", "n.pk"
    if fate == UPDATE:
        known = f"{ws.name(target, 'old')} o ON o.{pk} = p.pk", "p.pk"
    rows = f"FROM {ws.name(target, 'plan')} p JOIN {known[0]} JOIN {d.table(target.model)} t ON t.{pk} = {known[1]}"
    wrong = " OR ".join(f"({_wrong(ws, target, name)} AND {given(ws, target, name)})" for name in names)
    brought = _brought(ws, target) if wrong else ""
    return int(d.value(f"SELECT count(*) {rows}{brought} WHERE p.fate = '{fate}' AND NOT ({wrong or 'FALSE'})"))


def _wrong(ws: Workspace, target: Target, name: str) -> str:
    """A condition: the row does not hold the value that its record brings."""
    field = target.fields[name]
    return ws.dialect.differs(field, f"t.{ws.dialect.column(field)}", landed(ws, target, name, typed=False))


def _brought(ws: Workspace, target: Target) -> str:
    """Joins p with what its records bring."""
    return f" JOIN {ws.name(target, 'stage')} s ON s.id = p.src{link_joins(ws, target)}"


def _landed(ws: Workspace, target: Target, rows: str, conditions: Mapping[str, str]) -> dict[str, int]:
    """How many records are there; and for every field how many do not hold what they should, under its condition."""
    counts = ["count(*)"]
    for name, condition in conditions.items():
        counts.append(f"count(CASE WHEN {_wrong(ws, target, name)} AND {condition} THEN 1 END)")
    if conditions:
        rows += _brought(ws, target)
    return dict(zip(("", *conditions), ws.dialect.rows(f"SELECT {', '.join(counts)} {rows}")[0], strict=True))


def _created(ws: Workspace, target: Target) -> str:
    """The new rows t and their plan p."""
    pk = ws.dialect.column(target.pk)
    new = f"JOIN {ws.name(target, 'new')} n ON n.pk = t.{pk} JOIN {ws.name(target, 'plan')} p ON p.rec = n.rec"
    return f"FROM {ws.dialect.table(target.model)} t {new}"


def _updated(ws: Workspace, target: Target) -> str:
    """The updated rows t, what they were before o, and their plan p."""
    pk = ws.dialect.column(target.pk)
    old = f"JOIN {ws.name(target, 'old')} o ON o.{pk} = t.{pk} JOIN {ws.name(target, 'plan')} p ON p.pk = t.{pk}"
    return f"FROM {ws.dialect.table(target.model)} t {old}"


def verify_checks(results: Sequence[CheckResult]) -> None:
    """Raises VerificationFailed when the run introduced a violation; those that were there before block nothing."""
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
        ws: the plan.
        witness: of the data transaction.
        bookkeeping: rows that the run itself wrote to its own tables, by table.
    """
    inserted = {
        target.model._meta.db_table: ws.dialect.value(f"SELECT count(*) FROM {ws.name(target, 'new')}")
        for target in ws.targets
    }
    witness.assert_nothing_deleted({**inserted, **bookkeeping})


def verify_keys_kept(ws: Workspace, witness: Witness) -> None:
    """Asks the witness whether records that the run does not know of got another primary key."""
    updated = Counter[str]()
    for target in ws.targets:
        if target.write == "sql":  # what a model's own save() does is not known
            planned = f"SELECT count(*) FROM {ws.name(target, 'plan')} WHERE fate = 'update'"
            updated[target.model._meta.db_table] += ws.dialect.value(planned)
    witness.assert_keys_kept(updated)
