"""What is imported: a person with eight columns and a link."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.functions import Lower


class Team(models.Model):
    """What a person links to."""

    name = models.CharField(max_length=64, unique=True)


class PersonBase(models.Model):
    """The columns. As in Django's own auth the address is unique, and a constraint keeps out other spellings of it."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=128)
    city = models.CharField(max_length=64, blank=True)
    about = models.TextField(blank=True)
    active = models.BooleanField(default=True)
    joined = models.DateField()
    salary = models.DecimalField(max_digits=12, decimal_places=2)
    score = models.FloatField()
    team = models.ForeignKey(Team, models.PROTECT, related_name="+")

    class Meta:
        abstract = True
        constraints = [models.UniqueConstraint(Lower("email"), name="%(class)s_email_without_case")]


class Person(PersonBase):
    """Is written by SQL."""


class SavedPerson(PersonBase):
    """Is written by ``save()``, which has something to do."""

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.city = self.city.strip()
        super().save(*args, **kwargs)
