"""A row of a history file, and which of its columns an event of each type keeps."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field

from commands.people.imports.cells import Code, Name
from commands.people.models import PayBand
from commands.people.models.history import EventType
from commands.people.models.ladders import Stage
from safe_import.spec import Row
from safe_import.types import Choice, Date, Email, Invalid, Json, Number, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

Values = dict[str, Any]

PAY = frozenset({EventType.PAY_CHANGE.value, EventType.BONUS_PAYOUT.value})
SENIORITY = frozenset({EventType.SENIORITY_CHANGE.value, EventType.MAPPING.value})

_PAY_COLUMNS = {"pay_band_number", "salary_change", "bonus_percentage"}
_SENIORITY_COLUMNS = {"ladder_code", "ladder_title", "overall_score", "aspect_details", "aspect_stages"}
_KEPT: Mapping[str, set[str]] = {
    EventType.PAY_CHANGE.value: _PAY_COLUMNS,
    EventType.BONUS_PAYOUT.value: {*_PAY_COLUMNS, "performance_label"},
    EventType.EVALUATION.value: {"performance_label"},
    EventType.SENIORITY_CHANGE.value: _SENIORITY_COLUMNS,
    EventType.MAPPING.value: _SENIORITY_COLUMNS,
    EventType.LADDER_CHANGED.value: {"ladder_code"},
}
_CENT = Decimal("0.01")
_HIGHEST_SCORE = Decimal(9999)


def _details(value: object) -> Values:
    """The level of each aspect: numbers, as the file has them."""
    levels = _by_aspect(value, "an object such as {aspect: level} is expected")
    for level in levels.values():
        if isinstance(level, bool) or not isinstance(level, int | float) or abs(level) > _HIGHEST_SCORE:
            raise Invalid("not_a_level", "the level of every aspect must be a number")
    return levels


def _stages(value: object) -> Values:
    """The stage of each aspect, spelled as the choices are."""
    stages = _by_aspect(value, "an object such as {aspect: stage} is expected")
    spelled = {aspect: stage.strip().upper() if isinstance(stage, str) else stage for aspect, stage in stages.items()}
    if not all(stage in Stage.values for stage in spelled.values()):
        raise Invalid("not_a_stage", f"the stage of every aspect must be one of {', '.join(Stage.values)}")
    return spelled


def _by_aspect(value: object, message: str) -> Values:
    if not isinstance(value, dict):
        raise Invalid("not_an_object", message)
    return value


def _in_steps(number: Decimal | None) -> Decimal | None:
    if number is not None and number % PayBand.STEP:
        raise Invalid("not_a_step", f"pay bands go in steps of {PayBand.STEP}")
    return number


class HistoryRow(Row):
    """Something that happened to a person on a day."""

    email: Email = Field(validation_alias="user_email")
    event_type: Choice[EventType] = Field(validation_alias="event_type")
    summary: Text | None = Field(None, validation_alias="summary_text")
    date: Date = Field(validation_alias="event_date")
    ladder_code: Code | None = Field(None, validation_alias="ladder_code")
    ladder_title: Name | None = Field(None, validation_alias="ladder_title")
    overall_score: Number | None = Field(None, validation_alias="overall_score", max_digits=6, decimal_places=2)
    aspect_details: Annotated[Json, AfterValidator(_details)] = Field(None, validation_alias="aspect_details_json")
    aspect_stages: Annotated[Json, AfterValidator(_stages)] = Field(None, validation_alias="aspect_stages_json")
    pay_band_number: Annotated[Number | None, AfterValidator(_in_steps)] = Field(
        None, validation_alias="pay_band_number", ge=0, max_digits=5, decimal_places=1
    )
    salary_change: Number | None = Field(None, validation_alias="salary_change", max_digits=14, decimal_places=2)
    bonus_percentage: Number | None = Field(None, validation_alias="bonus_percentage", max_digits=6, decimal_places=2)
    performance_label: Text | None = Field(None, validation_alias="performance_label")

    @property
    def score(self) -> Decimal | None:
        """The overall score: the file's own, else the mean of the details."""
        if self.overall_score is not None or not self.aspect_details:
            return self.overall_score
        levels = [Decimal(str(level)) for level in self.aspect_details.values()]
        return (sum(levels, Decimal(0)) / len(levels)).quantize(_CENT, ROUND_HALF_UP)

    def superfluous(self) -> list[str]:
        """The fields that the row brings although no record of an event of its type has a place for them."""
        kept = _KEPT.get(self.event_type, set())
        optional = _PAY_COLUMNS | _SENIORITY_COLUMNS | {"performance_label"}
        unkept = [name for name in type(self).model_fields if name in self.model_fields_set & (optional - kept)]
        if self.summary and self.performance_label and "performance_label" in kept:
            unkept.append("performance_label")  # its place is in the summary that is made
        return unkept
