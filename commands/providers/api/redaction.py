"""Keeps the secret out of what the HTTP client logs: at DEBUG it logs whatever headers a server sends back."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOGGERS = ("httpx", *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy", "socks")))
_MASK = "[secret]"


class _Redacted(logging.Filter):
    def __init__(self, secret: str) -> None:
        super().__init__()
        self._secret = secret

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if self._secret in message:
            record.msg, record.args = message.replace(self._secret, _MASK), ()
        return True


@contextmanager
def redacted(secret: str) -> Iterator[None]:
    """Replaces the secret in every record of the HTTP client's loggers."""
    redaction, loggers = _Redacted(secret), [logging.getLogger(name) for name in _LOGGERS]
    for logger in loggers:
        logger.addFilter(redaction)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(redaction)
