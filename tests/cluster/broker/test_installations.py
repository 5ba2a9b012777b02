"""Two installations on one broker, one of them a copy of the other with the same key: neither hears of the other."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest
import redis

from tests.cluster.conftest import SECRET_KEY
from tests.support.clients import Frame, Person, Socket
from tests.support.processes import ROOT, Server, Valkey, wait_until

Three = tuple[Server, Server, Server]


@pytest.fixture(scope="module")
def three(broker: Valkey) -> Iterator[Three]:
    """Give two servers of production and one of staging: copies of one database, with the same chats and people."""
    shared = {"SECRET_KEY": SECRET_KEY, "FLOWRA_REPAIR_INTERVAL": "600"}
    production = Server({**shared, "REDIS_URL": broker.url}, demo=True)
    same = {**shared, "REDIS_URL": broker.url, "DATABASE_URL": f"sqlite:///{production.folder}/./flowra.sqlite3"}
    staging = Server({**shared, "REDIS_URL": broker.url.replace("/0", "/1")}, demo=True)
    with ExitStack() as stack:
        yield stack.enter_context(production), stack.enter_context(Server(same)), stack.enter_context(staging)


async def find_chat(person: Person) -> str:
    """Return the id of a chat that this person is in."""
    chats: list[Frame] = (await person.call("GET", "/chats"))["results"]
    return str(min(chat["id"] for chat in chats))


async def bodies(socket: Socket) -> list[str]:
    """Return the bodies of the messages that came until now."""
    return [frame["data"]["body"] for frame in await socket.frames_so_far() if frame["type"] == "chat.message.posted"]


async def test_stagings_messages_are_not_shown_and_hide_none_of_productions(three: Three) -> None:
    john, jane, tester = [await Person.sign_in(server.base_url, "john") for server in three]
    chat_id = await find_chat(john)
    assert chat_id == await find_chat(tester)
    async with await jane.subscribe(chat_id) as there, await tester.subscribe(chat_id) as test:
        assert test.welcome["user_id"] == john.id
        at_staging = [await test.post(chat_id, f"staging {number}") for number in range(3)]
        async with await john.subscribe(chat_id) as here:
            at_production = [await here.post(chat_id, f"production {number}") for number in range(3)]
        assert [ack["revision"] for ack in at_staging] == [ack["revision"] for ack in at_production]
        for number in range(3):
            frame = await there.until("chat.message.posted")
            assert frame["data"]["body"] == f"production {number}"
        assert await bodies(there) == []
        assert await bodies(test) == [f"staging {number}" for number in range(3)]


async def test_presence_and_limits_are_each_ones_own(three: Three, broker: Valkey) -> None:
    production, same, staging = three
    jane, tester = await Person.sign_in(same.base_url, "jane"), await Person.sign_in(staging.base_url, "bob")
    chat_id = await find_chat(jane)
    async with await tester.connect():
        people = await jane.call("GET", f"/chats/{chat_id}/presence")
        (bob,) = (person for person in people if person["user_id"] == tester.id)
        assert not bob["is_online"]
    assert "Processes: 2" in production.manage("presence")
    assert "Processes: 1" in staging.manage("presence")
    with redis.Redis.from_url(broker.url) as client:
        names = [*client.keys("*"), *client.pubsub_channels()]
        prefixes = {re.match(rb"(flowra:[0-9a-f]{12})[^0-9a-f]", name)[1] for name in names}  # type: ignore[index]
        assert len(prefixes) == 2


async def test_what_nobody_here_has_signed_is_dropped_and_counted(three: Three, broker: Valkey) -> None:
    _, same, _ = three
    jane = await Person.sign_in(same.base_url, "jane")
    chat_id = await find_chat(jane)

    def dropped() -> int:
        text = httpx.get(f"{same.base_url}/metrics").text
        return int(float(re.search(r"^flowra_events_foreign_total (\S+)$", text, re.MULTILINE)[1]))  # type: ignore[index]

    async with await jane.subscribe(chat_id) as socket:
        with redis.Redis.from_url(broker.url) as client:
            (channel,) = client.pubsub_channels(f"flowra:*__group__chat.{chat_id}")
            before = dropped()
            for data in (b"", b"x" * 15, uuid.uuid4().bytes, uuid.uuid4().bytes + b"\x81\xa4type\xa9hub.event"):
                assert client.publish(channel, data)
        wait_until(lambda: dropped() == before + 4, 10, "the events to be counted")
        assert same.output().count("An event was dropped") == 1
        await jane.call("POST", f"/chats/{chat_id}/messages", {"body": "still here"})
        assert (await socket.until("chat.message.posted"))["data"]["body"] == "still here"


def test_the_doctor_says_who_else_is_there(three: Three, broker: Valkey) -> None:
    production, same, staging = three

    def line(server: Server, **env: str) -> Frame:
        command = [sys.executable, "manage.py", "doctor", "--json"]
        env = {**server.env, **env}
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
        (found,) = (check for check in json.loads(done.stdout)["checks"] if check["name"] == "installations")
        return dict(found)

    with redis.Redis.from_url(broker.url, decode_responses=True) as client:
        wait_until(lambda: len(list(client.scan_iter("flowra:*:{server}:*"))) == 2, 10, "production's servers to tell")
        (ours,) = {name.split(":{server}")[0] for name in client.scan_iter("flowra:*:{server}:*")}
        prefixes = {name.split("specific.")[0] for name in client.pubsub_channels("flowra*specific.*")}
    assert len(prefixes) == 2
    found = line(production)
    assert found["status"] == "ok"
    assert all(prefix in found["detail"] for prefix in prefixes)
    clash = line(staging, FLOWRA_REDIS_PREFIX=ours, REDIS_URL=broker.url)
    assert clash["status"] == "failed"
    assert str(same.process.pid) in clash["detail"]
    assert "FLOWRA_REDIS_PREFIX" in clash["remedy"]


def test_a_name_of_ones_own(broker: Valkey) -> None:
    settings = {"REDIS_URL": broker.url, "SECRET_KEY": SECRET_KEY}
    with Server({**settings, "FLOWRA_REDIS_PREFIX": "apart"}) as one, redis.Redis.from_url(broker.url) as client:
        assert httpx.get(f"{one.base_url}/readyz").status_code == 200
        assert client.keys("flowra:apart:{presence}:*")
        assert client.pubsub_channels("flowra:apart*")
