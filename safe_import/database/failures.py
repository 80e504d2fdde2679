"""What a database error means, in words that hold no value: the server's own text may quote a row."""

from __future__ import annotations

import re

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
    "22003": "a number is out of range for its column",
    "22001": "a text is too long for its column, or a key for an index",
    "22021": "a column can't hold a character of a text",
}
_OF_CLASS = {
    "22": "a value does not fit", "23": "a constraint would be broken", "54": "it is beyond a limit of the database",
    "P0": "a trigger or function of the database failed",
}  # fmt: skip
# Connection, state and rollback of the transaction, authorization, resources, other sessions, operators, the system.
_NO_ROW_TO_BLAME = {"08", "25", "26", "28", "40", "53", "55", "57", "58", "F0", "XX"}
_FUNCTION = re.compile(r'PL/\w+ function ([\w."]+\([\w\s,."\[\]]*\))')  # with types, never a value
_ENDED = {"57P01", "57P02", "57P03"}  # the last words to a session that is ended, perhaps after it has committed
# What MariaDB and MySQL name by a number: https://mariadb.com/kb/en/mariadb-error-code-reference/.
_NUMBERED = {
    1205: "55P03", 1213: "40P01", 1020: "40001", 1969: "57014", 1792: "25006", 1048: "23502", 1364: "23502",
    1451: "23503", 1452: "23503", 1062: "23505", 1586: "23505", 4025: "23514", 1644: "P0001", 1021: "53100",
    1114: "53100", 1146: "42P01", 1054: "42703", 1927: "57P01", 1264: "22003", 1406: "22001", 1366: "22021",
    1977: "22021",
}  # fmt: skip
_RACES = {"23505", "23P01"}  # somebody else was the first to bring a key; planned anew, theirs is updated


# The text of MariaDB quotes values; the name of a constraint stands at its end, or behind this word.
_NAMED = re.compile(r"for key '([^']*)'$|CONSTRAINT `([^`]*)`|^CONSTRAINT `?(\w+)`? failed")


def sqlstate(error: DatabaseError | InterfaceError) -> str:
    """The five characters by which PostgreSQL names an error, or would name that of MariaDB; empty for SQLite."""
    if number := _number(error):
        return _NUMBERED.get(number, "")
    cause = error.__cause__
    return str(getattr(cause, "pgcode", None) or getattr(cause, "sqlstate", None) or "")


def _number(error: DatabaseError | InterfaceError) -> int:
    """The number of an error of MariaDB; 0 for other databases."""
    return error.args[0] if error.args and type(error.args[0]) is int else 0


def refers_to_nothing(error: DatabaseError | InterfaceError) -> bool:
    """Whether a foreign key was broken."""
    return sqlstate(error) == "23503" or "FOREIGN KEY constraint failed" in str(error)


def may_pass(error: DatabaseError) -> bool:
    """Whether the same work, begun anew, may succeed: deadlocks, lock timeouts, and races for a unique key."""
    code = sqlstate(error)
    if code:
        return code in _TRANSIENT or code in _RACES
    return "locked" in str(error)  # SQLite: another connection writes


def may_be_of_a_row(error: DatabaseError) -> bool:
    """Whether a record may be at fault: a trigger raised, a constraint would be broken, a value can't be stored."""
    code = sqlstate(error)
    return code[:2] not in _NO_ROW_TO_BLAME if code else isinstance(error, IntegrityError)


def waited_in_vain(error: DatabaseError) -> bool:
    """Whether somebody else held a lock for too long."""
    return sqlstate(error) == "55P03"


def went_away(error: DatabaseError | InterfaceError) -> bool:
    """Whether the server was lost before it answered: then nobody knows what became of a COMMIT."""
    if code := sqlstate(error):
        return code.startswith("08") or code in _ENDED
    return "connection" in str(error)  # the words of the drivers; a file of SQLite is never lost like that


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
    if number := _number(error):
        names = [f"constraint {''.join(name)}" for name in _NAMED.findall(str(error.args[-1]))]
    # Its first line alone is sure to be the server's own; a statement that it quotes may hold a value.
    if function := _FUNCTION.match(getattr(diag, "context", None) or ""):
        names.append(f"function {function[1]}")
    meaning = _TRANSIENT.get(code) or _MEANINGS.get(code) or _OF_CLASS.get(code[:2]) or type(error).__name__
    return f"{meaning} ({', '.join([*names, f'error {number}' if number else f'SQLSTATE {code}'])})"


def _describe_by_text(error: DatabaseError | InterfaceError) -> str:
    """For SQLite, and for a server that is gone before it can tell a code."""
    text, name = str(error), getattr(error.__cause__, "sqlite_errorname", None)
    if name == "SQLITE_CONSTRAINT_TRIGGER":
        return "a trigger of the database refused it"  # in words of its own
    if isinstance(error, IntegrityError) and "constraint failed" in text:
        return text  # SQLite names the constraint and its columns, never a value
    for sign, meaning in (
        ("unable to open", "the database file can't be opened"),
        ("no such table", _MEANINGS["42P01"]),
        ("no such column", _MEANINGS["42703"]),
        ("has no column", _MEANINGS["42703"]),
        ("locked", "a lock timeout"),
        ("interrupted", _MEANINGS["57014"]),
        ("full", "the disk is full"),
        ("transaction timeout", _MEANINGS["25P04"]),
        ("administrator command", _MEANINGS["57P01"]),
        ("connection", "the connection to the server was lost"),
    ):
        if sign in text:
            return meaning
    return f"the database refused it ({name or type(error).__name__})"
