"""Fetches everything that the API has: the names of the providers, and the games of each."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from commands.providers.api.answers import GameAnswer, games_in, providers_in
from commands.providers.api.client import RequestFailed, open_client
from commands.providers.api.redaction import redacted
from safe_import.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from commands.providers.api.access import Access
    from commands.providers.api.client import Client

_BASE = "/api/generic/games/v2"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API said of one name: its games, or why they could not be had."""

    variant: str
    games: Sequence[GameAnswer] = ()
    failure: str = ""


def fetch(access: Access, tell: Callable[[int, int], object] = lambda *_: None) -> list[Answer]:
    """Return what the API says of each of its names, in its order.

    Args:
        access: where it is.
        tell: called with how many names are done, and how many there are.

    Raises:
        SourceError: the names can't be had, or the games of none of them.
    """
    with redacted(access.secret.get_secret_value()):
        try:
            answers = asyncio.run(_fetch(access, tell))
        except RequestFailed as error:
            raise SourceError(f"{access.host}: the list of providers: {error}") from None
    if all(answer.failure for answer in answers):
        raise SourceError(f"{access.host}: no provider could be fetched; the first one: {answers[0].failure}")
    return answers


async def _fetch(access: Access, tell: Callable[[int, int], object]) -> list[Answer]:
    async with open_client(access) as client:
        names = providers_in(await client.get(f"{_BASE}/providers"))
        done = 0

        async def one(name: str) -> Answer:
            nonlocal done
            answer = await _answer(client, name)
            done += 1
            tell(done, len(names))
            return answer

        return list(await asyncio.gather(*map(one, names)))


async def _answer(client: Client, name: str) -> Answer:
    try:
        return Answer(name, games_in(await client.get(f"{_BASE}/list", {"providers": name})))
    except RequestFailed as error:
        return Answer(name, failure=str(error))
