"""What a database error means, in words that hold no value: the server's own text may quote a row."""

from __future__ import annotations

from django.db import DatabaseError, IntegrityError, InterfaceError

_TRANSIENT = {"40001": "a conflict with another transaction", "40P01": "a deadlock", "55P03": "a lock timeout"}
_MEANINGS = {
    "57014": "a statement took longer than the statement timeout",
    "25P04": "it took longer than the transaction timeout",
    "57P01": "the session was terminated by an administrator",
    "25006": "something tried to write before the plan was made, while only reading is allowed",
    "23502": "a column that must not be NULL would be",
    "23503": "a record would refer to one that does not exist",
    "23505": "two records would have the same unique key",
    "23514": "a check constraint would be broken",
    "23P01": "an exclusion constraint would be broken",
    "P0001": "a trigger or function of the database refused it",
    "53100": "the disk of the server is full",
    "42P01": "a table is missing: run migrate",
    "42703": "a column is missing: run migrate",
}
_RACES = {"23505", "23P01"}  # somebody else was the first to bring a key; planned anew, theirs is updated


def sqlstate(error: DatabaseError | InterfaceError) -> str:
    """The five characters by which PostgreSQL names an error; empty for other databases."""
    cause = error.__cause__
    return str(getattr(cause, "pgcode", None) or getattr(cause, "sqlstate", None) or "")


def refers_to_nothing(error: DatabaseError | InterfaceError) -> bool:
    """Whether a foreign key was broken."""
    return sqlstate(error) == "23503" or "FOREIGN KEY constraint failed" in str(error)


def may_pass(error: DatabaseError) -> bool:
    """Whether the same work, begun anew, may succeed: deadlocks, lock timeouts, and races for a unique key."""
    code = sqlstate(error)
    if code:
        return code in _TRANSIENT or code in _RACES
    return "locked" in str(error)  # SQLite: another connection writes


def waited_in_vain(error: DatabaseError) -> bool:
    """Whether somebody else held a lock for too long."""
    return sqlstate(error) == "55P03"


def describe(error: DatabaseError | InterfaceError) -> str:
    """What happened, with the names of table and constraint where the server tells them."""
    code = sqlstate(error)
    if not code:
        return _describe_by_text(error)
    diag = getattr(error.__cause__, "diag", None)
    names = [
        f"{word} {name}"
        for word, name in (
            ("table", getattr(diag, "table_name", None)),
            ("column", getattr(diag, "column_name", None)),
            ("constraint", getattr(diag, "constraint_name", None)),
        )
        if name
    ]
    meaning = _TRANSIENT.get(code) or _MEANINGS.get(code) or type(error).__name__
    return f"{meaning} ({', '.join([*names, f'SQLSTATE {code}'])})"


def _describe_by_text(error: DatabaseError | InterfaceError) -> str:
    """For SQLite, and for a server that is gone before it can tell a code."""
    text = str(error)
    if isinstance(error, IntegrityError) and "constraint failed" in text:
        return text  # SQLite names the constraint and its columns, never a value
    for sign, meaning in (
        ("unable to open", "the database file can't be opened"),
        ("no such table", _MEANINGS["42P01"]),
        ("no such column", _MEANINGS["42703"]),
        ("locked", "a lock timeout"),
        ("interrupted", _MEANINGS["57014"]),
        ("full", "the disk is full"),
        ("transaction timeout", _MEANINGS["25P04"]),
        ("administrator command", _MEANINGS["57P01"]),
        ("connection", "the connection to the server was lost"),
    ):
        if sign in text:
            return meaning
    name = getattr(error.__cause__, "sqlite_errorname", None)
    return f"the database refused it ({name or type(error).__name__})"
