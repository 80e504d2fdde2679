"""The proof that a transaction deleted nothing, from PostgreSQL's own counters and locks.

# Note [Witness]
``pg_stat_get_xact_tuples_deleted`` counts every row version that this transaction deleted in a table, whoever did it:
a statement, a cascade, a trigger, a function. Counts of the transaction before can linger for about a second, so
they are compared with a baseline. TRUNCATE, DROP and ALTER delete without counting; they take an AccessExclusiveLock,
which this backend then holds on a relation that is not temporary. (Filenodes are no proof: VACUUM FULL by somebody
else changes them, too.) An insertion that loses a race with ON CONFLICT is taken back, and counts as one row inserted
and one deleted: where that may be all, the run begins anew once, and whoever does delete does so again. A function that
switches the counting off while it runs would blind all of this, so a database that has one is refused.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from safe_import.database.dialect import NOTHING, Witness
from safe_import.database.postgresql.kept_keys import KeptKeys
from safe_import.errors import DeletionDetected, DeletionSuspected, GuardUnavailable
from safe_import.records import PROVEN

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from django.db import models

    from safe_import.database.postgresql.dialect import PostgreSQL

_USER_TABLES = """
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
      AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%'
"""
_COUNTED = f"""
    SELECT c.oid::regclass::text, pg_stat_get_xact_tuples_deleted(c.oid), pg_stat_get_xact_tuples_inserted(c.oid)
    {_USER_TABLES}"""
_EXCLUSIVE = """
    SELECT l.relation::regclass::text FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
    WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.granted
      AND c.relpersistence <> 't'
      AND c.relnamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname LIKE 'pg\\_temp%' OR nspname LIKE
      'pg\\_toast%')
"""


_BLINDING = """
    SELECT p.oid::regprocedure::text FROM pg_proc p
    JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND (
      EXISTS (SELECT 1 FROM unnest(p.proconfig) setting WHERE setting ~* '^(track_counts|session_replication_role)=')
      OR (l.lanname NOT IN ('c', 'internal') AND p.prosrc ~* '\\mtrack_counts\\M'))
    ORDER BY 1 LIMIT 5
"""
# Rows of a partitioned table are counted at its partitions.
_STORED = """
    SELECT relid::regclass::text
    FROM (SELECT %s::regclass::oid relid UNION SELECT relid::oid FROM pg_partition_tree(%s::regclass)) tree"""


class PostgreSQLWitness(Witness):
    """See Note [Witness]."""

    proof = PROVEN

    def __init__(self, dialect: PostgreSQL, targets: Collection[type[models.Model]]) -> None:
        self.dialect = dialect
        self._assert_counting()
        self._assert_nothing_blinds()
        self.baseline = self._counts()
        self.kept_keys = KeptKeys(dialect, targets)

    def assert_nothing_deleted(self, inserted: Mapping[str, int], besides: Mapping[str, int] = NOTHING) -> None:
        """See Witness; PostgreSQL counts deletions itself, so ``inserted`` is not needed."""
        self._assert_counting()
        now = self._counts()
        deleted = {table: now[table][0] - self.baseline.get(table, (0, 0))[0] for table in now}
        for table, n in besides.items():
            for (stored,) in self.dialect.rows(_STORED, [self.dialect.quote(table)] * 2):
                expected = max(min(n, deleted[stored]), 0)
                deleted[stored] -= expected
                n -= expected  # noqa: PLW2901  # what is left to be found in the other partitions
        counted = {table: n for table, n in deleted.items() if n > 0}
        gone = [f"{table} (dropped)" for table in self.baseline if table not in now]
        gone += [f"{table} (truncated or altered)" for (table,) in self.dialect.rows(_EXCLUSIVE)]
        if not (counted or gone):
            return
        inserted = {table: now[table][1] - self.baseline.get(table, (0, 0))[1] for table in counted}
        may_be_a_race = not gone and all(n <= inserted[table] for table, n in counted.items())
        raise (DeletionSuspected if may_be_a_race else DeletionDetected)(
            "Rows were removed while the import was writing:"
            f" {', '.join(sorted([*(f'{table} ({n} deleted)' for table, n in counted.items()), *gone]))}."
            " Everything was rolled back. Look for a trigger, a cascade or a hook on these tables."
        )

    def assert_keys_kept(self, updated: Mapping[str, int]) -> None:
        """See Note [Kept keys]."""
        self.kept_keys.require(updated)

    def _assert_nothing_blinds(self) -> None:
        if functions := [name for (name,) in self.dialect.rows(_BLINDING)]:
            raise GuardUnavailable(
                f"These functions switch off what deletions are seen by: {', '.join(functions)}. Remove track_counts "
                "and session_replication_role from them, or drop them."
            )

    def _counts(self) -> dict[str, tuple[int, int]]:
        """How many rows were deleted and inserted, by table."""
        return {table: (deleted, inserted) for table, deleted, inserted in self.dialect.rows(_COUNTED)}

    def _assert_counting(self) -> None:
        track, role = self.dialect.rows(
            "SELECT current_setting('track_counts'), current_setting('session_replication_role')"
        )[0]
        if track != "on" or role != "origin":
            raise GuardUnavailable(
                f"PostgreSQL runs with track_counts = {track} and session_replication_role = {role}, so deletions "
                "can't be seen. Set them to on and origin."
            )


@contextmanager
def witness(dialect: PostgreSQL, targets: Collection[type[models.Model]]) -> Iterator[Witness]:
    """Guards the data transaction that has just begun."""
    yield PostgreSQLWitness(dialect, targets)
