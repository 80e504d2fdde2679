"""One run of all migrations, in one transaction.

# Note [One transaction]
Migrations build on each other: a hook of one looks up what another one brought, so each is read and planned when those
before it are written. And all of them are brought, or none. Hence one run: one record, one journal, one undo; one
backup before it, of every table that may be written; and one data transaction, in which each migration goes its way
from reading to verification. Rolling it back at the end is the rehearsal.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager, nullcontext
from functools import cached_property
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

from safe_import.checks.run import Comparison
from safe_import.conf import conf
from safe_import.database.guard import refusing_deletions
from safe_import.database.tables import SequencePosition
from safe_import.database.tables import tables_of as tables_on
from safe_import.errors import Refused
from safe_import.legacy.compiled import tables_of
from safe_import.legacy.migration import has_hooks, name_of, overrides
from safe_import.legacy.part import source_of, spec_of
from safe_import.legacy.remembered import SPEC, brought_before
from safe_import.legacy.total import add, forget
from safe_import.pipeline import ImportRun
from safe_import.plan import outcome
from safe_import.plan.fates import count_fates
from safe_import.plan.workspace import Workspace
from safe_import.records import RunResult
from safe_import.run_options import RunOptions
from safe_import.runs.journal import renew_prints
from safe_import.runs.record import State
from safe_import.sources.given import GivenRows
from safe_import.spec.import_spec import ImportSpec
from safe_import.stages.apply import write_journals, write_records
from safe_import.stages.verify import verify_ledger, verify_written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from safe_import.events import Observer
    from safe_import.legacy.migration import Migration
    from safe_import.legacy.source import QuerySource
    from safe_import.spec.target import Target


class LegacyData(ImportSpec, register=False):
    """Stands for all migrations of a run in its record and in its reports; it writes nothing itself."""

    name = SPEC

    @cached_property
    def targets(self) -> tuple[Target, ...]:
        return ()


def migrate(
    migrations: Sequence[type[Migration]],
    *,
    commit: bool = False,
    observers: Sequence[Observer] = (),
    announce: Callable[[type[Migration], QuerySource], None] = lambda *_: None,
    **options: Any,
) -> RunResult:
    """Run migrations, those that have run before left out unless they allow updates.

    Args:
        migrations: in the order in which they are to run, see ``find_migrations``.
        commit: keep what they bring; otherwise everything is done and rolled back.
        observers: called with every Event of the run.
        announce: called with each migration that runs, and its open source.
        **options: ``backup``, ``validate_data``, ``database`` and the timeouts, as of ``run_import``.

    Raises:
        Refused: the data has errors; nothing was changed.
        SafeImportError: see ``errors``. Its ``result`` says what the run came to.
    """
    return MigrationRun(migrations, RunOptions(rehearse=not commit, **options), observers, announce).execute()


def pending(migrations: Sequence[type[Migration]], alias: str) -> list[type[Migration]]:
    """Those of the migrations that are to run: not skipped, and not brought before unless they allow updates."""
    done = brought_before(alias)
    return [each for each in migrations if not each.skip and (each.allow_updates or name_of(each) not in done)]


class MigrationRun(ImportRun):
    """One run of several migrations. See Note [One transaction]."""

    def __init__(
        self,
        migrations: Sequence[type[Migration]],
        options: RunOptions,
        observers: Sequence[Observer],
        announce: Callable[[type[Migration], QuerySource], None],
    ) -> None:
        self.migrations, self.announce = migrations, announce
        queries = [{"migration": name_of(each), "query": each.query} for each in migrations]
        super().__init__(LegacyData(), GivenRows(queries, "legacy data"), options, observers)

    def _tables(self) -> list[str]:
        return _tables_written(self.migrations)

    def _touched(self) -> dict[str, str]:
        return {}  # what will be written is not known before the transaction

    def _comparison(self) -> Comparison:
        checks = [check for migration in self.migrations for check in migration.checks]
        return Comparison(self.dialect, checks if self.options.validate_data else ())

    def _attempt(self) -> None:
        alias = self.options.database
        due, done = pending(self.migrations, alias), brought_before(alias)
        forget(self.books.result)
        if not due:
            return
        self._back_up(_tables_written(due))
        self.books.enter(State.APPLYING, arguments=self._arguments(due))
        with (
            self._rolled_back_if_rehearsed(),
            self.dialect.writing(self.timeouts, locks_tables=True),
            self.dialect.witness(targets=[migration.model for migration in due]) as witness,
            refusing_deletions(self.dialect),
        ):
            if self.options.rehearse:
                self.books.open_record({"rehearse": True})
            comparison, inserted = self._comparison(), Counter[str]()
            for migration in due:
                self._migrate(migration, inserted, update=name_of(migration) in done)
            if any(has_hooks(migration) for migration in due[1:]):
                self._renew_journal(due[:-1])
            self._check(comparison)
            witness.assert_nothing_deleted(inserted)
            witness.assert_keys_kept({})
            self._advance_sequences(inserted)
            self._mark_applied()

    def _arguments(self, due: Sequence[type[Migration]]) -> dict[str, Any]:
        """What the record remembers once it is certain: which migrations the run brings."""
        given = self.options.model_dump(exclude_defaults=True)
        return {**given, "tables": self._tables(), "migrations": [name_of(each) for each in due]}

    # -- one migration

    def _migrate(self, migration: type[Migration], inserted: Counter[str], *, update: bool) -> None:
        if not update:
            migration.hook_before_all()
        with source_of(migration, self.options.database) as source:
            self.announce(migration, source)
            if source.columns:
                with self._in_place_of_all(migration, source):
                    self._bring(migration, source, inserted, update=update)
            elif not update:
                migration.hook_after_all()

    @contextmanager
    def _in_place_of_all(self, migration: type[Migration], source: QuerySource) -> Iterator[None]:
        """The steps of a run work on one spec, one source and one result: for now, on those of this migration."""
        whole = self.spec, self.source, self.options, self.books.result
        self.spec, self.source = spec_of(source)(), source
        self.books.result = RunResult(self.spec.name, run=whole[3].run, state=whole[3].state)
        if overrides(migration, "hook_error_creating_instance"):
            self.options = self.options.model_copy(update={"on_error": "continue"})  # the hook decides row by row
        self.ws = Workspace(self.dialect, self.spec)
        try:
            yield
        finally:
            part = self.books.result
            self.spec, self.source, self.options, self.books.result = whole
            add(self.books.result, part)

    def _bring(self, migration: type[Migration], source: QuerySource, inserted: Counter[str], *, update: bool) -> None:
        self._prepare(nullcontext)
        if self.options.on_error == "continue":
            self._ask_about_rejected(migration, source)
        with self.books.stage("apply"):
            write_records(self.ws)
        with self.books.stage("verify"):
            verify_written(self.ws)
        if not update:
            migration.hook_after_all()
        self._recount()
        with self.books.stage("apply"):
            write_journals(self.ws, self.books.result.run or "")
        for target in self.ws.targets:
            created = self.dialect.value(f"SELECT count(*) FROM {self.ws.name(target, 'new')}")
            inserted[target.model._meta.db_table] += created
        self.ws.drop()

    def _ask_about_rejected(self, migration: type[Migration], source: QuerySource) -> None:
        """Asks the hook about rows that the plan rejects; it knows already of those that another hook failed on."""
        errors = (problem for problem in self.findings.errors() if problem.code != "hook_failed" and problem.line)
        for line, problems in groupby(errors, key=lambda problem: problem.line):
            found = list(problems)
            error = Refused("; ".join(map(str, found)), found)
            error.add_note(f"row {line}")
            migration.hook_error_creating_instance(error, source.row(line or 0))

    def _renew_journal(self, migrations: Sequence[type[Migration]]) -> None:
        """A hook may have changed what an earlier migration of this run created."""
        for migration in migrations:
            renew_prints(self.dialect, migration.model, self.books.result.run or "")

    def _recount(self) -> None:
        """Hooks may have left out rows that were planned."""
        for target in self.ws.targets:
            count_fates(self.ws, target)
        result = self.books.result
        result.rows = outcome.ledger(self.ws, result.rows.read, 0)
        result.models = outcome.model_counts(self.ws)
        result.errors = list(islice(self.findings.errors(), conf().MAX_REPORTED))
        result.errors_total = outcome.count_problems(self.ws, warnings=False)
        verify_ledger(result.rows)

    def _advance_sequences(self, tables: Counter[str]) -> None:
        """Past the primary keys that queries brought, so that the next record of the application gets a free one."""
        if not self.options.commits:
            return
        operations = tables_on(self.connection)
        for table in tables:
            for present in operations.sequences(table):
                operations.advance(table, SequencePosition(present.column, present.sequence, None))


def _tables_written(migrations: Sequence[type[Migration]]) -> list[str]:
    return sorted({table for migration in migrations for table in tables_of(migration)})
