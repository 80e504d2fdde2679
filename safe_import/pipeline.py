"""The only place that orders the stages and owns transaction and state.

# Note [The way of a run]
    read -> validate -> stage -> plan -> [refuse | backup -> apply -> verify -> commit]
Up to the plan the database itself refuses every write. Whatever goes wrong before the commit leaves the data as it was.
When somebody changed a record between plan and apply, or the database chose this run as the victim of a deadlock, all
of it is done once more from the beginning.
"""

from __future__ import annotations

import os
import socket
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError, connections
from django.utils import timezone
from pydantic import ValidationError

from safe_import.backup.write import write_backup
from safe_import.checks.run import Comparison
from safe_import.conf import conf
from safe_import.database import dialect
from safe_import.database.deletion import tables_changed_by_deletion
from safe_import.database.dialect import Timeouts
from safe_import.database.failures import describe, may_pass
from safe_import.database.guard import refusing_deletions
from safe_import.errors import (
    AfterCommitError,
    DatabaseFailure,
    Refused,
    SafeImportError,
    StalePlan,
    UnexpectedFailure,
    UsageError,
)
from safe_import.events import Event, Listeners, Name, Observer
from safe_import.failpoints import failpoint
from safe_import.plan import outcome
from safe_import.plan.messages import message_of
from safe_import.plan.plan import make_plan
from safe_import.plan.refusal import changed_too_much
from safe_import.plan.suggestions import Suggestions, suggestions
from safe_import.plan.workspace import Workspace
from safe_import.records import Problem, RunResult
from safe_import.run_options import RunOptions
from safe_import.runs import journal
from safe_import.runs.record import RunRecord, State, user_name
from safe_import.signals import import_committed
from safe_import.sources import Source, open_source
from safe_import.sources.rejects import RejectsFile
from safe_import.stages.apply import apply_plan
from safe_import.stages.read import Reading, read
from safe_import.stages.stage import Stager
from safe_import.stages.validate import validate
from safe_import.stages.verify import verify_checks, verify_landed, verify_ledger, verify_nothing_deleted
from safe_import.stopwatch import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from safe_import.spec.import_spec import ImportSpec
    from safe_import.spec.target import Target

_SAMPLE = 20
_PROGRESS_EVERY = 500


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
        return _Run(spec(_parsed(spec.Options, chosen.spec)), opened, chosen, observers).execute()


def _parsed(model: type[Any], values: dict[str, Any]) -> Any:
    try:
        return model(**values)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc'])) or 'options'}: {each['msg']}" for each in error.errors())
        raise UsageError(wrong) from None


class _Run:
    """One execution of one spec on one source."""

    def __init__(self, spec: ImportSpec, source: Source, options: RunOptions, observers: Sequence[Observer]) -> None:
        self.spec, self.source, self.options, self.listeners = spec, source, options, Listeners(observers)
        self.connection = connections[options.database]
        self.dialect = dialect(self.connection)
        self.result = RunResult(spec.name, dry_run=options.dry_run)
        self.watch = Stopwatch(self.result.seconds)
        self.record: RunRecord | None = None
        self.suggestions: Suggestions = {}
        self.timeouts = Timeouts(
            options.lock_timeout or conf().LOCK_TIMEOUT, options.statement_timeout or conf().STATEMENT_TIMEOUT
        )

    def execute(self) -> RunResult:
        if self.connection.in_atomic_block:
            raise UsageError(
                "An import owns its transactions, so it can't run inside another one. In tests, use "
                "TransactionTestCase."
            )
        try:
            with self._run_lock():
                self._begin()
                self._once_more_if_stale()
                self._finish()
        except BaseException as error:
            failure = self._failed(error)
            if failure is error:
                raise
            raise failure from error
        return self.result

    # -- beginning and end

    def _run_lock(self) -> AbstractContextManager[None]:
        if not self.options.commits:
            return nullcontext()
        since = timezone.now().isoformat(timespec="seconds")
        holder = (
            f"{user_name()} on {socket.gethostname()}, process {os.getpid()}, import {self.spec.name}, since {since}"
        )
        return self.dialect.run_lock([target.model._meta.db_table for target in self.spec.targets], holder)

    def _begin(self) -> None:
        arguments = self.options.model_dump(exclude_defaults=True)
        if self.options.commits:
            self._record_run(arguments)
        self._tell(
            "started",
            who=user_name(), host=socket.gethostname(), source=self.source.label, sha256=self.source.sha256(),
            spec=self.spec.name, arguments=arguments,
        )  # fmt: skip

    def _record_run(self, arguments: dict[str, Any]) -> None:
        alias, source = self.options.database, self.source
        self.record = RunRecord.begin(alias, self.spec.name, source.label, source.sha256(), arguments)
        self.result.run = self.record.id

    def _finish(self) -> None:
        self.result.exit_code = 3 if self.result.rows.rejected or self.result.links_held else 0
        if self.record is None:
            self.result.state = "planned" if self.options.dry_run else "rehearsed"
            self._tell("ended", report=self.result.as_dict())
            return
        try:
            failpoint("run.committed")
            self.result.state = State.VERIFIED.value
            self.record.end(State.VERIFIED, self.result.as_dict())
            self._tell("ended", report=self.result.as_dict())
            import_committed.send(type(self.spec), result=self.result)
        except Exception as error:
            raise AfterCommitError(
                f"The import is committed, but what follows failed ({type(error).__name__}). See: "
                f"import_runs {self.result.run}"
            ) from error

    def _failed(self, error: BaseException) -> BaseException:
        """Records the failure, and gives it in words that hold no value."""
        failure = _in_words(error)
        if isinstance(failure, SafeImportError):
            self.result.exit_code, failure.result = failure.exit_code, self.result
        if not isinstance(failure, AfterCommitError):
            self.result.state = State.FAILED.value
        if self.record is not None and not isinstance(failure, AfterCommitError):
            self._record_failure(self.record, failure)
        self._tell("failed", error=error, report=self.result.as_dict())
        return failure

    def _record_failure(self, record: RunRecord, failure: BaseException) -> None:
        """Over a new connection when the old one is gone. The state ``applied`` stays: it is the proof."""
        try:
            self.connection.close_if_unusable_or_obsolete()
            if record.committed():
                self.result.state = State.APPLIED.value
            else:
                record.end(State.FAILED, self.result.as_dict(), str(failure) or type(failure).__name__)
        except DatabaseError:
            return  # the record stays open; import_runs --recover closes it

    # -- the way of a run

    def _once_more_if_stale(self) -> None:
        for last in (False, True):
            self.ws = Workspace(self.dialect, self.spec, self.options.force_update)
            try:
                with self._tables():
                    self._attempt()
                return
            except StalePlan:
                if last:
                    raise
            except DatabaseError as error:
                if last or not may_pass(error) or self.connection.in_atomic_block:
                    raise
            self._tell("again")

    @contextmanager
    def _tables(self) -> Iterator[None]:
        try:
            yield
        finally:
            if self.connection.is_usable():
                self.ws.drop()

    def _attempt(self) -> None:
        if self.options.clear:
            self._clear_and_write()
            return
        with self.dialect.reading_only():
            self._prepare(self.dialect.snapshot)
        self._enter(State.VALIDATED, plan=self.result.plan or "")
        if self.options.dry_run:
            return
        if outcome.nothing_to_write(self.ws):
            self._write_rejects()
            return
        self._back_up([target.model._meta.db_table for target in outcome.written_targets(self.ws)])
        with self._rejects_kept_only_on_success():
            self._write()

    def _prepare(self, snapshot: Any) -> None:
        """From the file to a plan that may be carried out, or a refusal."""
        self.ws.create()
        reading = read(self.source, self.spec.rows, unknown_cells_are_errors=self.options.on_error == "continue")
        self.reading = reading
        stager = Stager(self.ws, self._column, conf().BATCH_SIZE)
        rows = self.watch.timed(
            "validate",
            self._progress(validate(self.watch.timed("read", reading.rows()), self.spec.rows, reading.columns)),
        )
        with self._stage("stage"):
            stager.stage(rows)
        failpoint("run.staged")
        with self._stage("plan"):
            self._plan(stager, snapshot)
            self._summarise(reading, stager)
        self._refuse(reading)

    def _plan(self, stager: Stager, snapshot: Any) -> None:
        rejected = 0
        while True:
            if self.spec.derives:
                stager.stage_groups()
            stager.analyze()
            self.ws.create_plan()
            with snapshot():
                make_plan(self.ws)
            before, rejected = rejected, stager.rejected_of_groups()
            if rejected == before:
                return

    def _summarise(self, reading: Reading, stager: Stager) -> None:
        ws, result, limit = self.ws, self.result, conf().MAX_REPORTED
        result.rows = outcome.ledger(ws, stager.read, stager.skipped)
        result.models = outcome.model_counts(ws)
        result.links_held, result.links_left_empty = outcome.links_held(ws), outcome.links_left_empty(ws)
        result.plan = outcome.digest(ws, stager.digest)
        result.changes = outcome.sample_changes(ws, _SAMPLE)
        self.suggestions = suggestions(ws, limit)
        wrong, remarks = self._header_problems(reading)
        result.errors = [*wrong, *outcome.problems(ws, self._describe, warnings=False, limit=limit)]
        result.errors_total = len(wrong) + outcome.count_problems(ws, warnings=False)
        result.warnings = [*remarks, *outcome.problems(ws, self._describe, warnings=True, limit=limit)]
        result.warnings_total = len(remarks) + outcome.count_problems(ws, warnings=True)
        if self.listeners.want_records:
            for problem in chain(wrong, outcome.problems(ws, self._describe, warnings=False)):
                self._tell("rejected", problem=problem)
        for problem in result.warnings:
            self._tell("warned", problem=problem)

    def _header_problems(self, reading: Reading) -> tuple[list[Problem], list[Problem]]:
        """Errors and remarks. An unknown column is a remark where the rows that use it are rejected instead."""
        harmless = "unknown_column" if self.options.on_error == "continue" else None
        wrong = [problem for problem in reading.problems if problem.code != harmless]
        return wrong, [*(problem for problem in reading.problems if problem.code == harmless), *reading.notes]

    def _refuse(self, reading: Reading) -> None:
        verify_ledger(self.result.rows)
        header = self._header_problems(reading)[0]
        if header or (self.result.errors_total and self.options.on_error == "rollback"):
            raise Refused(
                f"{self.result.errors_total} errors in {self.source.label}. Nothing was changed.", self.result.errors
            )
        if self.options.plan and self.options.plan != self.result.plan:
            raise Refused(f"The plan is {self.result.plan}, not the one that was asked for. Nothing was changed.")
        if self.options.max_changes and (reason := changed_too_much(self.ws, self.options.max_changes)):
            raise Refused(f"{reason}. Nothing was changed.")

    def _back_up(self, tables: Sequence[str]) -> None:
        if not (self.options.backup and self.options.commits):
            return
        with self._stage("backup"):
            where = None if conf().BACKUP_SCOPE == "tables" or self.options.clear else self._touched()
            backup = write_backup(
                self.connection, sorted(set(tables)), run=self.result.run, name=self.spec.name, where=where
            )
        self.result.backup = str(backup.path)
        self._enter(State.BACKED_UP, backup=str(backup.path))
        failpoint("run.backed_up")

    def _touched(self) -> dict[str, str]:
        """The records that the plan updates, for backups of those alone."""
        return {
            target.model._meta.db_table: f"t.{self.dialect.column(target.pk)} IN"
            f" (SELECT pk FROM {self.ws.name(target, 'plan')} WHERE fate = 'update')"
            for target in self.spec.targets
        }

    def _write(self) -> None:
        self._enter(State.APPLYING)
        try:
            with (
                self.dialect.writing(self.timeouts),
                self.dialect.witness() as witness,
                refusing_deletions(self.connection),
            ):
                if self.options.rehearse:
                    self._record_run({"rehearse": True})
                self._apply_and_verify(self._comparison())
                verify_nothing_deleted(self.ws, witness, {})
                self._commit_or_roll_back()
        except _Rehearsed:
            self.record, self.result.run = None, None

    def _clear_and_write(self) -> None:
        """Deletes and loads in one transaction: when the file is refused, what was deleted is still there."""
        querysets = list(self.spec.clear())
        cleared = tables_changed_by_deletion(queryset.model for queryset in querysets)
        self._back_up([*cleared, *(target.model._meta.db_table for target in self.spec.targets)])
        self._enter(State.APPLYING)
        try:
            with self._rejects_kept_only_on_success(), self.dialect.writing(self.timeouts):
                comparison = self._comparison()
                for queryset in querysets:
                    queryset.using(self.options.database).delete()
                self._prepare(nullcontext)
                if self.options.dry_run:
                    raise _Rehearsed
                self._write_rejects()
                if self.options.rehearse:
                    self._record_run({"rehearse": True})
                self._apply_and_verify(comparison)
                self._commit_or_roll_back()
        except _Rehearsed:
            self.record, self.result.run = None, None

    def _comparison(self) -> Comparison:
        return Comparison(self.dialect, self.spec.checks if self.options.validate_data else ())

    def _apply_and_verify(self, comparison: Comparison) -> None:
        with self._stage("apply"):
            apply_plan(self.ws, self.result.run or "")
        with self._stage("verify"):
            verify_landed(self.ws)
            self.result.checks = comparison.results()
            comparison.drop()
            for check in self.result.checks:
                self._tell("check", check=check)
            verify_checks(self.result.checks)
            self._tell_records()
        self._tell("stage", stage="commit")

    def _commit_or_roll_back(self) -> None:
        if self.options.rehearse:
            raise _Rehearsed
        self.result.undo = f"undo_import {self.result.run}"
        self._enter(State.APPLIED)  # inside the transaction: the marker
        failpoint("run.before_commit")

    # -- rejects

    def _write_rejects(self) -> None:
        if not self.result.rows.rejected or not self.options.commits:
            return
        path = Path(self.options.rejects or f"{Path(self.source.label).stem}.rejects.csv")
        with RejectsFile(path, self.source) as file:
            file.fill(outcome.rejected_lines(self.ws, self._describe))
        self.result.rejects = str(path)

    @contextmanager
    def _rejects_kept_only_on_success(self) -> Iterator[None]:
        """Written before the transaction, so that a full disk is found in time; a run that fails leaves none behind."""
        self._write_rejects()
        try:
            yield
        except BaseException:
            if self.result.rejects:
                Path(self.result.rejects).unlink(missing_ok=True)
                self.result.rejects = None
            raise

    # -- what is told

    def _enter(self, state: State, **values: Any) -> None:
        self.result.state = state.value
        if self.record is not None:
            self.record.enter(state, **values)

    def _tell(self, name: Name, **data: Any) -> None:
        self.listeners.tell(Event(name, self.result.run, data))

    def _tell_records(self) -> None:
        """Before the commit: an audit log that can't be written must be known while everything can be rolled back."""
        if self.listeners.want_records:
            for model, key, action, columns in journal.changes(self.dialect, self.result.run or ""):
                self._tell("record", model=model, key=key, action=action, columns=columns)

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        self._tell("stage", stage=name)
        with self.watch.running(name):
            yield

    def _progress(self, rows: Iterator[Any]) -> Iterator[Any]:
        count = 0
        for count, row in enumerate(rows, 1):
            if count % _PROGRESS_EVERY == 0:
                self._tell("progress", stage="validate", rows=count)
            yield row
        self._tell("progress", stage="validate", rows=count)

    def _column(self, kind: int | None, field: str) -> str | None:
        return self.reading.columns[kind or 0].get(field) or (
            self.spec.rows[kind or 0].spellings(field)[0] if field in self.spec.rows[kind or 0].model_fields else None
        )

    def _describe(self, target: Target, field: str, code: str, line: int, other: int | None) -> tuple[str | None, str]:
        names = [self._column(kind, target.row_field(field)) for kind in sorted(target.kinds)]
        column = next((name for name in names if name), f"{target.label}.{field}")
        suggestion = self.suggestions.get((line, target.number, field), "")
        return column, f"{message_of(target, field, code, other)}{suggestion and f'; {suggestion}'}"


class _Rehearsed(Exception):
    """Rolls the transaction back although nothing is wrong."""


def _in_words(error: BaseException) -> BaseException:
    if isinstance(error, SafeImportError) or not isinstance(error, Exception):
        return error
    if isinstance(error, DatabaseError):
        return DatabaseFailure(f"The import was rolled back: {describe(error)}.")
    return UnexpectedFailure(
        f"The import was rolled back: an unexpected {type(error).__name__}. The log has the trace."
    )
