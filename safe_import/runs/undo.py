"""Undoes a run: puts back what it updated, and deletes what it created when that is asked for. Exactly, or not at all.

The state ``undone`` is written inside the data transaction, so it is there if and only if the run is undone: see Note
[Run states]. An undo that was cut off left the data as it was; it can simply be begun again.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError, InterfaceError, connections
from django.utils import timezone

from safe_import.conf import conf
from safe_import.database import dialect
from safe_import.database.dialect import Timeouts
from safe_import.database.failures import describe
from safe_import.database.reconnect import AT_COMMIT, reconnect
from safe_import.errors import (
    AfterCommitError,
    DatabaseFailure,
    Refused,
    UndoConflict,
    UsageError,
    VerificationFailed,
    without_text,
)
from safe_import.failpoints import failpoint
from safe_import.models import JournalPage, Run
from safe_import.runs.record import PRUNED, RunRecord, State, find_run, lock_holder, state_before_undo, user_name
from safe_import.runs.undo_plan import Journalled, UndoPlan
from safe_import.spec.import_spec import registry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from safe_import.records import Problem

UNDOABLE = (State.APPLIED, State.VERIFIED, State.UNDOING)


@dataclass(slots=True)
class UndoResult:
    """What an undo came to: by model, how many records were put back and deleted, and how many created ones stay."""

    run: str
    dry_run: bool = False
    restored: dict[str, int] = field(default_factory=dict)
    deleted: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    conflicts: list[Problem] = field(default_factory=list)  # at most conf.MAX_REPORTED of them
    conflicts_total: int = 0


def undo(
    run_id: str,
    *,
    alias: str = "default",
    dry_run: bool = False,
    delete_created: bool = False,
    skip_conflicts: bool = False,
) -> UndoResult:
    """Puts the records that a run updated back as they were.

    Args:
        run_id: the run.
        alias: the database.
        dry_run: only tell what would be done; the database refuses every write.
        delete_created: also delete the records that the run created, as far as they are unchanged and nothing else
            refers to them. May be asked for later as well, of a run that is undone but for these.
        skip_conflicts: undo the rest when some records can't be undone.

    Returns:
        What was done, or would be.

    Raises:
        UsageError: there is no such run.
        Refused: there is nothing to undo.
        UndoConflict: records were changed since the run, are gone, or are referred to; nothing was undone.
        AfterCommitError: all is undone, but what follows failed; or the database went away at the commit.
        SafeImportError: see ``errors``; nothing was undone.
    """
    connection = connections[alias]
    if connection.in_atomic_block:
        raise UsageError("An undo owns its transaction, so it can't run inside another one.")
    run = _undoable(alias, run_id, delete_created)
    try:
        work = _Undo(alias, run, delete_created, skip_conflicts)
        return work.describe() if dry_run else work.execute()
    except (DatabaseError, InterfaceError) as error:
        raise DatabaseFailure(f"Nothing was undone: {describe(error)}.") from without_text(error)


def _undoable(alias: str, run_id: str, delete_created: bool) -> Run:
    run = find_run(alias, run_id)
    if PRUNED in run.report:
        raise Refused(f"The journal of run {run_id} was let go on {run.report[PRUNED]}, so it can't be undone.")
    if run.state == State.UNDONE:
        deleted = sum(run.report.get("undone", {}).get("deleted", {}).values())
        created = JournalPage.objects.using(alias).filter(run=run, action=JournalPage.Action.CREATE).exists()
        if not (delete_created and created and not deleted):
            raise Refused(f"Run {run_id} is undone already.")
        return run
    if run.state not in UNDOABLE:
        raise Refused(f"Run {run_id} is {run.state}: it changed nothing, so there is nothing to undo.")
    return run


def _actions(run: Run, delete_created: bool) -> frozenset[JournalPage.Action]:
    """What is left to undo of a run: of one that is undone, the records that it created."""
    updates = set() if run.state == State.UNDONE else {JournalPage.Action.UPDATE}
    return frozenset(updates | ({JournalPage.Action.CREATE} if delete_created else set()))


class _Undo:
    """One undo of one run."""

    def __init__(self, alias: str, run: Run, delete_created: bool, skip_conflicts: bool) -> None:
        self.alias, self.run_id = alias, run.id
        self.delete_created, self.skip_conflicts = delete_created, skip_conflicts
        self.connection = connections[alias]
        self.dialect = dialect(self.connection)
        self.plan = UndoPlan(self.dialect, run.id, _actions(run, delete_created))
        self.result = UndoResult(run.id)

    def describe(self) -> UndoResult:
        self.result.dry_run = True
        with self._tables(), self.dialect.snapshot():
            self._make_plan()
        return self.result

    def execute(self) -> UndoResult:
        tables = [each.model._meta.db_table for each in self.plan.models]
        with self.dialect.run_lock(tables, lock_holder(f"undo of {self.run_id}")), self._tables():
            record = RunRecord(self.alias, _undoable(self.alias, self.run_id, self.delete_created))
            record.enter(State.UNDOING)
            failpoint("undo.begun")
            try:
                self._undo(record)
            except BaseException as error:
                self._step_back(error, at_commit=record.run.state == State.UNDONE)
                raise
        return self.result

    @contextmanager
    def _tables(self) -> Iterator[None]:
        """The temporary tables; they exist before the transaction, which may be one that only reads."""
        self.plan.create_tables()
        try:
            yield
        finally:
            if self.connection.is_usable():
                self.plan.drop_tables()

    def _make_plan(self) -> None:
        plan, result = self.plan, self.result
        plan.fill()
        result.conflicts_total, result.conflicts = plan.count_conflicts(), plan.conflicts(conf().MAX_REPORTED)
        for each in plan.models:
            result.restored[each.label] = plan.count(each, JournalPage.Action.UPDATE)
            result.deleted[each.label] = plan.count(each, JournalPage.Action.CREATE)
            result.kept[each.label] = plan.created(each) - result.deleted[each.label]
        if result.conflicts_total and not self.skip_conflicts:
            raise UndoConflict(
                f"{result.conflicts_total} records or columns of run {self.run_id} can't be undone, so nothing was. "
                "--skip-conflicts undoes the rest.",
                result.conflicts,
            )

    def _undo(self, record: RunRecord) -> None:
        settings, may_delete = conf(), [each.model._meta.db_table for each in self.plan.models if self.delete_created]
        timeouts = Timeouts(settings.LOCK_TIMEOUT, settings.STATEMENT_TIMEOUT, settings.TRANSACTION_TIMEOUT)
        models = [each.model for each in self.plan.models]
        with self.dialect.writing(timeouts), self.dialect.witness(may_delete, models) as witness:
            self.plan.lock()
            self._make_plan()
            with self._links_deferred():
                for each in self.plan.models:
                    self._expect(each, self.result.restored, self._put_back(each))
                failpoint("undo.put_back")
                for each in self.plan.models:
                    self._expect(each, self.result.deleted, self._delete(each))
            self.dialect.settle_constraints()
            for each in self.plan.models:
                self._verify(each)
            tables = {each.model._meta.db_table: each.label for each in self.plan.models}
            witness.assert_nothing_deleted({}, {table: self.result.deleted[label] for table, label in tables.items()})
            witness.assert_keys_kept({table: self.result.restored[label] for table, label in tables.items()})
            record.enter(State.UNDONE, report={**record.run.report, "undone": self._report()})
            failpoint("undo.before_commit")
        failpoint("undo.committed")

    def _step_back(self, error: BaseException, *, at_commit: bool) -> None:
        """Writes that the run stands as before, unless the undo was committed after all.

        Raises:
            AfterCommitError: it was, or nobody knows.
        """
        try:
            reconnect(self.connection, AT_COMMIT if at_commit else 0)
            before = state_before_undo(find_run(self.alias, self.run_id))  # as the database has it, not as it was to be
            undoing = Run.objects.using(self.alias).filter(id=self.run_id, state=State.UNDOING)
            if undoing.update(state=before) or not at_commit:
                return
            said = "is undone, but what follows failed"
        except (DatabaseError, InterfaceError):  # the record stays open; the next undo, or a recovery, closes it
            if not at_commit:
                return
            said = "may be undone or not: the database went away at the commit. Once it is back: import_runs --recover"
        raise AfterCommitError(f"Run {self.run_id} {said} ({type(error).__name__}).") from without_text(error)

    # -- writing

    @contextmanager
    def _links_deferred(self) -> Iterator[None]:
        with ExitStack() as stack:
            for each in self.plan.models:
                keys = f"SELECT pk FROM {self.dialect.temp(each.name)}"
                stack.enter_context(self.dialect.links_deferred(each.model, keys))
            yield

    def _put_back(self, each: Journalled) -> int:
        d = self.dialect
        assignments = [
            f"{d.column(f)} = CASE WHEN u.h{n} THEN {d.from_text(f, f'u.b{n}')} ELSE t.{d.column(f)} END"
            for n, f in enumerate(each.changed)
            if not getattr(f, "generated", False)
        ]
        if not assignments:
            return 0
        updated = f"t.{d.column(each.pk)} = u.pk AND u.action = '{JournalPage.Action.UPDATE}'"
        return d.execute(d.update(f"{d.table(each.model)} AS t", assignments, f"{d.temp(each.name)} u", updated))

    def _delete(self, each: Journalled) -> int:
        if not self.result.deleted[each.label]:
            return 0
        d = self.dialect
        created = f"SELECT pk FROM {d.temp(each.name)} WHERE action = '{JournalPage.Action.CREATE}'"
        return d.execute(f"DELETE FROM {d.table(each.model)} WHERE {d.column(each.pk)} IN ({created})")

    def _expect(self, each: Journalled, planned: Mapping[str, int], done: int) -> None:
        if done != planned[each.label]:
            raise VerificationFailed(
                f"{planned[each.label]} records of {each.label} were to be undone, but {done} were, so nothing was. "
                "Look for a trigger on its table."
            )

    def _verify(self, each: Journalled) -> None:
        """What landed is what the journal has; but for what the database rewrites, as the spec says."""
        d = self.dialect
        for n, f in enumerate(each.changed):
            differs = d.differs(f, f"t.{d.column(f)}", d.from_text(f, f"u.b{n}"))
            table, pk = d.table(each.model), d.column(each.pk)
            sql = (
                f"SELECT count(*) FROM {d.temp(each.name)} u JOIN {table} t ON t.{pk} = u.pk WHERE u.h{n} AND {differs}"
            )
            if f.name not in self._db_rewrites(each) and (wrong := d.value(sql)):
                raise VerificationFailed(
                    f"{wrong} records of {each.label} hold another {f.name} than was put back, so nothing was undone. "
                    f"A trigger may rewrite it: then say db_rewrites=({f.name!r},) on the target."
                )

    def _db_rewrites(self, each: Journalled) -> tuple[str, ...]:
        spec = registry.get(find_run(self.alias, self.run_id).spec)
        targets = spec().targets if spec else ()
        return next((tuple(t.declaration.db_rewrites) for t in targets if t.model is each.model), ())

    def _report(self) -> dict[str, Any]:
        result = self.result
        return {
            "who": user_name(),
            "when": timezone.now().isoformat(timespec="seconds"),
            "restored": result.restored,
            "deleted": result.deleted,
            "conflicts": result.conflicts_total,
        }
