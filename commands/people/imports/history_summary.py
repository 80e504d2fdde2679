"""The sentence that says what an event was, where the file does not say it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from commands.people.models.history import EventType

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from commands.people.imports.history_row import HistoryRow


# What ``summary_of`` makes; anything else was worded by a person.
_MADE = {
    EventType.PAY_CHANGE.value: r"Pay band [\d.]+( -> [\d.]+ \([+-][\d.]+\))?|Salary [+-][\d,.]+",
    EventType.BONUS_PAYOUT.value: r"Bonus -?[\d.]+ %(: (?P<label>.+))?",
    EventType.EVALUATION.value: r"Evaluation(: (?P<label>.+))?",
    EventType.MAPPING.value: r"Mapped to .+",
    EventType.SENIORITY_CHANGE.value: r"Seniority in .+",
    EventType.LADDER_CHANGED.value: r"Ladder changed( to .+)?",
}


def summary_of(row: HistoryRow, band_before: Decimal | None, ladder: str, aspects: Mapping[str, str]) -> str:
    """Say what happened.

    Args:
        row: the event, with nothing carried forward yet.
        band_before: the pay band before the event.
        ladder: the name of the ladder that the row names.
        aspects: code -> name of the aspects of that ladder, in its order.
    """
    match row.event_type:
        case EventType.PAY_CHANGE:
            return _pay_change(row, band_before)
        case EventType.BONUS_PAYOUT:
            return _labelled(f"Bonus {_plain(row.bonus_percentage)} %", row)
        case EventType.MAPPING:
            return _placed(f"Mapped to {ladder}", row, aspects)
        case EventType.SENIORITY_CHANGE:
            return _placed(f"Seniority in {ladder}", row, aspects)
        case EventType.LADDER_CHANGED if ladder:
            return f"Ladder changed to {ladder}"
    return _labelled(str(EventType(row.event_type).label), row)


def label_in(summary: str, event_type: str) -> str | None:
    """Return the performance label that a summary was made with."""
    found = re.fullmatch(_MADE.get(event_type, ""), summary, re.DOTALL)
    return found.groupdict().get("label") if found else None


def replaces(made: str, stored: str, row: HistoryRow) -> bool:
    """Return whether a summary that was made may take the place of the stored one.

    A file without a summary brings none: the words of a person stay, and so does a summary that tells more.
    """
    tells_more = stored.startswith(made) or (row.pay_band_number is None and stored.startswith("Pay band "))
    return not stored or (not tells_more and bool(re.fullmatch(_MADE.get(row.event_type, ""), stored, re.DOTALL)))


def _pay_change(row: HistoryRow, before: Decimal | None) -> str:
    band = row.pay_band_number
    if band is None:
        return f"Salary {row.salary_change:+,.2f}"
    if before is None:
        return f"Pay band {_plain(band)}"
    return f"Pay band {_plain(before)} -> {_plain(band)} ({band - before:+.1f})"


def _placed(text: str, row: HistoryRow, aspects: Mapping[str, str]) -> str:
    """The text, with level and stage of each aspect that the row names."""
    details, stages = row.aspect_details or {}, row.aspect_stages or {}
    places = []
    for code, name in aspects.items():
        level = f" {details[code]:g}" if code in details else ""
        stage = f" ({stages[code]})" if code in stages else ""
        if level or stage:
            places.append(f"{name}{level}{stage}")
    return f"{text}: {', '.join(places)}" if places else text


def _labelled(text: str, row: HistoryRow) -> str:
    return f"{text}: {row.performance_label}" if row.performance_label else text


def _plain(number: Decimal | None) -> str:
    """A number without superfluous zeros."""
    return format(number.normalize(), "f") if number is not None else ""
