"""A run knows the run whose rejected rows it brings."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("safe_import", "0001_initial")]

    operations = [
        migrations.AddField("run", "parent", models.CharField(blank=True, default="", max_length=26), False),
    ]
