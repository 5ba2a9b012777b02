"""Both servers are restarted, one after the other, while people talk: nobody loses anything, and nobody seems to leave.

In front is deploy/nginx.conf, because most of what can go wrong for REST goes wrong between a proxy and a server that
stops. All 200 tabs come from one address, and the limits are as they are by default.
"""

from __future__ import annotations

import asyncio
import datetime
import itertools
import logging
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import httpx
import pytest

from tests.cluster.conftest import two_servers
from tests.support.clients import Person
from tests.support.crowd import Crowd, make_members
from tests.support.follower import Follower, stored
from tests.support.nginx import CERTIFICATE, Nginx
from tests.support.processes import PostgreSQL, Server, Valkey

logger = logging.getLogger(__name__)
PEOPLE, TABS = 50, 4
IDLE_TABS = 2  # each
AUTHORS = 8  # over the socket
REST_AUTHORS = 4
POST_EVERY = 1.0  # seconds, each author
DRAIN_SECONDS = 20.0  # the default
HOLD = 3.0  # as in deploy/
BACK_WITHIN = 5.0  # seconds
IDLE_BACK_WITHIN = 3.0  # seconds
BATCH = 50  # sockets; realtime/lifecycle.py
# Seconds between two batches. It is 0.25 less the jitter, from when the event loop began the round in which a batch was
# told; that round itself may take some of it on a busy machine.
SHORTEST_PAUSE = 0.06
SETTINGS = {
    "FLOWRA_HTTPS": "true",
    "FLOWRA_TRUSTED_PROXIES": "127.0.0.1",
    "FLOWRA_DRAIN_HOLD": str(HOLD),
}
FROM_NGINX = {"X-Forwarded-Proto": "https"}


@pytest.fixture(scope="module")
def servers(postgresql: PostgreSQL, broker: Valkey) -> Iterator[tuple[Server, Server]]:
    """Give two running servers that believe in a proxy with TLS."""
    with two_servers(postgresql, broker, SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
def members(servers: tuple[Server, Server]) -> tuple[str, list[Person]]:
    """Give a chat and its members, signed in without any request."""
    return make_members(servers[0], PEOPLE)


@dataclass
class Talk:
    """What is written, steadily, by some over their sockets and by some over REST."""

    bodies: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)  # to REST posts: status, or what came instead of one
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    async def first(self) -> list[str]:
        """Wait for everybody to have written something, and return it."""
        while len(self.bodies) < AUTHORS + REST_AUTHORS:  # noqa: ASYNC110  (each writes at once, when its task begins)
            await asyncio.sleep(0.01)
        return list(self.bodies)

    def new_body(self, author: str) -> str:
        """Return a text that nobody has written before."""
        self.bodies.append(f"{author} {next(self._numbers)}")
        return self.bodies[-1]

    async def over_socket(self, follower: Follower, stop: asyncio.Event) -> None:
        """Post until told to stop."""
        while not stop.is_set():
            await follower.post(self.new_body(follower.person.username))
            await rest(stop)

    async def over_rest(self, http: httpx.AsyncClient, person: Person, chat_id: str, stop: asyncio.Event) -> None:
        """Post without a client_id, so that nothing could be sent again, until told to stop."""
        headers = {"Authorization": f"Bearer {person.token}"}
        while not stop.is_set():
            body = {"body": self.new_body(person.username)}
            try:
                answer = await http.post(f"/api/v1/chats/{chat_id}/messages", json=body, headers=headers)
                self.answers[str(answer.status_code)] += 1
            except httpx.TransportError as error:
                self.answers[type(error).__name__] += 1
            await rest(stop)


async def rest(stop: asyncio.Event) -> None:
    """Wait for POST_EVERY seconds, or until told to stop."""
    try:
        await asyncio.wait_for(stop.wait(), POST_EVERY)
    except TimeoutError:
        return


async def stop_and_look(server: Server, person: Person) -> tuple[float, int]:
    """Stop a server; return the seconds it took, and how many requests it answered after /readyz had said 503."""
    headers = {**FROM_NGINX, "Authorization": f"Bearer {person.token}"}
    served = 0
    asked = time.monotonic()
    server.send_signal(signal.SIGTERM)
    stopped = asyncio.create_task(asyncio.to_thread(server.wait, DRAIN_SECONDS))
    async with asyncio.timeout(DRAIN_SECONDS):
        while not stopped.done():
            try:
                async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as http:
                    ready = await http.get("/readyz")
                    if ready.status_code == 503:
                        assert ready.json()["status"] == "draining"
                        me = await http.get("/api/v1/me")
                        assert me.status_code == 200
                        assert me.headers["Connection"] == "close"
                        served += 1
            except httpx.TransportError:
                break  # it does not listen any more
            await asyncio.sleep(0.05)
        assert await stopped == 0
    return time.monotonic() - asked, served


def time_of(line: str) -> float:
    """Return when a line was logged, in seconds."""
    return datetime.datetime.fromisoformat(line[:23]).timestamp()


async def restart(server: Server, crowd: Crowd) -> None:
    """Restart a server under the crowd, and see how it goes."""
    watcher, before = crowd.followers[0].person, len(crowd.outages)
    seconds, served = await stop_and_look(server, watcher)
    assert seconds < DRAIN_SECONDS
    assert served, "nothing was served between the 503 and the end"
    stopping = server.output()
    assert "Traceback" not in stopping, stopping
    await crowd.until_live(BACK_WITHIN)
    await asyncio.to_thread(server.start)
    closed = len(crowd.outages) - before
    # The server's clock, not the client's: one process plays all tabs, and a busy one sees two batches in one moment.
    told = [time_of(line) for line in stopping.splitlines() if "sockets to come back." in line]
    logger.info("stopped in %.1f s, %d sockets closed in %d batches", seconds, closed, len(told))
    assert len(told) == -(-closed // BATCH) > 1, "all sockets were closed at once"
    assert all(later - earlier >= SHORTEST_PAUSE for earlier, later in itertools.pairwise(told)), told


async def test_a_rolling_restart_under_200_sockets_is_felt_by_nobody(
    servers: tuple[Server, Server], members: tuple[str, list[Person]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    chat_id, people = members
    talk, stop = Talk(), asyncio.Event()
    with Nginx([server.port for server in servers]) as front:
        async with AsyncExitStack() as stack:
            crowd = await stack.enter_async_context(Crowd.gathered(people, TABS, chat_id, [front.base_url]))
            http = await stack.enter_async_context(
                httpx.AsyncClient(base_url=front.base_url, verify=front.trusted, timeout=DRAIN_SECONDS)
            )
            authors = crowd.followers[:AUTHORS]
            talking = [talk.over_socket(follower, stop) for follower in authors]
            talking += [talk.over_rest(http, person, chat_id, stop) for person in people[-REST_AUTHORS:]]
            tasks = [asyncio.create_task(each) for each in talking]
            # Also after a failure they end before their clients do.
            stack.push_async_callback(asyncio.wait, tasks)
            stack.callback(stop.set)
            await crowd.until_shown(await talk.first(), 10)
            # Presence is collected: what the arrivals caused has been told by now, and counts as nothing.
            for follower in crowd.followers:
                follower.presence.clear()
            for server in servers:
                await restart(server, crowd)
            stop.set()
            await asyncio.gather(*tasks)
            assert talk.answers.keys() == {"201"}, f"{talk.answers}\n{front.errors()}"
            for author in authors:
                await author.until(lambda each=author: not each.unacked, 10, "acknowledgements")  # type: ignore[misc]
            await crowd.until_shown(talk.bodies, 10)
            # Longer than the grace: who was to be shown as offline has been.
            await asyncio.sleep(max(0.0, max(outage.ended or 0 for outage in crowd.outages) + 7 - time.monotonic()))
            kept = Counter(message["body"] for message in await stored(people[0], chat_id, [front.base_url]))
        answers = front.answers()
    logger.info("%d messages, outages %s, at most %.1f s", len(talk.bodies), crowd.close_codes, crowd.longest_outage)
    logger.info("REST %s, nginx %s, slowest ack %.1f s", talk.answers, answers, max(a.slowest_ack for a in authors))
    assert len(set(talk.bodies)) == len(talk.bodies)
    assert {body: kept[body] for body in talk.bodies} == dict.fromkeys(talk.bodies, 1)
    assert crowd.lost_and_doubled(talk.bodies) == (0, 0)
    assert crowd.close_codes.keys() == {1012}
    assert len(crowd.outages) >= PEOPLE * TABS, "too few felt anything for this to mean something"
    assert crowd.longest_outage <= BACK_WITHIN
    assert crowd.shown_offline == set()
    assert "502" not in answers


async def test_a_rolling_restart_under_idle_sockets_meets_no_502(
    servers: tuple[Server, Server], members: tuple[str, list[Person]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody sends a request: nothing but sockets tells nginx that a server is back, and those do not end."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    chat_id, people = members
    with Nginx([server.port for server in servers]) as front:
        async with Crowd.gathered(people, IDLE_TABS, chat_id, [front.base_url]) as crowd:
            for server in servers:
                before = len(crowd.outages)
                assert await asyncio.to_thread(server.stop, signal.SIGTERM, DRAIN_SECONDS) == 0
                await asyncio.to_thread(server.start)
                await crowd.until_live(BACK_WITHIN)
                assert len(crowd.outages) > before, "nobody was at this server"
        answers = front.answers()
    logger.info("outages %s, at most %.1f s, nginx %s", crowd.close_codes, crowd.longest_outage, answers)
    assert answers.keys() == {"101"}, f"{answers}\n{front.errors()}"
    assert crowd.close_codes.keys() == {1012}
    assert crowd.longest_outage <= IDLE_BACK_WITHIN
