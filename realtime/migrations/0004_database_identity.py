"""Which database this is; empty until the first look of a server."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("realtime", "0003_announcement")]

    operations: ClassVar = [
        migrations.CreateModel(
            "DatabaseIdentity",
            [
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("identity", models.CharField(max_length=60)),
            ],
        ),
    ]
