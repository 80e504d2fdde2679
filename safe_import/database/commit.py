"""A transaction that tells a COMMIT without an answer from any other failure."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import DatabaseError, InterfaceError, transaction

from safe_import.database.failures import went_away

if TYPE_CHECKING:
    from collections.abc import Iterator


class CommitUnanswered(Exception):
    """The server went away after the COMMIT was sent. Nobody knows what became of it before somebody looks."""


@contextmanager
def committing(alias: str) -> Iterator[None]:
    """Run the block in a transaction.

    Raises:
        CommitUnanswered: the block was done, and the answer to its COMMIT never came.
    """
    sent = False
    try:
        with transaction.atomic(using=alias):
            yield
            sent = True
    except (DatabaseError, InterfaceError) as error:
        if sent and went_away(error):
            raise CommitUnanswered from error
        raise
