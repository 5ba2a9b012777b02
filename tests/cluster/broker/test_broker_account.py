"""An account of the broker with the rights that docs/operations.md names, and accounts that lack a part of them."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import httpx
import pytest
import redis

from tests.support.clients import Person
from tests.support.processes import ROOT, Server, Valkey, wait_until

ACL = re.compile(r"^ACL SETUSER flowra on >PASSWORD (.+)$", re.MULTILINE)


def documented() -> list[str]:
    """Return the rights that the documentation gives the account."""
    found = ACL.findall((ROOT / "docs" / "operations.md").read_text())
    assert len(found) == 1
    return str(found[0]).split()


def let_in(broker: Valkey, name: str, rights: list[str]) -> str:
    """Make an account with these rights; returns the REDIS_URL for it."""
    with redis.Redis.from_url(broker.url) as admin:
        admin.execute_command("ACL", "SETUSER", name, "on", ">word", *rights)
    return broker.url.replace("redis://", f"redis://{name}:word@")


def failed_lines(server: Server) -> dict[str, str]:
    """Return what the doctor finds failed, with the remedies."""
    command = [sys.executable, "manage.py", "doctor", "--json"]
    done = subprocess.run(command, cwd=ROOT, env=server.env, capture_output=True, text=True, timeout=60, check=False)
    return {
        finding["name"]: finding["remedy"]
        for finding in json.loads(done.stdout)["checks"]
        if finding["status"] == "failed"
    }


def readiness(server: Server) -> dict[str, object]:
    """Return what /readyz says."""
    answer: dict[str, object] = httpx.get(f"{server.base_url}/readyz").json()
    return answer


async def test_the_documented_rights_are_enough(broker: Valkey) -> None:
    url = let_in(broker, "documented", documented())
    shared = {"REDIS_URL": url, "SECRET_KEY": "of both" * 10}
    with Server(shared, demo=True) as one:
        database = f"sqlite:///{one.folder}/flowra.sqlite3"
        with Server({**shared, "DATABASE_URL": database}) as two:
            john = await Person.sign_in(one.base_url, "john")
            jane = await Person.sign_in(two.base_url, "jane")
            chat_id = (await john.call("GET", "/chats"))["results"][0]["id"]
            async with await john.subscribe(chat_id) as here, await jane.subscribe(chat_id) as there:
                await here.post(chat_id, "over the broker")
                assert (await there.until("chat.message.posted"))["data"]["body"] == "over the broker"
                people = await jane.call("GET", f"/chats/{chat_id}/presence")
                assert {john.id, jane.id} <= {person["user_id"] for person in people if person["is_online"]}
            assert readiness(one)["status"] == readiness(two)["status"] == "ready"
            assert not {"redis", "redis memory", "redis clock", "presence registry", "limits", "channel layer"} & set(
                failed_lines(one)
            )
            assert "cannot" not in one.output() + two.output()
    with redis.Redis.from_url(broker.url) as admin:
        refused = [entry for entry in admin.acl_log() if entry["username"] == "documented"]
        assert refused == []


@pytest.mark.parametrize(
    ("name", "without", "parts", "lines"),
    [
        ("reader", "+@write", {"registry"}, {"presence registry", "limits"}),
        ("writer", "+@read", {"registry"}, {"presence registry", "limits"}),
        ("typist", "+@scripting", {"registry"}, {"presence registry", "limits"}),
        ("keyless", "~flowra:*", {"registry"}, {"presence registry", "limits"}),
        ("mute", "&flowra*", {"channel_layer"}, {"channel layer"}),
        ("deaf", "+@pubsub", {"channel_layer"}, {"channel layer"}),
    ],
)
def test_with_a_part_of_them_it_is_not_ready_and_the_doctor_says_what_lacks(
    broker: Valkey, name: str, without: str, parts: set[str], lines: set[str]
) -> None:
    url = let_in(broker, name, [right for right in documented() if right != without])
    with Server({"REDIS_URL": url}) as server:

        def lacking() -> set[str]:
            states = readiness(server)["parts"]
            assert isinstance(states, dict)
            return {part for part, state in states.items() if state != "ok"}

        wait_until(lambda: lacking() == parts, 10, f"{parts} to be named, not {lacking()}")
        found = failed_lines(server)
        assert lines <= found.keys()
        assert all(without in found[line] for line in lines)


def test_one_that_may_publish_and_not_subscribe_is_not_ready(broker: Valkey) -> None:
    url = let_in(broker, "speaker", [*documented(), "-subscribe"])
    with Server({"REDIS_URL": url}) as server:
        parts = readiness(server)["parts"]
        assert isinstance(parts, dict)
        assert parts["channel_layer"] == "does not let this process listen"
