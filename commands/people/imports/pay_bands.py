"""Which pay band a person had when, over the database and the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands.people.models.history import EventType

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable
    from decimal import Decimal


class PayBands:
    """The pay bands of one person.

    A bonus repeats a pay band that was known when it was imported. A pay change says what the band is, so it counts
    for more than any bonus, however late; that way the order in which files arrive does not matter.

    Args:
        known: (type of the event, its date, number of the pay band) of the snapshots in the database.
    """

    def __init__(self, known: Iterable[tuple[str, dt.date, Decimal | None]]) -> None:
        self._bands = {(kind, date): number for kind, date, number in known if number is not None}

    def learn(self, kind: str, date: dt.date, number: Decimal) -> None:
        """Take over what a row of the file says, in the place of what the database has for the same event."""
        self._bands[kind, date] = number

    def before(self, date: dt.date) -> Decimal | None:
        """The pay band that a change on this day replaces."""
        return self._latest({event: number for event, number in self._bands.items() if event[1] < date})

    def on(self, date: dt.date) -> Decimal | None:
        """The pay band at the end of this day."""
        return self._latest({event: number for event, number in self._bands.items() if event[1] <= date})

    @staticmethod
    def _latest(bands: dict[tuple[str, dt.date], Decimal]) -> Decimal | None:
        latest = max(bands, key=lambda event: (event[0] == EventType.PAY_CHANGE, event[1]), default=None)
        return bands[latest] if latest else None
