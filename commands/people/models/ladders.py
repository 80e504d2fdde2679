"""Career ladders. Aspects and levels are parts of their ladder and go with it (CASCADE)."""

from __future__ import annotations

from decimal import Decimal

from django.db import models

CODE_LENGTH = 64


class Stage(models.TextChoices):
    """How far somebody has come within a level."""

    EARLY = "EARLY", "early"
    MID = "MID", "mid"
    LATE = "LATE", "late"


class Ladder(models.Model):
    """A way to grow, such as "Developer"."""

    code = models.CharField(max_length=CODE_LENGTH, unique=True)
    name = models.CharField(max_length=256)
    description = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.name


class LadderAspect(models.Model):
    """One thing that a ladder looks at, such as "Technology"."""

    ladder = models.ForeignKey(Ladder, models.CASCADE, related_name="aspects")
    code = models.CharField(max_length=CODE_LENGTH)
    name = models.CharField(max_length=256)
    order = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["ladder", "code"], name="ladderaspect_code_unique_in_ladder")]

    def __str__(self) -> str:
        return self.name


class LadderLevel(models.Model):
    """One level of an aspect, at one stage, and what it weighs."""

    ladder = models.ForeignKey(Ladder, models.CASCADE, related_name="levels")
    aspect = models.ForeignKey(LadderAspect, models.CASCADE, related_name="levels")
    level = models.PositiveSmallIntegerField()
    stage = models.CharField(max_length=5, choices=Stage)
    weight = models.DecimalField(max_digits=6, decimal_places=2, default=Decimal(1))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ladder", "aspect", "level", "stage"], name="ladderlevel_unique")
        ]

    def __str__(self) -> str:
        return f"{self.level} {self.stage}"
