"""The proof that no record of a target got another primary key.

# Note [Kept keys]
What the run itself updates keeps its key: it is compared record by record. What a trigger or a hook does to other
records of the same table nobody compares, but PostgreSQL counts it. When a table saw no more updates than the run made,
no other record was touched, and nothing more is done. Else every row that this transaction wrote is looked at: its
``xmin`` belongs to a transaction that is in progress, and ours is the only one whose rows we see. Those whose key
nobody else sees either, in a session of its own, are new; and there may be no more new ones than rows were inserted.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from safe_import.database.fields import pk_of
from safe_import.errors import VerificationFailed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from django.db import models

    from safe_import.database.postgresql.dialect import PostgreSQL

_BATCH = 2000

# The rows of a partitioned table are counted at its partitions.
_COUNTS = """
    SELECT sum(pg_stat_get_xact_tuples_inserted(relid)), sum(pg_stat_get_xact_tuples_updated(relid))
    FROM (SELECT %s::regclass::oid UNION SELECT relid::oid FROM pg_partition_tree(%s::regclass)) tree(relid)"""

_OURS = """age(t.xmin) <= 0
    AND pg_xact_status((pg_current_xact_id()::text::numeric - age(t.xmin))::text::xid8) = 'in progress'"""


class KeptKeys:
    """See Note [Kept keys]. Made at the beginning of the data transaction."""

    def __init__(self, dialect: PostgreSQL, targets: Collection[type[models.Model]]) -> None:
        self._dialect = dialect
        self._before = {model: self._counts(model) for model in targets}

    def require(self, updated: Mapping[str, int]) -> None:
        """Compare.

        Args:
            updated: how many records the run itself updated, by table.

        Raises:
            VerificationFailed: a record has another key than before. It names the table.
        """
        for model, (inserted_before, updated_before) in self._before.items():
            inserted_now, updated_now = self._counts(model)
            table = model._meta.db_table
            if updated_now - updated_before <= updated.get(table, 0):
                continue
            rewritten = self._new(model) - (inserted_now - inserted_before)
            if rewritten > 0:
                raise VerificationFailed(
                    f"{rewritten} records of {model._meta.label} got another primary key while the import was writing. "
                    f"Everything was rolled back. Look for a trigger or a hook that rewrites it in {table}."
                )

    def _counts(self, model: type[models.Model]) -> tuple[int, int]:
        table = self._dialect.table(model)
        inserted, updated = self._dialect.rows(_COUNTS, [table, table])[0]
        return int(inserted), int(updated)

    def _new(self, model: type[models.Model]) -> int:
        """How many rows of this transaction have a key that no other session sees."""
        dialect = self._dialect
        pk, table, new = pk_of(model), dialect.table(model), 0
        column = dialect.column(pk)
        known = f"SELECT count(*) FROM {table} WHERE {column} = ANY (%s::text[]::{dialect.base_type(pk)}[])"
        session = dialect.connection
        with closing(session.copy()) as others, others.cursor() as committed, session.chunked_cursor() as written:
            written.execute(f"SELECT t.{column}::text FROM {table} t WHERE {_OURS}")
            while keys := [key for (key,) in written.fetchmany(_BATCH)]:
                committed.execute(known, [keys])
                new += len(keys) - committed.fetchone()[0]
        return new
