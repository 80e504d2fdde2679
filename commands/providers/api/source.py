"""What the API says, compared with what is here, as rows of an import.

A provider is a row, and so is each of its games. A game that the API no longer has is a row that disables it. What
could not be had is a row that is rejected: it is reported and counted like every other, and the rest goes on.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from commands.providers.api.fetch import Answer, fetch
from commands.providers.imports.sync import COLUMNS, folded
from commands.providers.models import WALLET_PREFIX, Game, Provider
from commands.providers.places import Places
from safe_import.database.folding import fold
from safe_import.records import Problem
from safe_import.sources import BrokenRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from commands.providers.api.access import Access
    from safe_import.sources import Cells

_Row = dict[str, Any]
_LONGEST_NAME = 80


class ApiSource:
    """The rows of a sync. It is asked when the first row is wanted, which is when the run holds its lock.

    Args:
        access: where the API is.
        variants: {name of the API: name here}; other names are the same here.
        alias: of the database that is compared.
        accept_shrink: whether a provider may lose more than half of its games.
        tell: as of ``fetch``.

    Attributes:
        complete: the providers all of whose games the API gave, as far as the rows were read.
    """

    header_line = 0

    def __init__(
        self,
        access: Access,
        variants: Mapping[str, str],
        *,
        alias: str = "default",
        accept_shrink: bool = False,
        tell: Callable[[int, int], object] = lambda *_: None,
    ) -> None:
        self._access, self._variants, self._alias = access, variants, alias
        self._accept_shrink, self._tell = accept_shrink, tell
        self.label = access.host
        self.complete: set[str] = set()
        self._places = Places()

    def header(self) -> Sequence[str]:
        """Return the columns of all rows."""
        return COLUMNS

    def lines(self) -> Iterator[tuple[int, Cells | BrokenRow]]:
        """Yield all rows; they count from 1."""
        self._places = Places()
        for line, row in enumerate(self._rows(), 1):
            if isinstance(row, str) or "complete" in row:
                self._places.begin(line - 1, "")  # where the games of the provider before end
            if isinstance(row, str):
                yield line, BrokenRow(Problem(line, None, "provider_failed", row))
            else:
                if "complete" in row:
                    self._places.begin(line, row["provider"])
                yield line, [row.get(name) for name in COLUMNS]

    def place(self, line: int) -> str:
        """Return which game of which provider a row is."""
        number, provider = self._places.of(line)
        return f"game {number} of {_named(provider)}" if number else ""

    def sha256(self) -> str:
        """Return the SHA-256 of the answers, in hex."""
        answers = [[each.variant, each.failure, [game.values() for game in each.games]] for each in self._answers]
        return hashlib.sha256(json.dumps(answers).encode()).hexdigest()

    def close(self) -> None:
        """Nothing is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # -- the rows

    @cached_property
    def _answers(self) -> list[Answer]:
        return fetch(self._access, self._tell)

    def _rows(self) -> Iterator[_Row | str]:
        known = self._known()
        for name, answers in self._by_provider(known).items():
            yield from self._rows_of(name, answers, known.get(folded(name), {}))

    def _by_provider(self, known: Mapping[str, dict[str, str]]) -> dict[str, list[Answer]]:
        """The answers for each provider; none for one that was synced before, and is not listed any more."""
        names: dict[str, str] = {}
        found: defaultdict[str, list[Answer]] = defaultdict(list)
        for answer in self._answers:
            name = self._variants.get(answer.variant, answer.variant)
            found[names.setdefault(folded(name), name)].append(answer)
        synced = Provider._base_manager.using(self._alias).exclude(last_synced=None).order_by("provider_name")
        for name in synced.values_list("provider_name", flat=True):
            if folded(name) not in names and known.get(folded(name)):
                found[name] = []
        return found

    def _rows_of(self, name: str, answers: Sequence[Answer], known: dict[str, str]) -> Iterator[_Row | str]:
        games, doubled = _merged(answers)
        if doubled:
            yield f"provider {_named(name)}: the answer has {doubled} twice, with different values"
            return
        gone = sorted(known[key] for key in known.keys() - games.keys())
        failures = self._failures(name, answers, gone)
        yield from failures
        if answers and all(each.failure for each in answers):
            return
        if not failures and not self._accept_shrink and len(games) * 2 < len(known):
            counts = f"{len(games):,} games, where {len(known):,} are enabled here"
            yield f"provider {_named(name)}: {counts}; --accept-shrink takes that"
            return
        yield {"provider": name, "complete": not failures}
        yield from ({"provider": name, **values} for values in games.values())
        if not failures:
            self.complete.add(name)
            yield from ({"provider": name, "game_id": each, "enabled": False} for each in gone)

    def _failures(self, name: str, answers: Sequence[Answer], gone: Sequence[str]) -> list[str]:
        """Why not all of a provider was had; a name that is not listed matters where games would be disabled for it."""
        failures = [f"provider {_named(each.variant)}: {each.failure}" for each in answers if each.failure]
        if answers and gone and not self._accept_shrink:
            listed = {each.variant for each in answers}
            of_provider = [each for each, provider in self._variants.items() if folded(provider) == folded(name)]
            reason = "the mapping file has this name, the API does not list it; --accept-shrink takes that"
            failures += [f"provider {_named(each)}: {reason}" for each in of_provider if each not in listed]
        return failures

    def _known(self) -> dict[str, dict[str, str]]:
        """The games that are enabled here, by provider and id as both are compared; not those that no API knows."""
        known: defaultdict[str, dict[str, str]] = defaultdict(dict)
        enabled = Game._base_manager.using(self._alias).filter(enabled=True).exclude(game_id__startswith=WALLET_PREFIX)
        for provider, game in enabled.order_by().values_list("provider__provider_name", "game_id").iterator():
            known[folded(provider)][_compared(game)] = game
        return known


def _named(name: str) -> str:
    """A name as messages have it: nobody wants to read one of a million characters."""
    return repr(name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}...")


def _compared(game_id: str) -> str:
    return fold(game_id, False)


def _merged(answers: Sequence[Answer]) -> tuple[dict[str, _Row], str]:
    """The games of all variants by their id, equal ones once; and what is there twice and differs, if anything."""
    games: dict[str, _Row] = {}
    for answer in answers:
        for number, game in enumerate(answer.games, 1):
            values = game.values()
            if games.setdefault(_compared(values["game_id"]), values) != values:
                return games, f"the id of game {number} of {_named(answer.variant)}"
    return games, ""
