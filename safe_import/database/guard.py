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

_WORDS = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)  # texts and comments, which do nothing
_WHAT = r"\s+(?:ONLY\s+)?(?P<what>[^\s(;]+)"
_REPLACES = r"REPLACE\s+INTO|(?:INSERT|UPDATE)\s+OR\s+REPLACE(?:\s+INTO)?"
_REMOVES = re.compile(
    r"\s*(?P<verb>DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?|DROP\s+\w+(?:\s+IF\s+EXISTS)?|ALTER\s+TABLE"
    rf"|{_REPLACES}){_WHAT}",
    re.IGNORECASE,
)
# Words behind which, or within which, another statement stands.
_LEADS = re.compile(r"\s*(?:WITH|EXPLAIN|MERGE)\b", re.IGNORECASE)
_REMOVES_LATER = re.compile(rf"\b(?P<verb>DELETE\s+FROM|{_REPLACES}){_WHAT}", re.IGNORECASE)
_MERGES = re.compile(rf"\b(?P<verb>MERGE\s+INTO){_WHAT}(?=.*\bTHEN\s+DELETE\b)", re.IGNORECASE | re.DOTALL)
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
    """Return why a statement is refused that removes rows or a table; None for any other."""
    bare = _WORDS.sub(" ", sql)
    found = _REMOVES.match(bare)
    if not found and _LEADS.match(bare):
        found = _REMOVES_LATER.search(bare) or _MERGES.search(bare)
    if not found or found["what"].startswith(_TEMPORARY):
        return None
    return f"{' '.join(found['verb'].upper().split())} {found['what']} was refused: an import never deletes"
