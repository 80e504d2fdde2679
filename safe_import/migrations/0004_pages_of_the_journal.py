"""The journal keeps several records in one row, which takes half the time to write and a fraction of the space."""

import json
from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from typing import Any

import django.db.models.deletion
from django.db import migrations, models

_BATCH = 2000
_RECORDS = 20  # in a page


def _to_pages(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    change, page = apps.get_model("safe_import", "Change"), apps.get_model("safe_import", "JournalPage")
    changes = change.objects.using(alias).order_by("id").iterator(_BATCH)
    pages = (
        page(run_id=run, model=model, action=action, size=len(some), records=_records(some))
        for (run, model, action), some in _in_pages(changes)
    )
    while batch := list(islice(pages, _BATCH)):
        page.objects.using(alias).bulk_create(batch)


def _in_pages(changes: Iterable[Any]) -> Iterator[tuple[Any, list[Any]]]:
    for key, alike in groupby(changes, key=lambda each: (each.run_id, each.model, each.action)):
        while some := list(islice(alike, _RECORDS)):
            yield key, some


def _records(changes: Iterable[Any]) -> str:
    return json.dumps(
        [
            [each.key, None, each.after]
            if each.before is None
            else [each.key, json.loads(each.before), json.loads(each.after)]
            for each in changes
        ],
        ensure_ascii=False,
    )


def _to_changes(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    change, page = apps.get_model("safe_import", "Change"), apps.get_model("safe_import", "JournalPage")
    changes = (
        change(
            run_id=each.run_id,
            model=each.model,
            action=each.action,
            key=key,
            before=None if before is None else json.dumps(before, ensure_ascii=False),
            after=after if before is None else json.dumps(after, ensure_ascii=False),
        )
        for each in page.objects.using(alias).order_by("id").iterator(_BATCH)
        for key, before, after in json.loads(each.records)
    )
    while batch := list(islice(changes, _BATCH)):
        change.objects.using(alias).bulk_create(batch)


class Migration(migrations.Migration):
    dependencies = [("safe_import", "0003_lighter_journal")]

    operations = [
        migrations.CreateModel(
            name="JournalPage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("model", models.CharField(max_length=200)),
                ("action", models.CharField(choices=[("create", "Create"), ("update", "Update")], max_length=6)),
                ("size", models.IntegerField()),
                ("records", models.TextField()),
                (
                    "run",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pages",
                        to="safe_import.run",
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["run"], name="safe_import_page_run")]},
        ),
        migrations.RunPython(_to_pages, _to_changes),
        migrations.DeleteModel("Change"),
    ]
