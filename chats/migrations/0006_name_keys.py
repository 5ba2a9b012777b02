"""Fills the folded names, in small transactions."""

from typing import Any, ClassVar

from django.db import migrations

from chats.services.indexing.keys import fill_keys


def fill(apps: Any, schema_editor: Any) -> None:
    fill_keys(apps.get_model("accounts", "User"), "display_name", "name_key")
    fill_keys(apps.get_model("chats", "Chat"), "title", "title_key")
    fill_keys(apps.get_model("chats", "Workspace"), "name", "name_key")


class Migration(migrations.Migration):
    atomic = False
    dependencies: ClassVar = [("chats", "0005_search"), ("accounts", "0004_name_key")]

    operations: ClassVar = [migrations.RunPython(fill, migrations.RunPython.noop)]
