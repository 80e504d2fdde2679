"""Career ladders, their aspects and their levels: three kinds of rows that one file may mix, in any order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AliasChoices, Field, model_validator

from commands.people.checks import LADDERS
from commands.people.imports.cells import Code, Name
from commands.people.models import Ladder, LadderAspect, LadderLevel, TimelineEvent
from commands.people.models.ladders import Stage
from safe_import.spec import ImportSpec, Link, NoOptions, Row, target
from safe_import.types import Choice, Integer, Number, Text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from django.db.models import QuerySet

    from safe_import.spec.target import Record

SmallNumber = Annotated[Integer, Field(le=32767)]

_LADDER = Link(Ladder, "code")


class LadderRow(Row):
    """A ladder."""

    clearable = ("description",)

    code: Code = Field(validation_alias="ladder_code")
    name: Name = Field(validation_alias=AliasChoices("ladder_name", "ladder_title"))
    description: Text | None = Field(None, validation_alias="ladder_description")


class AspectRow(Row):
    """An aspect of a ladder."""

    ladder: Code = Field(validation_alias="ladder_code")
    code: Code = Field(validation_alias="aspect_code")
    name: Name = Field(validation_alias=AliasChoices("aspect_name", "aspect_title"))
    order: SmallNumber | None = Field(None, validation_alias="aspect_order", ge=0)


class LevelRow(Row):
    """A level of an aspect, at one stage."""

    ladder: Code = Field(validation_alias="ladder_code")
    aspect: Code = Field(validation_alias="aspect_code")
    level: SmallNumber = Field(validation_alias=AliasChoices("level", "level_number"), ge=1)
    stage: Choice[Stage] = Field(validation_alias="stage")
    weight: Number | None = Field(None, validation_alias="weight", max_digits=6, decimal_places=2)


class LaddersOptions(NoOptions):
    """Which section of a file is imported; all of them unless one is chosen."""

    ladders_only: bool = Field(False, description="import the ladders alone; skip and count the other rows")
    aspects_only: bool = Field(False, description="import the aspects alone; skip and count the other rows")
    levels_only: bool = Field(False, description="import the levels alone; skip and count the other rows")

    @model_validator(mode="after")
    def _one_section(self) -> Self:
        if self.ladders_only + self.aspects_only + self.levels_only > 1:
            raise ValueError("ladders_only and aspects_only and levels_only exclude each other")
        return self

    def section(self) -> type[Row] | None:
        """The kind of rows that was chosen; None when all are."""
        chosen: dict[type[Row], bool] = {
            LadderRow: self.ladders_only,
            AspectRow: self.aspects_only,
            LevelRow: self.levels_only,
        }
        return next((row for row, only in chosen.items() if only), None)


class LaddersImport(ImportSpec):
    """Ladders land before aspects, aspects before levels, wherever their rows stand."""

    name = "ladders"
    rows = (LadderRow, AspectRow, LevelRow)
    Options = LaddersOptions
    checks = LADDERS

    @target(Ladder, key="code", row=LadderRow)
    def ladders(self, row: LadderRow) -> Iterator[Record]:
        yield row.brought("code", "name", "description")

    @target(LadderAspect, key=("ladder", "code"), row=AspectRow, links={"ladder": _LADDER})
    def aspects(self, row: AspectRow) -> Iterator[Record]:
        yield row.brought("ladder", "code", "name", "order")

    @target(
        LadderLevel,
        key=("ladder", "aspect", "level", "stage"),
        row=LevelRow,
        links={"ladder": _LADDER, "aspect": Link(LadderAspect, {"ladder": "ladder", "code": "aspect"})},
    )
    def levels(self, row: LevelRow) -> Iterator[Record]:
        yield row.brought("ladder", "aspect", "level", "stage", "weight")

    def wanted(self, row: type[Row]) -> bool:
        """Whether rows of this kind belong to the section that was chosen."""
        return self.options.section() in (None, row)

    def clear(self) -> Iterator[QuerySet[Any]]:
        """All ladders, and first the events of seniority, whose snapshots protect theirs: import history again."""
        yield TimelineEvent.objects.filter(seniority_snapshot__isnull=False)
        yield LadderLevel.objects.all()
        yield LadderAspect.objects.all()
        yield Ladder.objects.all()
