"""What was deleted and is not purged yet carries the time; nullable, so that the version before runs beside it."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("chats", "0002_consent")]

    operations: ClassVar = [
        migrations.AddField("chat", "deleted_at", models.DateTimeField(blank=True, editable=False, null=True)),
        migrations.AddField("workspace", "deleted_at", models.DateTimeField(blank=True, editable=False, null=True)),
    ]
