"""What happened to people: events, and the snapshots of pay and seniority that belong to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from commands.people.checks import HISTORY
from commands.people.imports.history_row import PAY, SENIORITY, HistoryRow
from commands.people.imports.history_summary import label_in, replaces, summary_of
from commands.people.imports.org_structure import USER_KEY
from commands.people.imports.pay_bands import PayBands
from commands.people.models import (
    CompensationSnapshot,
    Ladder,
    LadderAspect,
    PayBand,
    SenioritySnapshot,
    TimelineEvent,
    User,
)
from commands.people.models.history import EventType
from safe_import.spec import ImportSpec, Key, Link, Lookup, NoOptions, own, target

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Self

    from django.db.models import QuerySet

    from safe_import.spec.target import Mode, Record


class HistoryOptions(NoOptions):
    """What becomes of events that exist."""

    skip_duplicates: bool = Field(False, description="skip events that exist, and count them (the default)")
    update_existing: bool = Field(False, description="update events that exist")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.skip_duplicates and self.update_existing:
            raise ValueError("skip_duplicates and update_existing exclude each other")
        return self


def _mode(options: HistoryOptions) -> Mode:
    return "upsert" if options.update_existing else "insert"


_USER = Link(User, USER_KEY)


class HistoryImport(ImportSpec):
    """Events with their snapshots; a snapshot is recognised by its event, so it never doubles."""

    name = "history"
    row = HistoryRow
    Options = HistoryOptions
    group_by = Key("email", casefold=True)
    order_by = ("date",)
    checks = HISTORY

    stored_summary = Lookup(  # None: a new event
        TimelineEvent,
        {"user__email": "email", "event_type": "event_type", "effective_date": "date"},
        value="summary_text",
        casefold=True,
    )
    bands = Lookup(
        CompensationSnapshot,
        {"user__email": "email"},
        value=("source_event__event_type", "effective_date", "pay_band__number"),
        casefold=True,
        many=True,
        order_by=("effective_date", "pk"),
    )
    ladder = Lookup(Ladder, {"code": "ladder_code"}, value="name")
    aspects = Lookup(
        LadderAspect, {"ladder__code": "ladder_code"}, value=("code", "name"), many=True, order_by=("order", "code")
    )

    def derive(self, rows: Sequence[HistoryRow]) -> None:
        """Judge the rows of one person, carry their pay band forward, and put into words what happened."""
        bands = PayBands(rows[0].found["bands"])
        for row in rows:
            _judge(row)
            skipped = row.found["stored_summary"] is not None and not self.options.update_existing
            if row.event_type in PAY and row.pay_band_number is not None and not (skipped or row.refusals):
                bands.learn(row.event_type, row.date, row.pay_band_number)
        for row in rows:
            if not row.refusals:
                _complete(row, bands)

    @target(PayBand, key="number", mode="insert", columns={"number": "pay_band_number"})
    def pay_bands(self, row: HistoryRow) -> Iterator[Record]:
        if row.event_type in PAY and row.pay_band_number is not None:
            yield {"number": row.pay_band_number}

    @target(
        TimelineEvent,
        key=("user", "event_type", "effective_date"),
        mode=_mode,
        main=True,
        links={"user": _USER},
        columns={"user": "email", "effective_date": "date", "summary_text": "summary"},
    )
    def events(self, row: HistoryRow) -> Iterator[Record]:
        event = {"user": row.email, "event_type": row.event_type, "effective_date": row.date}
        yield event | ({"summary_text": row.summary} if row.summary else {})

    @target(
        CompensationSnapshot,
        key="source_event",
        links={"user": _USER, "pay_band": Link(PayBand, "number", hold=False)},
        columns={"user": "email", "pay_band": "pay_band_number", "effective_date": "date"},
    )
    def compensation(self, row: HistoryRow) -> Iterator[Record]:
        if row.event_type in PAY:
            band = {} if row.pay_band_number is None else {"pay_band": row.pay_band_number}
            yield _about(row) | band | row.brought("salary_change", "bonus_percentage")

    @target(
        SenioritySnapshot,
        key="source_event",
        links={"user": _USER, "ladder": Link(Ladder, "code", hold=False)},
        columns={
            "user": "email",
            "ladder": "ladder_code",
            "title": "ladder_title",
            "details_json": "aspect_details",
            "stages_json": "aspect_stages",
            "effective_date": "date",
        },
    )
    def seniority(self, row: HistoryRow) -> Iterator[Record]:
        if row.event_type in SENIORITY:
            values = {
                "ladder": row.ladder_code,
                "title": row.ladder_title,
                "overall_score": row.score,
                "details_json": row.aspect_details,
                "stages_json": row.aspect_stages,
            }
            yield _about(row) | {name: value for name, value in values.items() if value is not None}

    def clear(self) -> Iterator[QuerySet[Any]]:
        """Snapshots, then the events that they belong to; pay bands stay."""
        yield SenioritySnapshot.objects.all()
        yield CompensationSnapshot.objects.all()
        yield TimelineEvent.objects.all()


def _about(row: HistoryRow) -> dict[str, Any]:
    """What every snapshot has."""
    return {"user": row.email, "effective_date": row.date, "source_event": own(TimelineEvent)}


def _judge(row: HistoryRow) -> None:
    """Refuse a row that lacks what an event of its type needs, or names aspects that its ladder does not have."""
    for name in row.superfluous():
        row.warn("not_kept", "no record that this row brings has a place for it; not imported", field=name)
    if row.event_type == EventType.BONUS_PAYOUT.value and row.bonus_percentage is None:
        row.refuse("required", "a bonus payout needs a bonus", field="bonus_percentage")
    if row.event_type == EventType.PAY_CHANGE.value and row.pay_band_number is None and row.salary_change is None:
        row.refuse("required", "a pay change needs a pay band, or a change of the salary", field="pay_band_number")
    if row.event_type in SENIORITY:
        _judge_aspects(row)
    elif row.event_type == EventType.LADDER_CHANGED.value and row.ladder_code and row.found["ladder"] is None:
        row.refuse("link_missing", "no ladder has this code; import the ladder first", field="ladder_code")


def _judge_aspects(row: HistoryRow) -> None:
    if row.ladder_code is None:
        row.refuse("required", "a change of seniority needs its ladder", field="ladder_code")
        return
    known = dict(row.found["aspects"])
    if row.found["ladder"] is None:
        return  # the link of the snapshot says so
    for name in ("aspect_details", "aspect_stages"):
        if not known.keys() >= (getattr(row, name) or {}).keys():
            aspects = ", ".join(known) or "none at all"
            row.refuse("unknown_aspect", f"the ladder does not have this aspect; it has {aspects}", field=name)


def _complete(row: HistoryRow, bands: PayBands) -> None:
    """Fill in the summary, unless the file has its own, and the pay band that a row without one carries forward."""
    if not row.summary:
        stored = row.found["stored_summary"] or ""
        row.performance_label = row.performance_label or label_in(stored, row.event_type)
        made = summary_of(row, bands.before(row.date), row.found["ladder"] or "", dict(row.found["aspects"]))
        row.summary = made if replaces(made, stored, row) else None
    if row.event_type in PAY and row.pay_band_number is None:
        row.pay_band_number = bands.on(row.date)
