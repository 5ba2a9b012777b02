"""The folded name, by which people are found and sorted; chats.0006_name_keys fills it."""

from typing import ClassVar

from django.db import migrations

import chats.search.fields


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0003_name_tries")]

    operations: ClassVar = [
        migrations.AddField("user", "name_key", chats.search.fields.NameKeyField(of="display_name")),
        migrations.AlterModelOptions("user", options={"ordering": ["name_key", "id"]}),
    ]
