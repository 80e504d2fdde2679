"""The API of the game providers on the two days of ``docs/providers.md``."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.providers.api_server import OPERATOR, SECRET, VARIANTS, Handler, a_game, says, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

SLOTS, LIVE = VARIANTS


@contextmanager
def two_days() -> Iterator[dict[str, str]]:
    """A server, and the environment that names it. The day ends when the names were listed twice."""
    with serving() as api:
        api.games = {SLOTS: [a_game(1), a_game(2)], LIVE: [a_game(3)], "Acme": [a_game(7)], "Bolt": [a_game(42)]}
        today = says({"status": "OK", "data": list(api.games)})
        api.faults[""] = [today, today, _dawns]
        yield {
            "SAFE_IMPORT_PROVIDERS_URL": api.url,
            "SAFE_IMPORT_PROVIDERS_OPERATOR": OPERATOR,
            "SAFE_IMPORT_PROVIDERS_SECRET": SECRET,
            "no_proxy": "*",
        }


def _dawns(handler: Handler) -> None:
    """The next day: one game gone, one new, and Acme can't be had."""
    games = handler.server.games
    games[SLOTS] = [a_game(2), a_game(5)]
    handler.server.faults["Acme"] = [says({}, 404)]
    handler.reply({"status": "OK", "data": list(games)})
