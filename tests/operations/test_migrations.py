"""Migrations go forward beside running servers, and back, with data in the database."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation

from chats.lib.migration_operations import AddIndexBesideWrites
from tests.operations.migrations import complaints
from tests.support.processes import PostgreSQL, demo_sqlite, environment, run_manage, temporary_folder

OURS = {"accounts", "chats", "presence", "realtime"}
# Migrations that somebody has looked at, with the reason why what is complained of does no harm.
REVIEWED = {
    ("chats", "0005_search"): "makes an index, or on SQLite a table and triggers, for its own new table",
    ("chats", "0006_name_keys"): "fills new columns row by row, where the name is still what it was read as",
    ("chats", "0002_consent"): (
        "lets a column be null and drops a check; the version before asks only for notifications of chats. "
        "The rest is in new tables, and what is deleted is deleted on the way back"
    ),
    ("presence", "0003_installation"): "puts one row into its own new table",
    ("accounts", "0002_browser_session"): "copies rows into a table that nobody uses yet, and only reads the old one",
}


def later_migrations() -> list[migrations.Migration]:
    """Return ours, without each app's first, which no server can run beside."""
    graph = MigrationLoader(None).graph
    return [graph.nodes[key] for key in sorted(graph.nodes) if key[0] in OURS and not graph.nodes[key].initial]


def test_every_migration_can_run_beside_the_version_before() -> None:
    found = {(one.app_label, one.name): list(complaints(one)) for one in later_migrations()}
    assert ("accounts", "0002_browser_session") in found
    assert [line for key, lines in found.items() if key not in REVIEWED for line in lines] == []
    assert {key for key, lines in found.items() if lines} == set(REVIEWED), "REVIEWED names too many"


def test_first_migrations_can_be_undone_as_well() -> None:
    graph = MigrationLoader(None).graph
    assert {key[0] for key in graph.nodes} >= OURS
    ours = [graph.nodes[key] for key in graph.nodes if key[0] in OURS]
    assert [one for one in ours for operation in one.operations if not operation.reversible] == []


NEW_TABLE = migrations.CreateModel("Pin", [("id", models.BigAutoField(primary_key=True))])
HARMLESS: dict[str, list[Operation]] = {
    "a table with an index": [NEW_TABLE, migrations.AddIndex("pin", models.Index(fields=["id"], name="pin_id"))],
    "a column that may be null": [migrations.AddField("chat", "topic", models.TextField(null=True))],
    "a column that fills itself": [migrations.AddField("chat", "topic", models.TextField(db_default=""))],
    "an index beside writes": [AddIndexBesideWrites("chat", models.Index(fields=["title"], name="chat_title"))],
    "many to many": [migrations.AddField("chat", "friends", models.ManyToManyField("chats.Chat"))],
}
HARMFUL: dict[str, Operation] = {
    "inserts rows without it": migrations.AddField("chat", "topic", models.TextField(default="")),
    "while its index is built": migrations.AddField("chat", "pin", models.IntegerField(null=True, db_index=True)),
    "while it is built": migrations.AddIndex("chat", models.Index(fields=["title"], name="chat_title")),
    "may break it": migrations.AddConstraint("chat", models.UniqueConstraint(fields=["title"], name="one_title")),
    "may use what it changes": migrations.RemoveField("chat", "title"),
    "can see from here": migrations.RunSQL("SELECT 1", "SELECT 1"),
    "cannot be undone": migrations.RunPython(lambda apps, schema_editor: None),
}
ALSO_HARMFUL: list[Operation] = [
    migrations.RenameField("chat", "title", "topic"),
    migrations.AlterField("chat", "title", models.CharField(max_length=10)),
    migrations.DeleteModel("Mention"),
    migrations.RenameModel("Chat", "Room"),
    migrations.AlterModelTable("chat", "rooms"),
    migrations.RemoveConstraint("message", "message_seq_once"),
    migrations.RemoveIndex("chat", "chat_title"),
]
ADDED_INDEX = migrations.AddField("chat", "pin", models.ForeignKey("chats.Message", models.SET_NULL, null=True))


def migration_of(*operations: Operation) -> migrations.Migration:
    next_one: type[migrations.Migration] = type("Next", (migrations.Migration,), {"operations": operations})
    return next_one("0099_next", "chats")


@pytest.mark.parametrize("operations", HARMLESS.values(), ids=HARMLESS)
def test_what_only_adds_is_no_complaint(operations: list[Operation]) -> None:
    assert list(complaints(migration_of(*operations))) == []


@pytest.mark.parametrize(("expected", "operation"), HARMFUL.items(), ids=HARMFUL)
def test_what_disturbs_is_a_complaint(expected: str, operation: Operation) -> None:
    assert any(expected in line for line in complaints(migration_of(operation)))


@pytest.mark.parametrize("operation", [*ALSO_HARMFUL, ADDED_INDEX], ids=lambda operation: type(operation).__name__)
def test_what_takes_away_or_changes_is_a_complaint(operation: Operation) -> None:
    (line,) = complaints(migration_of(operation))
    assert line.startswith("chats.0099_next: ")


# --- For real -----------------------------------------------------------------------------------

# One process for all of it. What it prints last is what is looked at.
BACK_AND_FORTH = """
import json
from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.test import Client

OURS = {"accounts", "chats", "presence", "realtime"}
call_command("seed_demo")  # where there is one already it changes nothing
john = get_user_model().objects.get(username="john")

def counts():
    there = connection.introspection.table_names()
    models = [one for one in apps.get_models(include_auto_created=True) if one._meta.db_table in there]
    return {one._meta.db_table: one._base_manager.count() for one in models if one._meta.app_label in OURS}

def sign_in_as_the_version_before(user, **more):
    session = SessionStore()
    session.update({"_auth_user_id": str(user.pk), "_auth_user_hash": user.get_session_auth_hash(),
                    "_auth_user_backend": settings.AUTHENTICATION_BACKENDS[-1], **more})
    session.save(must_create=True)
    return session.session_key

def page_with(key):
    client = Client(headers={"host": "localhost"})
    client.cookies[settings.SESSION_COOKIE_NAME] = key
    return client.get("/accounts/profile/").status_code

seen = {"before": counts()}
graph = MigrationLoader(connection).graph
for app, name in graph.leaf_nodes():
    if app in OURS:
        first = next(key for key in graph.root_nodes(app))
        call_command("migrate", *first, verbosity=0)
seen["first"] = counts()
lives = sign_in_as_the_version_before(john)
ended = sign_in_as_the_version_before(john, _auth_user_hash="of a password that was changed")
SessionStore().save(must_create=True)
call_command("migrate", verbosity=0)
seen["again"] = counts()
BrowserSession = apps.get_model("accounts", "BrowserSession")
seen["sids"] = sorted(len(sid) for sid in BrowserSession.objects.values_list("sid", flat=True))
seen["pages"] = [page_with(lives), page_with(ended), page_with("never")]
call_command("migrate", "accounts", "zero", verbosity=0)
seen["zero"] = counts()
call_command("migrate", verbosity=0)
seen["anew"] = counts()
print("SEEN", json.dumps(seen))
"""


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("kind", ["postgresql", "sqlite"])
def test_all_go_back_and_forth_with_data_and_nobody_has_to_sign_in_again(
    kind: str, request: pytest.FixtureRequest
) -> None:
    folder, settings = temporary_folder(), dict[str, str]()
    if kind == "postgresql":
        postgresql: PostgreSQL = request.getfixturevalue("postgresql")
        settings["DATABASE_URL"] = postgresql.create_database()
    else:
        shutil.copy(demo_sqlite(), folder)
    printed = run_manage(["shell", "-v0", "-c", BACK_AND_FORTH], environment(folder, settings))
    seen: dict[str, Any] = json.loads(printed.split("SEEN", 1)[1])
    before = seen["before"]
    assert before["chats_message"] > 40
    assert "accounts_browsersession" not in seen["first"]
    assert seen["first"].items() <= before.items()
    # What was announced is kept for some minutes only, and nobody misses it.
    again = {"accounts_browsersession": 2, "realtime_announcement": 0, "chats_searchentry": 0}  # servers index anew
    assert seen["again"] == {**before, **again}
    assert seen["sids"] == [32, 32]
    assert seen["pages"] == [200, 302, 302]
    assert seen["zero"] == {}
    # Sign-ins are copied, never moved; an installation has a mark from the first moment.
    assert seen["anew"] == {**dict.fromkeys(before, 0), "accounts_browsersession": 2, "presence_installation": 1}
