"""Where the API is, what it knows us by, and how patient we are with it."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Annotated, Any
from urllib.parse import urlsplit

from django.conf import settings
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FilePath, SecretStr, ValidationError

from safe_import.errors import UsageError

_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?").fullmatch


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("an address such as https://api.example.com is expected")
    if parts.username or parts.password:
        raise ValueError("it must hold no password: addresses get into logs")
    if parts.scheme == "http" and not _is_this_machine(parts.hostname):
        raise ValueError("it must begin with https: the secret is not sent unencrypted")
    return url.rstrip("/")


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _sendable(value: str) -> str:
    """Judged here, as a client that can't send it may quote it."""
    if not _HEADER_VALUE(value):
        raise ValueError("printable ASCII is expected, no blank at the ends")
    return value


def _sendable_secret(secret: SecretStr) -> SecretStr:
    _sendable(secret.get_secret_value())
    return secret


class Access(BaseModel):
    """The setting ``PROVIDERS_API``.

    Attributes:
        url: of the API, without ``/api/...``.
        operator, secret: what is sent as ``X-Operator-Id`` and ``X-Authorization``.
        variants: the mapping file, see ``variants``.
        timeout: seconds until an answer has to be there as a whole.
        concurrency: requests under way at the same time.
        attempts: how often a request is made that fails for what may pass.
        first_wait: seconds before the second attempt; each wait is twice as long as the one before.
        longest_wait: seconds, also where the API asks for more: then that provider fails at once.
        largest_answer: in bytes, unpacked.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: Annotated[str, AfterValidator(_address)]
    operator: Annotated[str, AfterValidator(_sendable)]
    secret: Annotated[SecretStr, AfterValidator(_sendable_secret)]
    variants: FilePath | None = None
    timeout: float = Field(30, gt=0)
    concurrency: int = Field(8, ge=1, le=64)
    attempts: int = Field(5, ge=1)
    first_wait: float = Field(1, ge=0)
    longest_wait: float = Field(60, ge=0)
    largest_answer: int = Field(64 * 2**20, ge=1)

    @property
    def host(self) -> str:
        """The name of the API, for messages."""
        return urlsplit(self.url).netloc


def access(**given: Any) -> Access:
    """Return what the setting says, and the command line in its place.

    Raises:
        UsageError: something is missing, or can't be worked with. The message never quotes it.
    """
    chosen = {name: value for name, value in given.items() if value is not None}
    try:
        return Access(**{**settings.PROVIDERS_API, **chosen})
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, each['loc']))}: {_reason(each)}" for each in error.errors(include_input=False)]
        raise UsageError(f"PROVIDERS_API can't be worked with: {'; '.join(wrong)}") from None


def _reason(detail: Any) -> str:
    return str(detail["msg"]).removeprefix("Value error, ")
