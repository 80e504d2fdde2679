"""The functions that SQLite lacks, registered on a connection under names of ours."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import orjson

from safe_import.database.folding import fold


def register(raw: Any) -> None:
    """Makes si_fold, si_hash and si_unquote known to a ``sqlite3.Connection``; doing so again changes nothing."""
    raw.create_function("si_fold", 2, _fold, deterministic=True)
    raw.create_function("si_hash", -1, _hash, deterministic=True)
    raw.create_function("si_unquote", 1, unquote, deterministic=True)


def _fold(text: Any, casefold: int) -> str | None:
    return None if text is None else fold(str(text), bool(casefold))


def _hash(*values: Any) -> str:
    """What a journal keeps must be the same for ever, but an exponent is written in several ways, or not at all.

    Infinity is null in JSON, and NULL as well.
    """
    text = orjson.dumps(values, default=_blob)
    if _MAY_DIFFER(text):
        text = orjson.dumps([{"real": repr(v)} if isinstance(v, float) else v for v in values], default=_blob)
    return hashlib.sha256(text).hexdigest()


_MAY_DIFFER = re.compile(rb"null|[0-9]e|0\.0000").search


def _blob(value: bytes) -> dict[str, str]:
    return {"blob": value.hex()}


def unquote(literal: str | None) -> Any:
    """The value of a literal as ``quote()`` writes it: text, blob, integer, real or NULL
    (https://sqlite.org/lang_corefunc.html#quote).
    """
    if literal is None or literal == "NULL":
        return None
    if literal.startswith("'"):
        return literal[1:-1].replace("''", "'")
    if literal.startswith(("X'", "x'")):
        return bytes.fromhex(literal[2:-1])
    try:
        return int(literal)
    except ValueError:
        return float(literal.replace("Inf", "inf"))
