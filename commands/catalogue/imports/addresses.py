"""Which addresses of the web are worth keeping. Whether anything answers there is not asked."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_HOST = re.compile(r"[^\W_](?:[\w-]*[^\W_])?(?:\.[^\W_](?:[\w-]*[^\W_])?)+").fullmatch
_NEVER_IN_ADDRESSES = re.compile(r'[\x00-\x1f\x7f"<>\\^`{|}]').search
# What programs put into the place of a file that they did not find.
_PLACEHOLDER = re.compile(r"(?:not found|undefined|null|none|nan)/?", re.IGNORECASE).fullmatch


def fault_of(address: str) -> str:
    """Return what is wrong with an address; "" when it is sound.

    A blank in its path is no fault: the directory has many, and every browser encodes them.
    """
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "no address of the web"
    if parts.scheme not in ("http", "https") or not _HOST(host) or _NEVER_IN_ADDRESSES(address):
        return "no address of the web (http or https)"
    if _PLACEHOLDER(re.split(r"[/.=]", parts.path.rstrip("/"))[-1]):
        return "the address of something that was not found"
    return ""
