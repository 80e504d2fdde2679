"""Every field of Django comes back: the same row in the database, the same value in Python."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection, models
from django.test.utils import isolate_apps

from safe_import.backup.restore import restore_backup
from safe_import.backup.write import write_backup
from tests.backup.conftest import content
from tests.testapp.models import Tag, Thing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLUS_5_30 = dt.timezone(dt.timedelta(hours=5, minutes=30))
JSON_NULL = models.Value(None, models.JSONField())
INFINITE = [] if connection.vendor == "mysql" else [float("inf")]  # MariaDB has no such number
FIELDS: dict[str, tuple[models.Field[Any, Any], list[Any]]] = {
    "big_integer": (models.BigIntegerField(null=True), [-(2**63), 2**63 - 1]),
    "binary": (models.BinaryField(null=True), [b"", b"\x00\xff'\\"]),
    "boolean": (models.BooleanField(null=True), [True, False]),
    "char": (models.CharField(max_length=50, null=True), ["", "NULL", " 'ü\u0301' \U0001f600\n"]),
    "date": (models.DateField(null=True), [dt.date(1, 1, 1), dt.date(9999, 12, 31)]),
    "date_time": (
        models.DateTimeField(null=True),
        [dt.datetime(2024, 3, 31, 2, 30, 0, 1, tzinfo=PLUS_5_30), dt.datetime(1, 1, 2, tzinfo=dt.UTC)],
    ),
    "decimal": (
        models.DecimalField(max_digits=12, decimal_places=4, null=True),
        [Decimal("-99999999.9999"), Decimal(1)],
    ),
    "duration": (models.DurationField(null=True), [dt.timedelta(days=-1, microseconds=1), dt.timedelta(days=10**7)]),
    "email": (models.EmailField(null=True), ["o'hara@example.org"]),
    "file": (models.FileField(null=True), ["a/b.txt"]),
    "file_path": (models.FilePathField(null=True), ["/tmp/x"]),  # noqa: S108 - a value, no file
    "float": (
        models.FloatField(null=True),
        [0.1 + 0.2, *INFINITE, -0.0, 5e-324],
    ),
    "ip": (models.GenericIPAddressField(null=True), ["10.0.0.1", "2001:db8::1"]),
    "integer": (models.IntegerField(null=True), [-(2**31)]),
    "json": (
        models.JSONField(null=True),
        [{"a": [1, 2.5, None]}, [], "ü", 0, JSON_NULL],
    ),
    "positive": (models.PositiveIntegerField(null=True), [2**31 - 1]),
    "positive_big": (models.PositiveBigIntegerField(null=True), [2**63 - 1]),
    "positive_small": (models.PositiveSmallIntegerField(null=True), [32767]),
    "slug": (models.SlugField(null=True), ["a-b"]),
    "small": (models.SmallIntegerField(null=True), [-32768]),
    "text": (models.TextField(null=True), ["", "x" * 100_000]),
    "time": (models.TimeField(null=True), [dt.time(23, 59, 59, 999999)]),
    "url": (models.URLField(null=True), ["https://example.org/?a=1&b='"]),
    "uuid": (models.UUIDField(null=True), [uuid.UUID(int=0), uuid.UUID(int=2**128 - 1)]),
}


@pytest.fixture
def every_field(transactional_db: None, backup_root: Path) -> Iterator[type[models.Model]]:
    """A model with every field of Django, and its table."""
    with isolate_apps("tests.testapp"):
        body = {name: field.clone() for name, (field, _) in FIELDS.items()}
        model = type("EveryField", (models.Model,), {**body, "__module__": "tests.testapp.models"})
        with connection.schema_editor() as editor:
            editor.create_model(model)
        yield model
        with connection.schema_editor() as editor:
            editor.delete_model(model)


def test_every_field_comes_back(every_field: type[models.Model]) -> None:
    """A row a value, and one of nothing but NULL: SQL NULL and JSON's null stay apart."""
    manager = every_field._default_manager
    manager.create()
    for name, (_, values) in FIELDS.items():
        for value in values:
            manager.create(**{name: value})
    table = every_field._meta.db_table
    before, values = content(table), list(manager.order_by("pk").values())
    backup = write_backup(connection, [table])
    manager.all().delete()

    restore_backup(connection, backup.path)

    assert content(table) == before
    assert list(manager.order_by("pk").values()) == values
    assert manager.filter(json__isnull=False).count() == 5
    manager.filter(pk__gt=5).update(text="changed", decimal=1, date_time=None, json=None)
    restore_backup(connection, backup.path, mode="exact")
    assert content(table) == before


def test_automatic_many_to_many_tables_come_back(transactional_db: None, backup_root: Path) -> None:
    """A table whose model nobody wrote."""
    things = [Thing.objects.create(code=str(number)) for number in range(3)]
    tags = [Tag.objects.create(name=str(number)) for number in range(3)]
    for thing in things:
        thing.tags.set(tags)
    names = [model._meta.db_table for model in (Tag, Thing, Thing.tags.through)]
    before = [content(name) for name in names]
    backup = write_backup(connection, names)
    Thing.objects.all().delete()
    restore_backup(connection, backup.path)
    assert [content(name) for name in names] == before
