"""Limits of users and addresses hold for all servers together, and nobody else feels them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator

import httpx
import pytest
import redis
from websockets.exceptions import ConnectionClosed, InvalidStatus

from realtime.limits.store import LEASE, PART
from tests.cluster.conftest import two_servers
from tests.realtime.sockets.test_handshake import session_of
from tests.support.clients import Person, Socket, make_chat, open_socket
from tests.support.processes import ROOT, PostgreSQL, Server, Valkey, wait_until

TOO_MANY = 1013
LIMITS = {
    "FLOWRA_TRUSTED_PROXIES": "1",
    "FLOWRA_CONNECTIONS_PER_USER": "3",
    "FLOWRA_CONNECTIONS_PER_ADDRESS": "4",
    "FLOWRA_HANDSHAKES_PER_MINUTE": "20",
    "FLOWRA_HANDSHAKES_PER_USER": "30",
    "FLOWRA_POSTS_PER_SECOND": "0.01",
    "FLOWRA_POSTS_BURST": "6",
}
Pair = tuple[Server, Server]


@pytest.fixture(scope="module")
def limited(postgresql: PostgreSQL, broker: Valkey) -> Iterator[Pair]:
    """Give two servers with low limits."""
    with two_servers(postgresql, broker, LIMITS) as servers:
        yield servers


async def connect_from(person: Person, server: Server, address: str) -> Socket:
    """Open a socket at a server that takes it for one from `address`; welcome or close are to be received."""
    headers = {"Authorization": f"Bearer {person.token}", "X-Forwarded-For": f"6.6.6.6, {address}"}
    return Socket(await open_socket(server.base_url, additional_headers=headers))


async def enter(person: Person, server: Server, address: str) -> Socket:
    """Open a socket that is welcome."""
    socket = await connect_from(person, server, address)
    assert (await socket.receive())["type"] == "welcome"
    return socket


async def test_sockets_of_a_user_are_counted_together(limited: Pair) -> None:
    one, two = limited
    john, jane = await Person.sign_in(one.base_url, "john"), await Person.sign_in(one.base_url, "jane")
    sockets = [await enter(john, server, f"192.0.2.{n}") for n, server in enumerate((one, two, one))]
    for server in limited:
        assert await (await connect_from(john, server, "192.0.2.9")).closed() == TOO_MANY
    async with await enter(jane, two, "192.0.2.9"):
        await sockets.pop().close()
        async with asyncio.timeout(5):
            while True:  # the other server hears of it a moment later
                again = await connect_from(john, two, f"192.0.2.{uuid.uuid4().int % 100 + 100}")
                if await opens(again):
                    break
    for socket in [*sockets, again]:
        await socket.close()


async def opens(socket: Socket) -> bool:
    """Whether the socket is welcome."""
    try:
        return bool((await socket.receive())["type"] == "welcome")
    except ConnectionClosed:
        return False


async def test_sockets_of_an_address_are_counted_together(limited: Pair) -> None:
    one, two = limited
    people = [await Person.sign_in(one.base_url, name) for name in ("john", "jane", "bob")]
    address = "2001:db8:7::1"
    sockets = [
        await enter(person, server, address)
        for person, server in zip([*people, people[0]], (one, two) * 2, strict=True)
    ]
    same_subscriber = "2001:db8:7:0:ffff::2"
    assert await (await connect_from(people[1], one, same_subscriber)).closed() == TOO_MANY
    async with await enter(people[1], one, "2001:db8:7:1::1"):
        pass
    for socket in sockets:
        await socket.close()


async def test_handshakes_without_a_good_credential_are_their_addresses_and_keep_nobody_else_out(
    limited: Pair,
) -> None:
    one, two = limited
    forger = Person(one.base_url, "forged", {"id": "", "username": ""})
    codes = [
        await (await connect_from(forger, server, "198.51.100.1")).closed() for _ in range(12) for server in (one, two)
    ]
    heard = codes.count(4401)  # a minute that turns meanwhile lets one or two more through
    assert 20 <= heard <= 22
    assert codes == [4401] * heard + [TOO_MANY] * (24 - heard)
    john = await Person.sign_in(one.base_url, "john")
    for address in ("198.51.100.1", "198.51.100.2"):
        async with await enter(john, two, address):
            pass
    assert "FLOWRA_HANDSHAKES_PER_MINUTE is met (20): 198.51.100.1 was refused" in one.output() + two.output()


async def test_posts_of_a_user_are_counted_together(limited: Pair) -> None:
    one, two = limited
    john, jane = await Person.sign_in(one.base_url, "john"), await Person.sign_in(one.base_url, "jane")
    chat = await make_chat(john, jane)
    async with await enter(john, one, "203.0.113.1") as here, await enter(john, two, "203.0.113.2") as there:
        answers = [await socket.post(chat["id"], "hi") for _ in range(8) for socket in (here, there)]
        went_through = [answer["type"] for answer in answers].count("ack")
        assert went_through in (6, 7)  # a server may learn by its next post that the others have used it up
        async with await enter(jane, two, "203.0.113.3") as other:
            assert (await other.post(chat["id"], "not me"))["action"] == "posted"


async def test_posts_by_rest_and_by_the_form_are_counted_with_those_by_socket(limited: Pair) -> None:
    one, two = limited
    john, bob = await Person.sign_in(one.base_url, "john"), await Person.sign_in(one.base_url, "bob")
    chat = await make_chat(john, bob)
    path, first = f"/chats/{chat['id']}/messages", {"body": "once", "client_id": str(uuid.uuid4())}
    assert (await bob.ask("POST", path, first)).status_code == 201
    async with await enter(bob, two, "203.0.113.9") as socket:
        went_through = 1
        for server in (one, two) * 5:
            went_through += (await socket.post(chat["id"], "by socket"))["type"] == "ack"
            went_through += (await bob.at(server.base_url).ask("POST", path, {"body": "by REST"})).status_code == 201
        assert went_through in (6, 7)  # as above
        answer = await bob.ask("POST", path, {"body": "by REST"})
        assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
        assert int(answer.headers["Retry-After"]) == answer.json()["retry_after"] > 1
        assert (await socket.post(chat["id"], "by socket"))["code"] == "rate_limited"
    assert (await bob.ask("POST", path, first)).status_code == 200
    async with httpx.AsyncClient(base_url=two.base_url, timeout=20) as browser:
        browser.cookies.set("sessionid", session_of(two.base_url, "bob").partition("=")[2], domain="127.0.0.1")
        page = await browser.get(f"/chats/{chat['id']}/")
        token = page.text.split('name="csrfmiddlewaretoken" value="', 1)[1].split('"', 1)[0]
        form = {"csrfmiddlewaretoken": token, "body": "by form", "client_id": str(uuid.uuid4())}
        refused = await browser.post(f"/chats/{chat['id']}/messages/", data=form)
        assert refused.status_code == 429
        assert "by form" in refused.text
        again = await browser.post(f"/chats/{chat['id']}/messages/", data={**form, "client_id": first["client_id"]})
        assert again.status_code == 302
    assert (await john.call("GET", f"/chats/{chat['id']}"))["seq"] <= 7


async def test_a_hostile_page_cannot_use_up_the_handshakes_of_its_visitors(limited: Pair) -> None:
    one, two = limited
    headers = {"X-Forwarded-For": "198.51.100.7", "Cookie": "sessionid=x"}
    for server in (one, two) * 11:
        with pytest.raises(InvalidStatus) as refused:
            await open_socket(server.base_url, additional_headers=headers, origin="https://evil.example")
        assert refused.value.response.status_code == 403
    john = await Person.sign_in(one.base_url, "john")
    async with await enter(john, two, "198.51.100.7"):
        pass


async def test_the_doctor_says_which_limits_were_met(limited: Pair) -> None:
    one, _ = limited
    forger = Person(one.base_url, "forged", {"id": "", "username": ""})
    while await (await connect_from(forger, one, "198.51.100.77")).closed() != TOO_MANY:
        pass

    def is_told() -> bool:
        line = next(line for line in examine(one).splitlines() if " limits " in line)
        return line.startswith("warning") and "FLOWRA_HANDSHAKES_PER_MINUTE (last 20" in line

    await asyncio.to_thread(wait_until, is_told, 30, "the doctor")


async def test_handshakes_of_a_user_are_counted_together_from_wherever(limited: Pair) -> None:
    one, two = limited
    jane, bob = await Person.sign_in(one.base_url, "jane"), await Person.sign_in(one.base_url, "bob")
    came_in = []
    for number in range(20):
        for server in limited:
            socket = await connect_from(jane, server, f"198.51.100.{10 + number}")
            came_in.append(await opens(socket))
            await socket.close()
    assert 15 <= came_in.count(True) <= 32  # those of the tests before count as well; a minute that turns lets some in
    assert await (await connect_from(jane, one, "198.51.100.99")).closed() == TOO_MANY
    async with await enter(bob, two, "198.51.100.10"):
        pass


def examine(server: Server) -> str:
    """Return what the doctor says where this server runs, whatever its status."""
    command = [sys.executable, "manage.py", "doctor", "--no-color"]
    done = subprocess.run(command, cwd=ROOT, env=server.env, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout


def hasten_leases(valkey: Valkey) -> None:
    """Let what is left of each process's lease pass within a moment; whoever lives takes a new one."""
    with redis.Redis.from_url(valkey.url) as client:
        leases = list(client.scan_iter(f"flowra:*:{PART}:process:*"))
        assert len(leases) == 2
        for lease in leases:
            assert 0 < client.pttl(lease) <= LEASE * 1000
            client.pexpire(lease, 100)


async def test_a_killed_server_takes_its_sockets_with_it_and_a_broker_that_is_away_lets_people_in(
    postgresql: PostgreSQL,
) -> None:
    with Valkey() as valkey, two_servers(postgresql, valkey, {**LIMITS, "FLOWRA_HANDSHAKES_PER_MINUTE": "600"}) as pair:
        one, two = pair
        john = await Person.sign_in(two.base_url, "john")
        for number in range(3):
            await enter(john, one, f"192.0.2.{number}")
        assert not await opens(await connect_from(john, two, "192.0.2.7"))
        one.kill()
        hasten_leases(valkey)
        began = time.monotonic()
        while not await opens(socket := await connect_from(john, two, "192.0.2.8")):
            assert time.monotonic() - began < 10
            await asyncio.sleep(0.2)
        await socket.close()
        valkey.kill()
        began = time.monotonic()
        await (await enter(john, two, "192.0.2.9")).close()
        assert time.monotonic() - began < 5
