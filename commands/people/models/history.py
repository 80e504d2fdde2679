"""What happened to a person, and what it left behind.

History protects its person, its pay band and its ladder (PROTECT): a record of the past names what it was about. A
snapshot is nothing but the effect of its event, so it goes with the event (CASCADE), and an event has at most one.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models

from commands.people.models.ladders import Ladder
from commands.people.models.organization import PayBand


class EventType(models.TextChoices):
    """The kinds of events."""

    SENIORITY_CHANGE = "SENIORITY_CHANGE", "Seniority change"
    PAY_CHANGE = "PAY_CHANGE", "Pay change"
    BONUS_PAYOUT = "BONUS_PAYOUT", "Bonus payout"
    EVALUATION = "EVALUATION", "Evaluation"
    MAPPING = "MAPPING", "Mapping"
    TITLE_CHANGE = "TITLE_CHANGE", "Title change"
    STOCK_GRANT = "STOCK_GRANT", "Stock grant"
    NOTICE = "NOTICE", "Notice"
    LADDER_CHANGED = "LADDER_CHANGED", "Ladder changed"


class TimelineEvent(models.Model):
    """Something that happened to a person on a day; a day has at most one event of a type."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="events")
    event_type = models.CharField(max_length=16, choices=EventType)
    summary_text = models.TextField(blank=True)
    effective_date = models.DateField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="created_events"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "event_type", "effective_date"], name="timelineevent_one_of_a_type_a_day"
            )
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.effective_date}"


class CompensationSnapshot(models.Model):
    """A person's pay since a day. A bonus paid before any pay band was known leaves ``pay_band`` empty."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="compensation_snapshots")
    pay_band = models.ForeignKey(PayBand, models.PROTECT, null=True, blank=True, related_name="compensation_snapshots")
    salary_change = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    bonus_percentage = models.DecimalField(max_digits=6, decimal_places=2, null=True, blank=True)
    effective_date = models.DateField()
    source_event = models.OneToOneField(TimelineEvent, models.CASCADE, related_name="compensation_snapshot")

    def __str__(self) -> str:
        return f"compensation at {self.effective_date}"


class SenioritySnapshot(models.Model):
    """A person's place on a ladder since a day: level and stage for each aspect."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="seniority_snapshots")
    ladder = models.ForeignKey(Ladder, models.PROTECT, related_name="seniority_snapshots")
    title = models.CharField(max_length=256, blank=True)
    overall_score = models.DecimalField(max_digits=6, decimal_places=2, null=True, blank=True)
    details_json = models.JSONField(default=dict, blank=True)
    stages_json = models.JSONField(default=dict, blank=True)
    effective_date = models.DateField()
    source_event = models.OneToOneField(TimelineEvent, models.CASCADE, related_name="seniority_snapshot")

    def __str__(self) -> str:
        return f"seniority at {self.effective_date}"
