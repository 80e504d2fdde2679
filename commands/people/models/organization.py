"""How the organization is built. A role or a leadership outlives its holder: it becomes vacant (SET_NULL)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from django.core.validators import MinValueValidator, StepValueValidator
from django.db import models
from django.db.models.lookups import Exact

from commands.people.models.users import User

if TYPE_CHECKING:
    from django.db.models import ForeignKey

NAME_LENGTH = 256


def _holder() -> ForeignKey[User | None, User | None]:
    """A user in a role. Nobody asks a user for all roles of one kind, hence no reverse name."""
    return models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")


class Category(models.TextChoices):
    """What a tribe or a team works on."""

    TECH = "TECH", "tech"
    NON_TECH = "NON_TECH", "non-tech"


class Organization(models.Model):
    """The whole, with the holders of its roles."""

    name = models.CharField(max_length=NAME_LENGTH, unique=True)
    ceo = _holder()
    cto = _holder()
    cfo = _holder()
    cpo = _holder()
    vp = _holder()
    hr_manager = _holder()
    sales_manager = _holder()

    def __str__(self) -> str:
        return self.name


class Department(models.Model):
    """What chapters, tribes and teams belong to; it can't go while any of them stands."""

    name = models.CharField(max_length=NAME_LENGTH, unique=True)

    def __str__(self) -> str:
        return self.name


class Chapter(models.Model):
    """People of one trade."""

    name = models.CharField(max_length=NAME_LENGTH, unique=True)
    department = models.ForeignKey(Department, models.PROTECT, null=True, blank=True, related_name="chapters")
    leader = _holder()
    description = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.name


class Tribe(models.Model):
    """Teams with one mission."""

    name = models.CharField(max_length=NAME_LENGTH, unique=True)
    department = models.ForeignKey(Department, models.PROTECT, null=True, blank=True, related_name="tribes")
    category = models.CharField(max_length=8, choices=Category, blank=True)
    engineering_director = _holder()
    product_director = _holder()
    description = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.name


class Team(models.Model):
    """People who work together every day."""

    name = models.CharField(max_length=NAME_LENGTH, unique=True)
    department = models.ForeignKey(Department, models.PROTECT, null=True, blank=True, related_name="teams")
    tribe = models.ForeignKey(Tribe, models.PROTECT, null=True, blank=True, related_name="teams")
    leader = _holder()
    category = models.CharField(max_length=8, choices=Category, blank=True)
    description = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.name


class Committee(models.Model):
    """Everybody who holds one role: "CTO Committee"."""

    name = models.CharField(max_length=NAME_LENGTH, unique=True)
    members = models.ManyToManyField(User, blank=True, related_name="committees")

    def __str__(self) -> str:
        return self.name


class PayBand(models.Model):
    """A step of the pay scale: 20, 20.5, 21 ..."""

    STEP = Decimal("0.5")

    number = models.DecimalField(
        max_digits=5,
        decimal_places=1,
        unique=True,
        validators=[MinValueValidator(Decimal(0)), StepValueValidator(STEP)],
    )

    class Meta:
        constraints = [
            # Tenths, because they are whole numbers: SQLite's % takes nothing else.
            models.CheckConstraint(
                condition=Exact((models.F("number") * 10) % 5, 0), name="payband_number_in_steps_of_half"
            )
        ]

    def __str__(self) -> str:
        return str(self.number)
