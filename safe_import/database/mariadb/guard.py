"""What is refused on MariaDB while a run writes, and what can be counted.

# Note [Prevented, not proven]
MariaDB has nothing that proves what PostgreSQL's counters and SQLite's authorizer prove: InnoDB's cascades delete
without being counted, and a REPLACE may be counted as an update. So the statements themselves are the guard, by what
they may be rather than by what they may not: questions, INSERT, UPDATE, and whatever concerns temporary tables. All
other statements of MariaDB delete, or run what can't be seen (CALL, EXECUTE), or commit what was written so far (DDL,
LOCK TABLES and many more: https://mariadb.com/kb/en/sql-statements-that-cause-an-implicit-commit/).

Two counters make it harder still to get around it, by a trigger or past Django: how many rows this session deleted
(``Handler_delete``; those of temporary tables are known and subtracted), and a savepoint, which is gone when somebody
has committed in the middle.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError

from safe_import.database.dialect import NOTHING, Witness
from safe_import.errors import DeletionDetected, VerificationFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping

    from safe_import.database.dialect import Dialect

_TOKEN = re.compile(
    r"(?P<text>'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\")|(?P<name>`(?:[^`]|``)*`)"
    r"|(?P<executed>/\*M?!)|(?P<comment>--(?=\s|$)[^\n]*|\#[^\n]*|/\*.*?\*/)",
    re.DOTALL,
)
_HARMLESS = re.compile(
    r"\(*\s*(?:SELECT|INSERT|UPDATE|SAVEPOINT|RELEASE\s+SAVEPOINT|ROLLBACK(?:\s+WORK)?\s+TO|SHOW|EXPLAIN|DESC(?:RIBE)?"
    r"|VALUES|DO|CREATE\s+(?:OR\s+REPLACE\s+)?TEMPORARY\s+TABLE|DROP\s+TEMPORARY\s+TABLE"
    r"|SET(?!\s+STATEMENT\b)(?!.*\bautocommit\b)|WITH(?!.*\bDELETE\b))\b",
    re.IGNORECASE | re.DOTALL,
)
_REMOVES = re.compile(
    r"(?P<verb>DELETE(?:\s+(?:LOW_PRIORITY|QUICK|IGNORE))*(?:\s+FROM)?|TRUNCATE(?:\s+TABLE)?|DROP\s+\w+(?:\s+IF\s+EXISTS)?"
    r"|REPLACE(?:\s+(?:LOW_PRIORITY|DELAYED))?(?:\s+INTO)?|ALTER\s+TABLE)\s+(?P<what>[^\s(;,]+)",
    re.IGNORECASE,
)
_SAVEPOINT = "si_witness"
_NO_SUCH_SAVEPOINT = 1305


def refusal(sql: str, temporary: Container[str]) -> str | None:
    """Return why a statement is refused; None for one that can only ask or add. See Note [Prevented, not proven].

    Args:
        sql: what is sent; several statements may stand in it.
        temporary: the names of our temporary tables.
    """
    skeleton = _TOKEN.sub(_plain, sql)
    return next((why for each in skeleton.split(";") if (why := _refusal(each.strip(), temporary))), None)


def _refusal(statement: str, temporary: Container[str]) -> str | None:
    removes = _REMOVES.match(statement)
    if not statement or _HARMLESS.match(statement) or (removes and removed_from(statement) in temporary):
        return None
    if removes:
        what = f"{' '.join(removes['verb'].upper().split())} {removes['what']}"
        return f"{what} was refused: an import never deletes"
    verb = " ".join(statement.split()[:2])
    return (
        f"{verb} was refused: on MariaDB it could delete without being seen, or commit what was written so far. Send "
        "nothing but SELECT, INSERT and UPDATE while an import writes"
    )


def removed_from(statement: str) -> str:
    """The one table from which a plain DELETE removes rows; empty for any other statement."""
    found = re.match(r"DELETE\s+FROM\s+`?(\w+)`?(?:\s+WHERE\b|\s*$)", statement.strip(), re.IGNORECASE)
    return found[1] if found else ""


def _plain(token: re.Match[str]) -> str:
    """What a token may hold must not look like SQL. A comment that MariaDB executes is no comment."""
    if token["executed"]:
        return ";EXECUTED COMMENT "
    return token["name"].replace(";", " ") if token["name"] else "''" if token["text"] else " "


class MariaDBWitness(Witness):
    """See Note [Prevented, not proven]."""

    proof = "prevented, not proven"

    def __init__(self, dialect: Dialect, temporary: Container[str]) -> None:
        self.dialect, self._temporary = dialect, temporary
        self.dialect.execute(f"SAVEPOINT {_SAVEPOINT}")
        self._known = self._deleted()

    def assert_nothing_deleted(self, inserted: Mapping[str, int], besides: Mapping[str, int] = NOTHING) -> None:
        """See Witness. MariaDB counts the rows of all tables together."""
        if guilty := self._deleted() - self._known - sum(besides.values()):
            raise DeletionDetected(
                f"{guilty} rows were removed while the import was writing. Everything was rolled back. Look for a "
                "trigger or a hook; MariaDB does not tell from which table."
            )
        try:
            self.dialect.execute(f"RELEASE SAVEPOINT {_SAVEPOINT}")
        except DatabaseError as error:
            if error.args[:1] != (_NO_SUCH_SAVEPOINT,):
                raise
            raise VerificationFailed(
                "Something committed in the middle of the import: a hook that went past Django with DDL or LOCK "
                "TABLES. What was written before that is in the database; restore the backup."
            ) from error

    def assert_keys_kept(self, updated: Mapping[str, int]) -> None:
        """MariaDB tells nothing of other records than those that are compared with the plan."""

    def forgiving(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        """Wraps the execution of a statement: what it deletes from our temporary tables does not count."""
        if removed_from(sql) not in self._temporary:
            return execute(sql, params, many, context)
        before = self._deleted()
        result = execute(sql, params, many, context)
        self._known += self._deleted() - before
        return result

    def _deleted(self) -> int:
        return int(self.dialect.rows("SHOW SESSION STATUS LIKE 'Handler_delete'")[0][1])


@contextmanager
def witness(dialect: Dialect, temporary: Container[str]) -> Iterator[Witness]:
    """Guards the data transaction that has just begun."""
    found = MariaDBWitness(dialect, temporary)
    with dialect.connection.execute_wrapper(found.forgiving):
        yield found
