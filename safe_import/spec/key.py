"""The natural key by which an existing record is recognised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from safe_import.errors import SpecError

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, init=False)
class Key:
    """The fields that together name one record.

    Args:
        *fields: names of fields of the model; a link may be one of them.
        casefold: compare text without regard to case (``Ada@x.org`` is ``ADA@X.ORG``). What is stored is not rewritten.
    """

    fields: tuple[str, ...]
    casefold: bool

    def __init__(self, *fields: str, casefold: bool = False) -> None:
        if not fields:
            raise SpecError("A key needs at least one field.")
        object.__setattr__(self, "fields", fields)
        object.__setattr__(self, "casefold", casefold)

    @classmethod
    def every_row(cls) -> Key:
        """The key of records that have none: every row is a new record. Run again, it creates them all again."""
        key = object.__new__(cls)
        object.__setattr__(key, "fields", ())
        object.__setattr__(key, "casefold", False)
        return key

    @classmethod
    def of(cls, key: Key | str | Sequence[str]) -> Key:
        """A key from any of the accepted spellings: ``"email"``, ``("ladder", "code")``, ``Key(...)``."""
        if isinstance(key, Key):
            return key
        return cls(key) if isinstance(key, str) else cls(*key)
