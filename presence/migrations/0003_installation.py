import uuid
from typing import Any

from django.db import migrations, models


def make_mark(apps: Any, schema_editor: Any) -> None:
    """Give the installation its random id."""
    apps.get_model("presence", "Installation").objects.using(schema_editor.connection.alias).create(
        id=1, mark=uuid.uuid4().hex
    )


class Migration(migrations.Migration):
    dependencies = [("presence", "0002_online_user")]

    operations = [
        migrations.CreateModel(
            name="Installation",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ("mark", models.CharField(editable=False, max_length=32)),
            ],
            options={
                "default_permissions": (),
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="installation_is_one")],
            },
        ),
        migrations.RunPython(make_mark, migrations.RunPython.noop),
    ]
