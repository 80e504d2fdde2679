"""The first line against deletions, on every database: a statement that removes rows is refused at its own line.

It reads the statement that Django sends, so it can't see what a trigger or a function does; the witness is the last
line.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from safe_import.errors import DeletionDetected

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from safe_import.database.dialect import Dialect

_COMMENT = r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*"
_REMOVES = re.compile(
    rf"{_COMMENT}(?P<verb>DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?|DROP\s+\w+(?:\s+IF\s+EXISTS)?|ALTER\s+TABLE"
    r"|REPLACE\s+INTO|(?:INSERT|UPDATE)\s+OR\s+REPLACE(?:\s+INTO)?)\s+(?:ONLY\s+)?(?P<what>[^\s(;]+)",
    re.IGNORECASE | re.DOTALL,
)
_TEMPORARY = ("pg_temp.", "temp.")


def refusing_deletions(dialect: Dialect) -> AbstractContextManager[None]:
    """Refuses statements that remove rows or tables, but for temporary ones, while the block runs."""

    def guard(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if refused := dialect.refused(sql):
            raise DeletionDetected(
                f"{refused}. Everything was rolled back; look at the trace in the log for the code that sent it."
            )
        return execute(sql, params, many, context)

    return dialect.connection.execute_wrapper(guard)


def removal(sql: str) -> str | None:
    """Return why a statement is refused that begins by removing rows or a table; None for any other."""
    found = _REMOVES.match(sql)
    if not found or found["what"].startswith(_TEMPORARY):
        return None
    return f"{' '.join(found['verb'].upper().split())} {found['what']} was refused: an import never deletes"
