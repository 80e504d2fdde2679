"""The only place that orders the stages and owns transaction and state.

# Note [The way of a run]
    read -> validate -> stage -> plan -> [refuse | backup -> apply -> verify -> commit]
Up to the plan the database itself refuses every write. Whatever goes wrong before the commit leaves the data as it was.
When somebody changed a record between plan and apply, or the database chose this run as the victim of a deadlock, all
of it is done once more from the beginning. When the database refuses what was planned, that is done to find the rows at
fault, and then without them. See Note [Refused rows].
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError, connections
from pydantic import ValidationError

from safe_import.attempts import Attempts, SearchEnded
from safe_import.backup.write import require_backup_possible, write_backup
from safe_import.bookkeeping import Books
from safe_import.checks.run import Comparison
from safe_import.conf import conf
from safe_import.database import dialect
from safe_import.database.deletion import tables_changed_by_deletion
from safe_import.database.dialect import Timeouts
from safe_import.database.failures import describe, waited_in_vain
from safe_import.database.guard import refusing_deletions
from safe_import.errors import (
    DatabaseFailure,
    DeletionSuspected,
    Refused,
    SafeImportError,
    StalePlan,
    UsageError,
    without_text,
)
from safe_import.failpoints import failpoint
from safe_import.file_locks import require_supported_system
from safe_import.findings import Findings
from safe_import.garbage import collected_after_each, collector_paused
from safe_import.plan import outcome
from safe_import.plan.plan import make_plan
from safe_import.plan.workspace import Workspace
from safe_import.run_options import RunOptions
from safe_import.runs.record import State, lock_holder
from safe_import.sources import Source, open_source
from safe_import.sources.rejects import RejectsSource
from safe_import.spec.target import unique_in_database
from safe_import.stages.apply import apply_plan
from safe_import.stages.apply.search import find_refused, searchable
from safe_import.stages.read import read
from safe_import.stages.stage import Stager
from safe_import.stages.validate import validate_blocks
from safe_import.stages.verify import (
    verify_checks,
    verify_keys_kept,
    verify_landed,
    verify_ledger,
    verify_nothing_deleted,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from safe_import.events import Observer
    from safe_import.records import RunResult
    from safe_import.spec.import_spec import ImportSpec


def run_import(
    spec: type[ImportSpec],
    source: Source | str | os.PathLike[str],
    /,
    *,
    observers: Sequence[Observer] = (),
    **options: Any,
) -> RunResult:
    """Runs one import.

    Args:
        spec: the declaration of the import.
        source: a file, or an opened source.
        observers: called with every Event of the run.
        **options: see RunOptions; ``spec`` holds the options of the spec.

    Returns:
        What the run came to. ``exit_code`` is 3 when it was done in part.

    Raises:
        UsageError: the options contradict themselves.
        Refused: the file has errors, or the plan may not be carried out; nothing was changed.
        SafeImportError: see ``errors``. Its ``result`` says what the run came to.
    """
    chosen = _parsed(RunOptions, options)
    with ExitStack() as stack:
        opened = stack.enter_context(open_source(source)) if isinstance(source, (str, os.PathLike)) else source
        return ImportRun(spec(_parsed(spec.Options, chosen.spec)), opened, chosen, observers).execute()


def _parsed(model: type[Any], values: dict[str, Any]) -> Any:
    try:
        return model(**values)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc'])) or 'options'}: {each['msg']}" for each in error.errors())
        raise UsageError(wrong) from None


class ImportRun:
    """One execution of one spec on one source."""

    def __init__(self, spec: ImportSpec, source: Source, options: RunOptions, observers: Sequence[Observer]) -> None:
        self.spec, self.source, self.options = spec, source, options
        spec.force_update = options.force_update
        self.books = Books(spec, source, options, observers, self._tables)
        self.connection = connections[options.database]
        self.attempts = Attempts()
        self.timeouts = Timeouts(
            options.lock_timeout or conf().LOCK_TIMEOUT,
            options.statement_timeout or conf().STATEMENT_TIMEOUT,
            options.transaction_timeout or conf().TRANSACTION_TIMEOUT,
        )

    def execute(self) -> RunResult:
        if self.connection.in_atomic_block:
            raise UsageError(
                "An import owns its transactions, so it can't run inside another one. In tests, use "
                "TransactionTestCase."
            )
        try:
            self.dialect = dialect(self.connection)  # connects
            self._require_means_to_write()
            with self._run_lock():
                self.books.begin()
                self._until_done()
                self.books.finish()
        except BaseException as error:
            failure = self.books.fail(error)
            if not isinstance(failure, SafeImportError):
                raise
            raise failure from without_text(failure.__cause__ if failure is error else error)
        return self.books.result

    def _require_means_to_write(self) -> None:
        """Before anything is read: a run should not end where it would have begun to write."""
        if self.options.commits:
            require_supported_system()
            if self.options.backup:
                require_backup_possible()

    def _run_lock(self) -> AbstractContextManager[None]:
        if not self.options.commits:
            return nullcontext()
        return self.dialect.run_lock(self._tables(), lock_holder(f"import {self.spec.name}"))

    def _tables(self) -> list[str]:
        return [target.model._meta.db_table for target in self.spec.targets]

    def _until_done(self) -> None:
        while True:
            self.ws = Workspace(self.dialect, self.spec, self.options.force_update)
            try:
                with self._tables_dropped_afterwards():
                    self._attempt()
                return
            except (StalePlan, DeletionSuspected, SearchEnded, DatabaseError) as error:
                self._begin_anew_or_raise(error)
            self.books.tell("again")

    def _begin_anew_or_raise(self, error: Exception) -> None:
        writing = self.books.result.state == State.APPLYING.value and searchable(self.ws)
        try:
            if self.connection.in_atomic_block:
                raise error
            self.attempts.after(error, writing=writing)
        except DatabaseError as failure:
            self._name_holders(failure)
            raise

    def _name_holders(self, error: DatabaseError) -> None:
        """Raises who it was that held a lock for too long, where the session is still there."""
        if waited_in_vain(error) and (holders := self.dialect.lock_holders(self._tables())):
            reason = f"The import was rolled back: {describe(error)}"
            raise DatabaseFailure(f"{reason}. Locks are held by {'; '.join(holders)}.") from error

    @contextmanager
    def _tables_dropped_afterwards(self) -> Iterator[None]:
        try:
            yield
        finally:
            if self.connection.is_usable():
                self.ws.drop()

    # -- the way of a run

    def _attempt(self) -> None:
        if self.options.clear:
            self._clear_and_write()
            return
        with self.dialect.reading_only(self.timeouts):
            self._prepare(self.dialect.snapshot)
        self.books.enter(State.VALIDATED, plan=self.books.result.plan or "")
        if self.options.dry_run:
            return
        with self._rejects_kept_only_on_success():
            if not outcome.nothing_to_write(self.ws):
                self._back_up([target.model._meta.db_table for target in outcome.written_targets(self.ws)])
                self._write()

    def _prepare(self, snapshot: Any) -> None:
        """From the file to a plan that may be carried out, or a refusal."""
        self.ws.create()
        # A corrected rejects file may still have the column for which its rows were rejected, blank by now.
        lenient = self.options.on_error == "continue" or isinstance(self.source, RejectsSource)
        reading = read(
            self.source,
            self.spec.rows,
            unknown_cells_are_errors=lenient,
            ignore_unknown=self.options.ignore_unknown,
            renames=self.options.renames,
        )
        self.findings = findings = Findings(self.ws, reading, self.options, lenient=lenient)
        findings.header_errors += self.attempts.search_problems
        stager, watch = Stager(self.ws, findings.column, conf().BATCH_SIZE), self.books.watch
        blocks = watch.timed("read", reading.blocks(conf().BATCH_SIZE))
        valid = validate_blocks(blocks, self.spec.rows, reading.columns)
        # Behind the back of a spec's own code, which may use the connection, too, nothing is written.
        behind = self.dialect.written_behind() if self.spec.rows_are_records else nullcontext()
        with self.books.stage("stage"), behind, collector_paused():
            stager.stage(collected_after_each(watch.timed("validate", self.books.counted(valid))))
            stager.reject(self.attempts.refused())
        failpoint("run.staged")
        with self.books.stage("plan"):
            self._plan(stager, snapshot)
            findings.summarise(stager, self.books.result)
        self._tell_problems()
        verify_ledger(self.books.result.rows)
        findings.refuse(self.books.result, self.source.label)
        findings.write_difference()

    def _plan(self, stager: Stager, snapshot: Any) -> None:
        rejected = 0
        while True:
            if self.spec.derives:
                stager.stage_groups()
            stager.analyze()
            self.ws.create_plan()
            with snapshot():
                make_plan(self.ws, at_once=not self.attempts.searching)  # a search looks into all tables
            before, rejected = rejected, stager.rejected_of_groups()
            if rejected == before:
                return

    def _tell_problems(self) -> None:
        if self.books.listeners.want_records:
            for problem in self.findings.errors():
                self.books.tell("rejected", problem=problem)
        for problem in self.books.result.warnings:
            self.books.tell("warned", problem=problem)

    def _back_up(self, tables: Sequence[str]) -> None:
        if not (self.options.backup and self.options.commits) or self.attempts.searching:
            return
        with self.books.stage("backup"):
            where = None if conf().BACKUP_SCOPE == "tables" or self.options.clear else self._touched()
            run, name = self.books.result.run, self.spec.name
            backup = write_backup(self.connection, sorted(set(tables)), run=run, name=name, where=where)
        self.books.result.backup = str(backup.path)
        self.books.enter(State.BACKED_UP, backup=str(backup.path))
        failpoint("run.backed_up")

    def _touched(self) -> dict[str, str]:
        """The records that the plan updates, for backups of those alone."""
        return {
            target.model._meta.db_table: f"t.{self.dialect.column(target.pk)} IN"
            f" (SELECT pk FROM {self.ws.name(target, 'plan')} WHERE fate = 'update')"
            for target in self.spec.targets
        }

    def _write(self) -> None:
        self.books.enter(State.APPLYING)
        with (
            self._rolled_back_if_rehearsed(),
            self._writing(),
            self.dialect.witness(targets=[target.model for target in self.ws.targets]) as witness,
            refusing_deletions(self.dialect),
        ):
            self._apply_and_verify(self._comparison())
            verify_nothing_deleted(self.ws, witness, {})
            verify_keys_kept(self.ws, witness)
            self.books.result.deletions = witness.proof
            self._mark_applied()

    def _writing(self) -> AbstractContextManager[None]:
        enforced = self.dialect.enforces
        alone = any(t.key.fields and not unique_in_database(t, enforced) for t in self.spec.targets)
        return self.dialect.writing(self.timeouts, locks_tables=alone)

    def _clear_and_write(self) -> None:
        """Deletes and loads in one transaction: when the file is refused, what was deleted is still there."""
        querysets = list(self.spec.clear())
        cleared = tables_changed_by_deletion(queryset.model for queryset in querysets)
        self._back_up([*cleared, *self._tables()])
        self.books.enter(State.APPLYING)
        with self._rolled_back_if_rehearsed(), self._writing():
            comparison = self._comparison()
            for queryset in querysets:
                queryset.using(self.options.database).delete()
            self._prepare(nullcontext)
            rows = self.books.result.rows
            if rows.read == rows.rejected:
                raise Refused("Every row is rejected, so nothing was cleared.", self.books.result.errors)
            if self.options.dry_run:
                raise _Rehearsed
            with self._rejects_kept_only_on_success():
                self._apply_and_verify(comparison)
                self._mark_applied()

    def _comparison(self) -> Comparison:
        return Comparison(self.dialect, self.spec.checks if self.options.validate_data else ())

    def _apply_and_verify(self, comparison: Comparison) -> None:
        if self.options.rehearse:
            self.books.open_record({"rehearse": True})
        self._apply()
        self._check(comparison)

    def _apply(self) -> None:
        if self.attempts.searching:
            with self.books.stage("search"):
                raise SearchEnded(find_refused(self.ws))
        with self.books.stage("apply"):
            apply_plan(self.ws, self.books.result.run or "")
        with self.books.stage("verify"):
            verify_landed(self.ws)

    def _check(self, comparison: Comparison) -> None:
        with self.books.stage("verify"):
            self.books.result.checks = comparison.results()
            comparison.drop()
            for check in self.books.result.checks:
                self.books.tell("check", check=check)
            verify_checks(self.books.result.checks)
        self.books.tell_records(self.dialect)

    def _mark_applied(self) -> None:
        """The last statement of the transaction. See Note [Run states]."""
        if self.options.rehearse:
            raise _Rehearsed
        if not self.options.clear:  # the journal does not have what was cleared; the backup does
            self.books.result.undo = f"undo_import {self.books.result.run}"
        self.books.enter(State.APPLIED)
        failpoint("run.before_commit")
        self.books.tell("stage", stage="commit")

    @contextmanager
    def _rolled_back_if_rehearsed(self) -> Iterator[None]:
        with suppress(_Rehearsed):
            try:
                yield
            finally:
                if self.options.rehearse:  # its record was rolled back as well, also when it is begun anew
                    self.books.forget_record()

    @contextmanager
    def _rejects_kept_only_on_success(self) -> Iterator[None]:
        """Written before the transaction, so that a full disk is found in time; a run that fails leaves none behind."""
        result = self.books.result
        if result.rows.rejected and self.options.commits and self.options.keep_rejects:
            result.rejects = str(self.findings.write_rejects(self.source, result.run or ""))
        try:
            yield
        except BaseException:
            if result.rejects:
                Path(result.rejects).unlink(missing_ok=True)
                result.rejects = None
            raise


class _Rehearsed(Exception):
    """Rolls the transaction back although nothing is wrong."""
