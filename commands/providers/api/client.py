"""Asks the API, again where a failure may pass. What can't be had is a ``RequestFailed`` with a reason in words."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import httpx

from safe_import import strict_json

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from commands.providers.api.access import Access

_TOO_MANY_REQUESTS, _SERVER_ERRORS = 429, 500
_chance = random.SystemRandom()


class RequestFailed(Exception):
    """An answer could not be had, or is none. The message holds nothing of it."""


class _MayPass(RequestFailed):
    """The same request may go well later; after ``wait`` seconds, if the API said so."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class Client:
    """Requests to the API, so many at a time as ``access`` allows."""

    def __init__(self, http: httpx.AsyncClient, access: Access) -> None:
        self._http, self._access = http, access
        self._turn = asyncio.Semaphore(access.concurrency)

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """Return what the JSON of an answer holds.

        Raises:
            RequestFailed: after the last attempt, or at once where another one is pointless.
        """
        for attempt in range(1, self._access.attempts + 1):
            try:
                async with self._turn:
                    return await self._attempt(path, params)
            except _MayPass as failure:
                if attempt == self._access.attempts:
                    raise RequestFailed(f"{failure}{_after(attempt)}") from None
                wait = self._wait(attempt, failure)
            await asyncio.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    async def _attempt(self, path: str, params: Mapping[str, str] | None) -> Any:
        limit = self._access.timeout
        try:
            async with asyncio.timeout(limit), self._http.stream("GET", path, params=params) as response:
                _judge(response)
                body = await self._body(response)
        except (TimeoutError, httpx.TimeoutException):
            raise _MayPass(f"no whole answer within {limit:g} s") from None
        except httpx.TransportError as error:
            raise _MayPass(f"the connection failed ({type(error).__name__})") from None
        except httpx.RequestError as error:
            raise RequestFailed(f"the answer can't be unpacked ({type(error).__name__})") from None
        return _parsed(body)

    async def _body(self, response: httpx.Response) -> bytes:
        body, limit = bytearray(), self._access.largest_answer
        async for part in response.aiter_bytes():
            body += part
            if len(body) > limit:
                raise RequestFailed(f"the answer has more than {limit:,} bytes")
        return bytes(body)

    def _wait(self, attempt: int, failure: _MayPass) -> float:
        """Seconds before the next attempt: what the API asks for; else longer every time, and by chance."""
        longest = self._access.longest_wait
        if failure.wait is None:
            wait = min(self._access.first_wait * 2.0 ** (attempt - 1), longest)
            return _chance.uniform(wait / 2, wait)
        if failure.wait > longest:
            raise RequestFailed(f"{failure}, and the API asks to wait for more than {longest:g} s") from None
        return failure.wait


@asynccontextmanager
async def open_client(access: Access) -> AsyncIterator[Client]:
    """A client that says who we are. It follows no redirect: the secret is for this address alone."""
    headers = {"X-Operator-Id": access.operator, "X-Authorization": access.secret.get_secret_value()}
    limits = httpx.Limits(max_connections=access.concurrency)
    async with httpx.AsyncClient(
        base_url=access.url, headers=headers, timeout=access.timeout, limits=limits, follow_redirects=False
    ) as http:
        yield Client(http, access)


def _judge(response: httpx.Response) -> None:
    status = response.status_code
    if status == _TOO_MANY_REQUESTS or status >= _SERVER_ERRORS:
        raise _MayPass(f"HTTP {status}", _retry_after(response.headers.get("Retry-After", "")))
    if status != httpx.codes.OK:
        raise RequestFailed(f"HTTP {status}")


def _retry_after(value: str) -> float | None:
    """The seconds that the header asks for, in either of its forms; None where it has neither."""
    if value.isascii() and value.isdigit():
        return float(value[:10])
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):  # the latter of a year or an offset with too many digits
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return max(0.0, (moment - dt.datetime.now(dt.UTC)).total_seconds())


def _parsed(body: bytes) -> Any:
    try:
        return strict_json.loads(body.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise RequestFailed("the answer is not UTF-8") from None
    except ValueError as error:
        raise RequestFailed(f"the answer can't be read: {error}") from None


def _after(attempts: int) -> str:
    return f" ({attempts} attempts)" if attempts > 1 else ""
