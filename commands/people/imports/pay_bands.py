"""Which pay band a person had when, over the database and the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands.people.models.history import EventType

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable
    from decimal import Decimal


class PayBands:
    """The pay bands of one person; the latest by date counts.

    A bonus carries forward a pay band that was known when it was imported. In the database such a repetition is no
    news: if a pay change of an earlier day comes in later, what follows carries the new band. A bonus is news with a
    band that no earlier event has: its file gave it one.

    Args:
        known: (type of the event, its date, number of the pay band) of the snapshots in the database.
    """

    def __init__(self, known: Iterable[tuple[str, dt.date, Decimal | None]]) -> None:
        self._bands: dict[tuple[str, dt.date], Decimal] = {}
        for kind, date, number in sorted(known, key=lambda each: _rank(each[0], each[1], first=True)):
            if number is not None and (kind == EventType.PAY_CHANGE or number not in self._bands.values()):
                self._bands[kind, date] = number

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
        latest = max(bands, key=lambda event: _rank(*event), default=None)
        return bands[latest] if latest else None


def _rank(kind: str, date: dt.date, *, first: bool = False) -> tuple[dt.date, bool]:
    """Of two events of one day, the pay change says what the band is; ``first`` puts it before the other."""
    return date, (kind == EventType.PAY_CHANGE) is not first
