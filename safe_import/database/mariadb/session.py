"""What a session is set to while it works for a run, and to what it was before, afterwards."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from safe_import.database.mariadb.columns import EXACT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from safe_import.database.dialect import Dialect, Timeouts

# || joins texts, as it does everywhere else; an UPDATE sees the old values in all of its assignments; a primary key of
# 0 is kept; and what does not fit is an error, not cut.
_MODES = "PIPES_AS_CONCAT,SIMULTANEOUS_ASSIGNMENT,NO_AUTO_VALUE_ON_ZERO,STRICT_ALL_TABLES,STRICT_TRANS_TABLES"

_LONGEST = 2**30  # of a list that is put together: what is longer than a packet is an error all the same

READ_ONLY = {"tx_read_only": 1}
READ_WRITE = {"tx_read_only": 0}
# Each statement sees what is committed by then, and locks nothing but the rows that it writes or is told to lock; the
# plan's fingerprints tell what changed in between.
EACH_STATEMENT = {"tx_isolation": "READ-COMMITTED"}
# One snapshot for questions; statements that write, and those that ask for locks, see the present.
ONE_SNAPSHOT = {"tx_isolation": "REPEATABLE-READ"}
# The same level: only there a lock on a row keeps others from inserting beside it.
GAPS_LOCKED = ONE_SNAPSHOT


@contextmanager
def session(dialect: Dialect, *settings: Mapping[str, Any]) -> Iterator[None]:
    """Set variables of the session, among them those that the SQL of a plan needs, until the block ends."""
    wanted: dict[str, Any] = {"collation_connection": EXACT, "group_concat_max_len": _LONGEST}
    for each in settings:
        wanted |= each
    present = ", ".join(f"@@SESSION.{name}" for name in wanted)
    before = dict(zip(wanted, dialect.rows(f"SELECT {present}")[0], strict=True))
    modes = dialect.value("SELECT @@SESSION.sql_mode")
    _set(dialect, {"sql_mode": f"{modes},{_MODES}", **wanted})
    try:
        yield
    finally:
        if dialect.connection.is_usable():
            _set(dialect, {"sql_mode": modes, **before})


def limits(timeouts: Timeouts) -> dict[str, Any]:
    """The variables for timeouts; MariaDB counts locks in whole seconds."""
    seconds = max(1, math.ceil(timeouts.lock))
    return {
        "innodb_lock_wait_timeout": seconds,
        "lock_wait_timeout": seconds,
        "max_statement_time": float(timeouts.statement),
    }


def _set(dialect: Dialect, values: Mapping[str, Any]) -> None:
    dialect.execute(f"SET {', '.join(f'SESSION {name} = %s' for name in values)}", list(values.values()))
