"""A new connection after the old one was lost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from django.db import OperationalError

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

AT_COMMIT = 30.0
"""How many seconds a server is waited for that went away at a commit: nothing else can say what became of it."""

_PAUSE = 0.2


def reconnect(connection: BaseDatabaseWrapper, patience: float = 0.0) -> None:
    """Connect anew, unless the connection is still good.

    Args:
        connection: on which no transaction is open.
        patience: for how many seconds a server that does not answer is asked again; it may be restarting.

    Raises:
        OperationalError: it does not answer.
    """
    if connection.is_usable():
        return
    connection.close()
    ends = time.monotonic() + patience
    while True:
        try:
            connection.ensure_connection()
        except OperationalError:
            if time.monotonic() >= ends:
                raise
            time.sleep(_PAUSE)
        else:
            return
