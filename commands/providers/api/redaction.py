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
        self._spellings = _spellings(secret)

    def filter(self, record: logging.LogRecord) -> bool:
        message = masked = record.getMessage()
        for spelling in self._spellings:
            masked = masked.replace(spelling, _MASK)
        if masked != message:
            record.msg, record.args = masked, ()
        return True


def _spellings(secret: str) -> list[str]:
    """How a log may spell the secret, the longer spellings first: as it is, and as Python spells texts and bytes."""
    encoded = {secret.encode(encoding, "backslashreplace") for encoding in ("utf-8", "latin-1")}
    both = "'\""  # makes Python escape the apostrophes, as it does where a quote stands in the rest of the header
    spelled = {repr(secret)[1:-1], repr(secret + both)[1:-4]}
    spelled |= {part for each in encoded for part in (repr(each)[2:-1], repr(each + both.encode())[2:-4])}
    return sorted({secret, *spelled} - {""}, key=len, reverse=True)


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
