"""What is promised, as ratios between measurements, and whether it is kept."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from bench.names import (
    BACKUP,
    CASES,
    CREATE,
    DRY_RUN,
    HALF,
    LIBRARY,
    LIBRARY_SKIPPING,
    LIMIT,
    MEMORY,
    NOTHING,
    RESTORE,
    US,
    US_BESIDE,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Found = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Bar:
    """A ratio that may be ``at_most`` or has to be ``at_least`` something."""

    database: str
    what: str
    against: str
    ratio: float
    at_most: float | None = None
    at_least: float | None = None
    unit: str = "x"

    @property
    def met(self) -> bool:
        if self.at_least is not None:
            return self.ratio >= self.at_least
        return self.at_most is None or self.ratio <= self.at_most

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "met": self.met}


def bars(database: str, found: Found) -> list[Bar]:
    """Return the promises for a database, as far as they were measured."""
    seconds = {(each["case"], each["who"], each["rows"]): each["seconds"] for each in found}
    most = max((rows for case, who, rows in seconds if (case, who) == (CREATE, US)), default=0)
    timed = {(case, who): value for (case, who, rows), value in seconds.items() if rows == most}
    return [
        *_against_the_limit(database, timed),
        *_against_the_library(database, found, timed, most),
        *_backups(database, timed),
        *_memory(database, [each for each in found if each["case"] == MEMORY]),
    ]


def _against_the_limit(database: str, timed: Mapping[tuple[str, str], float]) -> Iterator[Bar]:
    on_sqlite = database == "sqlite"
    for case in CASES:
        if (case, LIMIT) in timed:
            at_most = 5.0 if on_sqlite else 3.0 if case == NOTHING else 2.5
            # Nothing is promised on SQLite for a file that changes nothing.
            promised = None if on_sqlite and case == NOTHING else at_most
            yield Bar(database, case, LIMIT, timed[case, US] / timed[case, LIMIT], at_most=promised)
        if (case, "bulk_create") in timed:
            yield Bar(database, case, "bulk_create", timed[case, US] / timed[case, "bulk_create"])
    if (DRY_RUN, US) in timed:
        yield Bar(database, DRY_RUN, "the import", timed[DRY_RUN, US] / timed[CREATE, US], at_most=1.0)


def _against_the_library(
    database: str, found: Found, timed: Mapping[tuple[str, str], float], most: int
) -> Iterator[Bar]:
    """As rows per second, because the library gets fewer rows; both were measured in turns."""
    for each in found:
        if each["who"] in (LIBRARY, LIBRARY_SKIPPING):
            at_least = {CREATE: 5.0, HALF: 40.0, NOTHING: 40.0}[each["case"]]
            faster = (most / timed[each["case"], US_BESIDE]) / (each["rows"] / each["seconds"])
            yield Bar(database, each["case"], each["who"], faster, at_least=at_least, unit="x faster")


def _backups(database: str, timed: Mapping[tuple[str, str], float]) -> Iterator[Bar]:
    for what, rival, at_most in ((BACKUP, "pg_dump", 1.5), (RESTORE, "pg_restore", 2.0), (BACKUP, "dumpdata", None)):
        if (what, rival) in timed:
            yield Bar(database, what, rival, timed[what, US] / timed[what, rival], at_most=at_most)


def _memory(database: str, found: Found) -> Iterator[Bar]:
    if not found:
        return
    small, large = sorted(found, key=lambda each: each["rows"])
    what, against, times = f"{large['rows']:,} rows", f"{small['rows']:,} rows", large["rows"] / small["rows"]
    yield Bar(database, f"time, {what}", against, large["seconds"] / small["seconds"], at_most=1.1 * times)
    yield Bar(database, f"peak memory, {what}", against, large["mib"] / small["mib"], at_most=1.1)
    yield Bar(database, f"peak memory, {what}", "200 MB", large["mib"] * 2**20 / 1e6, at_most=200.0, unit="MB")
