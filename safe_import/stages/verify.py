"""Before the commit: what landed is what was planned, and nothing is worse than before.

# Note [What landed]
Usually every record holds all that its row brings. The journal reads every row that was written anyway, so it counts
those of which that can't be said. Where there are some, it is asked record by record and field by field: a link may be
held, a value that was there before may have been rewritten, which is no fault; and what is one is named.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from safe_import.errors import VerificationFailed
from safe_import.plan.fates import CREATE, UPDATE, changes, given
from safe_import.plan.landed import brought_rows, is_wrong, verifiable_fields, written_rows
from safe_import.runs.journal import right_records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from safe_import.database.dialect import Witness
    from safe_import.plan.workspace import Workspace
    from safe_import.records import CheckResult, Ledger
    from safe_import.spec.target import Target


def verify_landed(ws: Workspace) -> None:
    """Compares the rows of the database with the plan, once their journal is written. See Note [What landed].

    Raises:
        VerificationFailed: a record is missing, or a trigger wrote another value than the plan has.
    """
    for target in ws.targets:
        right = right_records(ws, target)
        for fate in (CREATE, UPDATE):
            if right.get(fate, 0) != ws.fates[target.number].get(fate, 0):
                _look_closer(ws, target, fate)


def verify_written(ws: Workspace) -> None:
    """The same where there is no journal yet."""
    for target in ws.targets:
        for fate in (CREATE, UPDATE):
            _look_closer(ws, target, fate)


def _look_closer(ws: Workspace, target: Target, fate: str) -> None:
    planned = ws.dialect.value(f"SELECT count(*) FROM {ws.name(target, 'plan')} WHERE fate = '{fate}'")
    number, wrong = _landed(ws, target, fate)
    if number != planned:
        raise VerificationFailed(
            f"{planned} records of {target.label} were to be {fate}d, but {number} are there. Look for a "
            "trigger on its table that skips rows or rewrites their primary key."
        )
    for name, count in wrong.items():
        if count:
            raise VerificationFailed(
                f"{count} records of {target.label} hold another {name} than was written. A trigger may rewrite "
                f"it: then say db_rewrites=({name!r},) on the target."
            )


def _landed(ws: Workspace, target: Target, fate: str) -> tuple[int, dict[str, int]]:
    """How many records are there; and for every field how many do not hold what they should."""
    fields, counts, rows = verifiable_fields(ws, target, fate), ["count(*)"], written_rows(ws, target, fate)
    for name in fields:
        # Created records hold what the file brings, updated ones what the plan was to change in them.
        due = given(ws, target, name) if fate == CREATE else changes(ws, target, name, existing="o")
        counts.append(f"count(CASE WHEN {is_wrong(ws, target, name)} AND {due} THEN 1 END)")
    brought = brought_rows(ws, target) if fields else ""
    number, *wrong = ws.dialect.rows(f"SELECT {', '.join(counts)} {rows}{brought}")[0]
    return number, dict(zip(fields, wrong, strict=True))


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
            updated[target.model._meta.db_table] += ws.fates[target.number].get(UPDATE, 0)
    witness.assert_keys_kept(updated)
