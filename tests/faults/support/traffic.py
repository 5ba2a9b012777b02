"""People who talk while something breaks, and the account of what it did to them.

    async with Traffic.flowing([one.base_url, two.base_url]) as traffic:
        async with traffic.fault():
            postgresql.stop()
            await asyncio.sleep(3)
            postgresql.start()
        outcome = await traffic.settle("PostgreSQL restarted", within=30)

Four people follow a chat, half of them at each server, and post over their sockets; a fifth posts over REST, to each
server in turn. Whatever is not confirmed is sent again under its `client_id`. Meanwhile REST is asked, at each server,
for the chat's messages and for who is online.

Normal is the moment after which, for CALM seconds and to the end, all are connected, each message is confirmed and on
every screen within PROMPT seconds of Enter, and every server shows the chat and who is online, rightly. Until when this
was not so is read off the account itself: each trouble in it has a beginning and an end.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import httpx

from tests.faults.support.outcome import Outcome
from tests.support.clients import Frame, Person, make_chat
from tests.support.follower import Follower, Sent, stored

FOLLOWERS = ("john", "jane", "bob", "maria")  # of the demo
REST_AUTHOR = "admin"
POSTS_PER_SECOND = 10.0  # all together, each author as often as the others: below FLOWRA_POSTS_PER_SECOND each
PROMPT = 1.0  # seconds from Enter to the last screen
CALM = 2.0  # seconds without trouble
CALM_BEFORE = 1.0  # before anything is broken
PROBE_EVERY = 0.25  # seconds
CHECK_INTERVAL = 0.1  # seconds between two looks at the account
RETRY_AFTER = 1.0  # seconds until the REST author tries again
REST_TIMEOUT = 10.0  # seconds for an answer; as many as a patient client gives it


@dataclass
class Trouble:
    """A time in which something was not as it should be; `ended` is None as long as it lasts."""

    what: str
    began: float
    ended: float | None = None

    def seconds(self, now: float) -> float:
        """Return how long it was, or has been so far."""
        return (now if self.ended is None else self.ended) - self.began


class Probe:
    """Asks one server over REST for the chat and who is online, and notes when the answers were not right."""

    def __init__(self, traffic: Traffic, address: str) -> None:
        self.troubles: list[Trouble] = []
        self._traffic = traffic
        self._address = address

    async def run(self, what: str, path: str, find_wrong: Callable[[Any, set[str]], str]) -> None:
        """Ask again and again, until cancelled.

        `find_wrong` says what is wrong with an answer, or nothing; it is told who was connected when it was asked for.
        """
        person = self._traffic.followers[0].person
        headers = {"Authorization": f"Bearer {person.token}"}
        open_trouble: Trouble | None = None
        async with httpx.AsyncClient(base_url=self._address, headers=headers, timeout=REST_TIMEOUT) as http:
            while True:
                asked, connected = now(), self._traffic.connected()
                try:
                    async with asyncio.timeout(REST_TIMEOUT):
                        answer = await http.get(f"/api/v1/chats/{self._traffic.chat_id}/{path}")
                    wrong = find_wrong(answer.json(), connected) if answer.is_success else what
                    if not wrong and now() - asked > PROMPT:
                        self.troubles.append(Trouble(what, asked, now()))
                except (httpx.HTTPError, TimeoutError):
                    wrong = what
                if open_trouble is not None and open_trouble.what != wrong:
                    open_trouble.ended = now()
                    open_trouble = None
                if wrong and open_trouble is None:
                    open_trouble = Trouble(wrong, asked)
                    self.troubles.append(open_trouble)
                await asyncio.sleep(PROBE_EVERY)


class Traffic:
    """A chat with people in it; see above. Times are those of the running loop."""

    def __init__(self, servers: Sequence[str], chat_id: str, rest_author: Person) -> None:
        self.servers = list(servers)
        self.chat_id = chat_id
        self.followers: list[Follower] = []
        self.sent_over_rest: list[Sent] = []
        self.fault_began = 0.0
        self.fault_ended = 0.0
        self.rest_author = rest_author
        self._probes: list[Probe] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._authors: list[asyncio.Task[None]] = []
        self._to_send: asyncio.Queue[Sent] = asyncio.Queue()  # over REST
        self._numbers = itertools.count(1)

    @classmethod
    @contextlib.asynccontextmanager
    async def flowing(cls, servers: Sequence[str], *, roaming: bool = False) -> AsyncIterator[Self]:
        """Give a chat in which people talk, all connected and served at once.

        With `roaming` whoever loses their server takes any other, as behind a proxy; else they come back to their own.
        """
        names = (*FOLLOWERS, REST_AUTHOR)
        people = await asyncio.gather(*(Person.sign_in(servers[0], name) for name in names))
        chat = await make_chat(people[0], *people[1:])
        traffic = cls(servers, chat["id"], people[-1])
        async with contextlib.AsyncExitStack() as stack:
            for number, person in enumerate(people[:-1]):
                address = servers[number % len(servers)]
                following = Follower.following(person.at(address), chat["id"], [address])
                traffic.followers.append(await stack.enter_async_context(following))
            for follower in traffic.followers if roaming else ():
                follower.addresses[:] = servers
            stack.push_async_callback(traffic._end)
            traffic._begin()
            await traffic._until_calm(within=20, calm=CALM_BEFORE)
            yield traffic

    @contextlib.asynccontextmanager
    async def fault(self) -> AsyncIterator[None]:
        """Mark from when to when something is broken."""
        self.fault_began = now()
        yield
        self.fault_ended = now()

    async def settle(self, fault: str, *, within: float) -> Outcome:
        """Wait until all is normal, stop talking, and return the account; raises AssertionError after `within` s."""
        await self._until_calm(within=within)
        await cancel(self._authors)
        deadline = now() + within
        while self.unacked or not all(self._shows_all(follower) for follower in self.followers):
            assert now() < deadline, f"Never confirmed: {self.unacked}."
            await asyncio.sleep(CHECK_INTERVAL)
        troubles = list(self.troubles())
        return self._account(fault, troubles, await self._look_at_what_is_stored())

    @property
    def sent(self) -> list[Sent]:
        """All messages that were written, over sockets and REST."""
        return [*itertools.chain.from_iterable(follower.sent for follower in self.followers), *self.sent_over_rest]

    @property
    def unacked(self) -> list[Sent]:
        """Messages that were written and are not confirmed."""
        return [sent for sent in self.sent if sent.acked_at is None]

    # --- Life -----------------------------------------------------------------------------------

    def _begin(self) -> None:
        pause = (len(self.followers) + 1) / POSTS_PER_SECOND
        self._authors = [asyncio.create_task(self._talk(follower, pause)) for follower in self.followers]
        self._authors.append(asyncio.create_task(self._write_over_rest(pause)))
        self._tasks.append(asyncio.create_task(self._send_over_rest()))
        for address in self.servers:
            for what, path, find_wrong in (
                ("reading", "messages?limit=10", lambda answer, connected: ""),
                ("presence unknown", "presence", _find_missing),
            ):
                probe = Probe(self, address)
                self._probes.append(probe)
                self._tasks.append(asyncio.create_task(probe.run(what, path, find_wrong)))

    async def _end(self) -> None:
        await cancel([*self._authors, *self._tasks])

    async def _talk(self, follower: Follower, pause: float) -> None:
        while True:
            await follower.post(f"{follower.person.username} {next(self._numbers)}")
            await asyncio.sleep(pause)

    async def _write_over_rest(self, pause: float) -> None:
        while True:
            sent = Sent(f"{REST_AUTHOR} {next(self._numbers)}", now())
            self.sent_over_rest.append(sent)
            self._to_send.put_nowait(sent)
            await asyncio.sleep(pause)

    async def _send_over_rest(self) -> None:
        """Post one message after the other, each until it is confirmed; every try goes to the next server."""
        headers = {"Authorization": f"Bearer {self.rest_author.token}"}
        servers = itertools.cycle(self.servers)
        async with httpx.AsyncClient(headers=headers, timeout=REST_TIMEOUT) as http:
            while True:
                sent = await self._to_send.get()
                while sent.acked_at is None:
                    url = f"{next(servers)}/api/v1/chats/{self.chat_id}/messages"
                    try:
                        answer = await http.post(url, json={"body": sent.body, "client_id": sent.client_id})
                    except httpx.HTTPError:
                        sent.refusals.append("no answer")
                    else:
                        if answer.is_success:
                            sent.acked_at = now()
                            break
                        sent.refusals.append(str(answer.status_code))
                    await asyncio.sleep(RETRY_AFTER)

    # --- Trouble --------------------------------------------------------------------------------

    def troubles(self) -> Iterator[Trouble]:
        """Give every time in which something was not as it should be."""
        yield from itertools.chain.from_iterable(probe.troubles for probe in self._probes)
        for follower in self.followers:
            yield from (Trouble("outage", outage.began, outage.ended) for outage in follower.outages)
            yield from self._shown_as_offline(follower)
        at = now()
        for sent in self.sent:
            if (sent.acked_at or at) - sent.at > PROMPT:
                yield Trouble("ack", sent.at, sent.acked_at)
            for follower in self.followers:
                arrived = follower.arrived.get(sent.body)
                if (arrived or at) - sent.at > PROMPT:
                    yield Trouble("arrival", sent.at, arrived)

    def _shown_as_offline(self, watcher: Follower) -> Iterator[Trouble]:
        """Give the times in which this follower was told that somebody is offline who had a connection."""
        for follower in self.followers:
            told = [
                (at, bool(change["is_online"]))
                for at, change in watcher.presence
                if change["user_id"] == follower.person.id
            ]
            for (began, is_online), after in itertools.zip_longest(told, told[1:]):
                if not is_online:
                    ended = None if after is None else after[0]
                    yield from _while_connected(follower, Trouble("presence wrong", began, ended))

    def connected(self) -> set[str]:
        """Return the ids of the followers who have a connection."""
        return {follower.person.id for follower in self.followers if follower.is_live}

    async def _until_calm(self, within: float, calm: float = CALM) -> None:
        """Return when there was no trouble for `calm` seconds; raises AssertionError after `within`."""
        since = now()
        while True:
            worst = max(self.troubles(), key=lambda trouble: trouble.ended or now(), default=None)
            last = since if worst is None else max(since, worst.ended or now())
            if now() - last >= calm:
                return
            if now() - since > within:
                raise AssertionError(f"After {within} s there still is trouble: {worst}; unconfirmed: {self.unacked}")
            await asyncio.sleep(CHECK_INTERVAL)

    # --- The account ----------------------------------------------------------------------------

    def _shows_all(self, follower: Follower) -> bool:
        return all(sent.body in follower.arrived for sent in self.sent)

    async def _look_at_what_is_stored(self) -> tuple[int, int]:
        """Return how many messages were lost and doubled; raises AssertionError where their order is not one."""
        messages = await stored(self.followers[0].person, self.chat_id, self.servers)
        assert [message["seq"] for message in messages] == list(range(1, len(messages) + 1))
        places = {message["id"]: message["seq"] for message in messages}
        kept = Counter(message["body"] for message in messages)
        for author in (*(follower.sent for follower in self.followers), self.sent_over_rest):
            written = [sent.body for sent in author]
            assert [message["body"] for message in messages if message["body"] in set(written)] == written, "Reordered."
        lost, doubled = set(), set()
        for bodies in (kept, *(follower.bodies for follower in self.followers)):
            lost |= {sent.body for sent in self.sent if not bodies[sent.body]}
            doubled |= {body for body, count in bodies.items() if count > 1}
        for follower in self.followers:
            shown = {key: message["seq"] for key, message in follower.messages.items()}
            assert shown.items() <= places.items(), f"{follower.person.username} shows what is not stored."
        return len(lost), len(doubled)

    def _account(self, fault: str, troubles: list[Trouble], lost_and_doubled: tuple[int, int]) -> Outcome:
        assert self.fault_began, "There was no fault."
        began, at = self.fault_began, now()
        # What was over before comes of people who arrive: some have been away since another test, and are told so.
        of_fault = [trouble for trouble in troubles if trouble.ended is None or trouble.ended > began]

        def longest(what: str) -> float:
            return max((trouble.seconds(at) for trouble in of_fault if trouble.what == what), default=0.0)

        after = [trouble.ended or at for trouble in troubles if trouble.began >= began - PROMPT]
        outages = [outage for follower in self.followers for outage in follower.outages]
        return Outcome(
            fault=fault,
            broken=self.fault_ended - began,
            written=len(self.sent),
            lost=lost_and_doubled[0],
            doubled=lost_and_doubled[1],
            seconds_until_normal=max(0.0, max(after, default=0.0) - self.fault_ended),
            slowest_ack=max((sent.acked_at or at) - sent.at for sent in self.sent),
            latest_arrival=max(
                max(0.0, follower.arrived[sent.body] - (sent.acked_at or at))
                for sent in self.sent
                for follower in self.followers
            ),
            longest_outage=max((outage.seconds for outage in outages), default=0.0),
            close_codes=dict(Counter(outage.code for outage in outages)),
            refusals=dict(Counter(itertools.chain.from_iterable(sent.refusals for sent in self.sent))),
            reading_failed=longest("reading"),
            presence_unknown=longest("presence unknown"),
            presence_wrong=longest("presence wrong"),
        )


def now() -> float:
    """Return the running loop's time."""
    return asyncio.get_running_loop().time()


async def cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    """End tasks; raises what went wrong in them."""
    for task in tasks:
        task.cancel()
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _find_missing(members: list[Frame], connected: set[str]) -> str:
    shown = {member["user_id"] for member in members if member["is_online"]}
    return "presence wrong" if connected - shown else ""


def _while_connected(follower: Follower, trouble: Trouble) -> Iterator[Trouble]:
    """Give those parts of a trouble in which the follower had a connection."""
    began = trouble.began
    for outage in follower.outages:
        if trouble.ended is not None and outage.began >= trouble.ended:
            break
        if outage.began > began:
            yield Trouble(trouble.what, began, outage.began)
        if outage.ended is None:
            return
        began = max(began, outage.ended)
    if trouble.ended is None or trouble.ended > began:
        yield Trouble(trouble.what, began, trouble.ended)
