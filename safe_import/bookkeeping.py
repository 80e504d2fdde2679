"""The books of one run: its record and state, its result, and what is told of it while it goes on."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import DatabaseError, InterfaceError, connections

from safe_import.database.failures import describe
from safe_import.database.reconnect import AT_COMMIT, reconnect
from safe_import.errors import AfterCommitError, DatabaseFailure, SafeImportError, UnexpectedFailure
from safe_import.events import Event, Listeners, Name
from safe_import.failpoints import failpoint
from safe_import.records import RunResult
from safe_import.runs import journal
from safe_import.runs.record import RunRecord, State, user_name
from safe_import.signals import import_committed
from safe_import.sources.rejects import parent_run
from safe_import.stopwatch import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence, Sized

    from safe_import.database.dialect import Dialect
    from safe_import.events import Observer
    from safe_import.run_options import RunOptions
    from safe_import.sources import Source
    from safe_import.spec.import_spec import ImportSpec

Block = TypeVar("Block", bound="Sized")


class Books:
    """Keeps the books of one run of ``spec``, which locks ``tables``. A run that does not commit has no record."""

    def __init__(
        self,
        spec: ImportSpec,
        source: Source,
        options: RunOptions,
        observers: Sequence[Observer],
        tables: Callable[[], Sequence[str]],
    ) -> None:
        self.spec, self.source, self.options, self.tables = spec, source, options, tables
        self.listeners = Listeners(observers)
        self.result = RunResult(spec.name, dry_run=options.dry_run)
        self.watch = Stopwatch(self.result.seconds)
        self.record: RunRecord | None = None

    # -- the record and its states

    def begin(self) -> None:
        arguments = self.options.model_dump(exclude_defaults=True)
        if self.options.commits:
            self.open_record(arguments)
        self.tell(
            "started",
            who=user_name(), host=socket.gethostname(), source=self.source.label, sha256=self.source.sha256(),
            spec=self.spec.name, arguments=arguments,
        )  # fmt: skip

    def open_record(self, arguments: dict[str, Any]) -> None:
        """Writes the record of the run; a rehearsal does so inside its transaction, for the journal to refer to.

        It has the tables that the run locks: a recovery has to know them when the spec has other targets by then.
        """
        alias, source = self.options.database, self.source
        kept = {**arguments, "tables": list(self.tables())}
        self.record = RunRecord.begin(
            alias, self.spec.name, source.label, source.sha256(), kept, parent=parent_run(source)
        )
        self.result.run = self.record.id

    def forget_record(self) -> None:
        """The record was rolled back with the rehearsal."""
        self.record, self.result.run = None, None

    def enter(self, state: State, **values: Any) -> None:
        self.result.state = state.value
        if self.record is not None:
            self.record.enter(state, **values)

    def finish(self) -> None:
        """Closes the books of a run that went well.

        Raises:
            AfterCommitError: the data is in, but something that follows failed.
        """
        self.result.exit_code = 3 if self.result.rows.rejected or self.result.links_held else 0
        if self.record is None:
            self.result.state = "planned" if self.options.dry_run else "rehearsed"
            self.tell("ended", report=self.result.as_dict())
            return
        try:
            failpoint("run.committed")
            self.result.state = State.VERIFIED.value
            self.record.end(State.VERIFIED, self.result.as_dict())
            self.tell("ended", report=self.result.as_dict())
            import_committed.send(type(self.spec), result=self.result)
        except Exception as error:
            raise self._after_commit(error) from error

    def fail(self, error: BaseException) -> BaseException:
        """Closes the books of a run that failed. Returns the failure in words that hold no value."""
        failure = _in_words(error)
        if self.record is not None and not isinstance(failure, AfterCommitError):
            failure = self._record_failure(self.record, failure)
        if isinstance(failure, SafeImportError):
            self.result.exit_code, failure.result = failure.exit_code, self.result
        if not isinstance(failure, AfterCommitError):
            self.result.state = State.FAILED.value
        self.tell("failed", error=error, report=self.result.as_dict())
        return failure

    def _record_failure(self, record: RunRecord, failure: BaseException) -> BaseException:
        """Over a new connection when the old one is gone. The marker tells whether the data is in."""
        at_commit = record.run.state == State.APPLIED
        self.result.state = State.FAILED.value
        try:
            reconnect(connections[self.options.database], AT_COMMIT if at_commit else 0)
            if record.fail(self.result.as_dict(), str(failure) or type(failure).__name__):
                return failure
        except (DatabaseError, InterfaceError):  # the record stays open; import_runs --recover closes it
            return self._perhaps_committed(failure) if at_commit else failure
        self.result.state = State.APPLIED.value
        return self._after_commit(failure)

    def _perhaps_committed(self, error: BaseException) -> AfterCommitError:
        self.result.state = State.APPLYING.value
        return AfterCommitError(
            f"The database went away at the commit ({type(error).__name__}), so it is not known whether the import is "
            f"committed. Once it is back: import_runs --recover, then import_runs {self.result.run}"
        )

    def _after_commit(self, error: BaseException) -> AfterCommitError:
        return AfterCommitError(
            f"The import is committed, but what follows failed ({type(error).__name__}). "
            f"See: import_runs {self.result.run}"
        )

    # -- what is told

    def tell(self, name: Name, **data: Any) -> None:
        self.listeners.tell(Event(name, self.result.run, data))

    def tell_records(self, dialect: Dialect) -> None:
        """Before the commit: an audit log that can't be written must be known while all can still be rolled back."""
        if self.listeners.want_records:
            for model, key, action, columns in journal.changes(dialect, self.result.run or ""):
                self.tell("record", model=model, key=key, action=action, columns=columns)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Tells that a stage begins, and takes its time."""
        self.tell("stage", stage=name)
        with self.watch.running(name):
            yield

    def counted(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """The blocks of rows of the file, with the number of rows told now and then."""
        count, every = 0, self.listeners.progress_every
        for block in blocks:
            before, count = count, count + len(block)
            for rows in range(before - before % every + every, count + 1, every):
                self.tell("progress", stage="validate", rows=rows)
            yield block
        self.tell("progress", stage="validate", rows=count)


def _in_words(error: BaseException) -> BaseException:
    if isinstance(error, SafeImportError) or not isinstance(error, Exception):
        return error
    if isinstance(error, (DatabaseError, InterfaceError)):
        return DatabaseFailure(f"The import was rolled back: {describe(error)}.")
    return UnexpectedFailure(
        f"The import was rolled back: an unexpected {type(error).__name__}. The log has the trace."
    )
