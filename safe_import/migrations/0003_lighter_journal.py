"""The journal has one index by run instead of the two that Django gives a text key on PostgreSQL."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("safe_import", "0002_run_parent")]

    operations = [
        migrations.AlterField(
            "change",
            "run",
            models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="changes",
                to="safe_import.run",
            ),
        ),
        migrations.AddIndex("change", models.Index(fields=["run"], name="safe_import_change_run")),
    ]
