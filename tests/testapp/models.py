"""Models with one peculiarity each."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models.functions import Lower, Now, Upper
from django.db.models.signals import post_save
from django.dispatch import receiver


class Box(models.Model):
    """What a thing may be in."""

    name = models.CharField(max_length=64, unique=True)


class Tag(models.Model):
    """What a thing may be called, with others."""

    name = models.CharField(max_length=64, unique=True)


class Thing(models.Model):
    """One field of every usual kind."""

    code = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=64, blank=True)
    price = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    active = models.BooleanField(default=True)
    born = models.DateField(null=True, blank=True)
    ratio = models.FloatField(null=True, blank=True)
    note = models.TextField(null=True, blank=True)
    data = models.JSONField(null=True, blank=True)
    box = models.ForeignKey(Box, models.PROTECT, null=True, blank=True, related_name="things")
    tags = models.ManyToManyField(Tag, blank=True, related_name="things")
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)


class Node(models.Model):
    """Links to its own kind: to a parent further down in a file, in a circle, to itself."""

    code = models.CharField(max_length=32, unique=True)
    parent = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="children")


class Peer(models.Model):
    """Linked to its own kind in every other way: to one, to several on both sides, to several on one side."""

    name = models.CharField(max_length=32, unique=True)
    twin = models.OneToOneField("self", models.SET_NULL, null=True, blank=True, related_name="twin_of")
    friends = models.ManyToManyField("self", blank=True)
    follows = models.ManyToManyField("self", symmetrical=False, blank=True, related_name="followers")


class Token(models.Model):
    """Its primary key is made in Python, not by the database."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=64, unique=True)


class Saved(models.Model):
    """Its own ``save()`` must run, or ``slug`` stays empty."""

    name = models.CharField(max_length=64, unique=True)
    slug = models.CharField(max_length=64, blank=True)

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.slug = self.name.lower().replace(" ", "-")
        if (fields := kwargs.get("update_fields")) is not None:
            kwargs["update_fields"] = {*fields, "slug"}
        super().save(*args, **kwargs)


class Filed(models.Model):
    """Its own ``save()`` reads what it links to: a record of another model, or one that may just have been saved."""

    code = models.CharField(max_length=64, unique=True)
    box = models.ForeignKey("Box", models.PROTECT, related_name="+")
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    path = models.CharField(max_length=256, blank=True)

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.path = f"{self.parent.path if self.parent else self.box.name}/{self.code}"
        if (fields := kwargs.get("update_fields")) is not None:
            kwargs["update_fields"] = {*fields, "path"}
        super().save(*args, **kwargs)


class Heard(models.Model):
    """A receiver listens to its ``post_save``."""

    name = models.CharField(max_length=64, unique=True)


class HeardLog(models.Model):
    """What the receiver of ``Heard`` has heard."""

    name = models.CharField(max_length=64)
    created = models.BooleanField()


@receiver(post_save, sender=Heard, dispatch_uid="tests.testapp.hear")
def hear(instance: Heard, created: bool, **_: Any) -> None:
    """Write down that an instance was saved."""
    HeardLog.objects.create(name=instance.name, created=created)


class Computed(models.Model):
    """The database fills one column when it is not given, and computes another."""

    name = models.CharField(max_length=64, unique=True)
    made = models.DateTimeField(db_default=Now())
    shout = models.GeneratedField(
        expression=Upper("name"), output_field=models.CharField(max_length=64), db_persist=True
    )


class Shift(models.Model):
    """A time of day, a length of time and an identity that comes from elsewhere."""

    identity = models.UUIDField(unique=True)
    begins = models.TimeField()
    lasts = models.DurationField(null=True, blank=True)


class Measure(models.Model):
    """Stored in partitions, by a table that a test makes."""

    code = models.CharField(max_length=9, unique=True)
    region = models.CharField(max_length=9)
    value = models.IntegerField(null=True)

    class Meta:
        managed = False
        db_table = "testapp_measure"


class Quoted(models.Model):
    """Names that mean something else, or nothing, without quotes around them."""

    code = models.CharField(max_length=9, unique=True, db_column="Select")
    note = models.CharField(max_length=9, blank=True, db_column="A note")
    parent = models.ForeignKey("self", models.SET_NULL, null=True, db_column="Parent.Id")

    class Meta:
        db_table = "Test App.Quoted"


class Ruled(models.Model):
    """Every kind of rule that a table may hold its records to."""

    code = models.CharField(max_length=9, unique=True)
    slug = models.CharField(max_length=9, null=True, unique=True)
    email = models.CharField(max_length=30, blank=True)
    price = models.DecimalField(max_digits=8, decimal_places=2, null=True)
    discount = models.DecimalField(max_digits=8, decimal_places=2, default=0)
    seats = models.PositiveIntegerField(default=1)
    box = models.ForeignKey(Box, models.PROTECT, null=True)
    place = models.IntegerField(null=True)
    active = models.BooleanField(default=True)
    token = models.UUIDField(default=uuid.uuid4)

    class Meta:
        unique_together = (("box", "place"),)
        constraints = (
            models.CheckConstraint(condition=models.Q(price__gte=models.F("discount")), name="price_covers_discount"),
            models.CheckConstraint(
                condition=models.Q(price__lt=Decimal("1000.50")) | models.Q(active=False),
                name="price_is_low",
                violation_error_message="only inactive ones may be dear",
            ),
            models.UniqueConstraint(
                Lower("email"), condition=models.Q(active=True) & ~models.Q(email=""), name="active_email"
            ),
            models.UniqueConstraint(fields=("token",), name="token"),
        )
