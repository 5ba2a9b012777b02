"""What messages are found by, and the folded names of chats and workspaces.

`manage.py index_messages`, or the servers by and by, make the entries of the messages that there are.
"""

from typing import Any, ClassVar

import django.db.models.deletion
from django.db import migrations, models

import chats.search.fields

# Lists of tokens that are as long as they are must not wait in GIN's list of what is pending, which every search reads.
ON_POSTGRESQL = [
    "CREATE INDEX chats_searchentry_tokens ON chats_searchentry USING gin (tokens) WITH (fastupdate = off)",
    # Earlier versions delete messages without knowing of entries.
    """ALTER TABLE chats_searchentry ADD CONSTRAINT chats_searchentry_message FOREIGN KEY (message_id)
        REFERENCES chats_message (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED""",
]
BACK_ON_POSTGRESQL: list[str] = []  # they go with the table
# Tokens are letters, digits and what is not ASCII: `ascii` splits them at the spaces alone.
ON_SQLITE = [
    """CREATE VIRTUAL TABLE chats_searchwords USING fts5 (
        tokens, content='chats_searchentry', content_rowid='number', tokenize='ascii', detail='none', prefix='1 2 3'
    )""",
    """CREATE TRIGGER chats_searchentry_added AFTER INSERT ON chats_searchentry BEGIN
        INSERT INTO chats_searchwords (rowid, tokens) VALUES (new.number, new.tokens);
    END""",
    """CREATE TRIGGER chats_searchentry_gone AFTER DELETE ON chats_searchentry BEGIN
        INSERT INTO chats_searchwords (chats_searchwords, rowid, tokens) VALUES ('delete', old.number, old.tokens);
    END""",
    """CREATE TRIGGER chats_searchentry_changed AFTER UPDATE ON chats_searchentry BEGIN
        INSERT INTO chats_searchwords (chats_searchwords, rowid, tokens) VALUES ('delete', old.number, old.tokens);
        INSERT INTO chats_searchwords (rowid, tokens) VALUES (new.number, new.tokens);
    END""",
    """CREATE TRIGGER chats_searchentry_message_gone AFTER DELETE ON chats_message BEGIN
        DELETE FROM chats_searchentry WHERE message_id = old.id;
    END""",
]
BACK_ON_SQLITE = [
    "DROP TRIGGER chats_searchentry_message_gone",
    "DROP TRIGGER chats_searchentry_changed",
    "DROP TRIGGER chats_searchentry_gone",
    "DROP TRIGGER chats_searchentry_added",
    "DROP TABLE chats_searchwords",
]


def make_index(apps: Any, schema_editor: Any) -> None:
    for statement in ON_POSTGRESQL if schema_editor.connection.vendor == "postgresql" else ON_SQLITE:
        schema_editor.execute(statement)


def drop_index(apps: Any, schema_editor: Any) -> None:
    for statement in BACK_ON_POSTGRESQL if schema_editor.connection.vendor == "postgresql" else BACK_ON_SQLITE:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("chats", "0004_unread_indexes")]

    operations: ClassVar = [
        migrations.CreateModel(
            "SearchProgress",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("before", models.UUIDField(null=True)),
                ("is_done", models.BooleanField(db_default=False, default=False)),
            ],
            options={"default_permissions": ()},
        ),
        migrations.CreateModel(
            "SearchEntry",
            [
                ("number", models.BigAutoField(primary_key=True, serialize=False)),
                ("revision", models.PositiveBigIntegerField()),
                ("tokens", chats.search.fields.TokensField()),
                (
                    "message",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="chats.message"
                    ),
                ),
            ],
            options={"default_permissions": ()},
        ),
        migrations.RunPython(make_index, drop_index),
        migrations.AddField("chat", "title_key", chats.search.fields.NameKeyField(of="title")),
        migrations.AddField("workspace", "name_key", chats.search.fields.NameKeyField(of="name")),
        migrations.AlterModelOptions("workspace", options={"ordering": ["name_key", "id"]}),
    ]
