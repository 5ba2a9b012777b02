"""A client that heals by itself as docs/protocol.md tells it to, and keeps account of what its user went through.

It posts, follows one chat, reconnects with back-off, sends again what was not acknowledged, asks for what it missed,
and remembers every outage, every acknowledgement and every change of presence. What a fault did to people is read off
a handful of these.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import random
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

import httpx
from websockets import ConnectionClosed, InvalidHandshake
from websockets.asyncio.client import ClientConnection

from tests.support.clients import Frame, Person, open_socket

GAP_SECONDS = 2.0  # protocol.md 4: a gap that stands for so long is asked for
RESTART_SECONDS = 2.0  # protocol.md 2: after 1012, at random within these
BACK_OFF_SECONDS = (1, 2, 4, 8, 16, 30, 30, 30, 30, 30)  # protocol.md 6, plus up to one at random
STEADY_SECONDS = 5.0  # a connection that stood so long starts the back-off anew
GONE = (OSError, TimeoutError, ConnectionClosed, InvalidHandshake, EOFError)


@dataclass
class Sent:
    """One message of this client, from when its user pressed Enter."""

    body: str
    at: float
    client_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    acked_at: float | None = None
    refusals: list[str] = field(default_factory=list)  # codes of the errors it was answered with before


@dataclass
class Outage:
    """A time without a connection: from its end, with the code, to the answer of the next subscription."""

    began: float
    code: int
    ended: float | None = None

    @property
    def seconds(self) -> float:
        """How long it was, or has been so far."""
        return (self.ended or asyncio.get_running_loop().time()) - self.began


class Follower:
    """One tab of somebody, at one of several servers, whichever takes it; times are those of the running loop."""

    def __init__(self, person: Person, chat_id: str, addresses: Sequence[str]) -> None:
        self.person = person
        self.chat_id = chat_id
        self.outages: list[Outage] = []
        self.codes: Counter[int] = Counter()  # with which its connections ended, those that were never welcome too
        self.sent: list[Sent] = []
        self.messages: dict[str, Frame] = {}  # by id, the newest state
        self.arrived: dict[str, float] = {}  # by body, when it was first seen
        self.presence: list[tuple[float, Frame]] = []  # every change that was told, when
        self.resyncs = 0
        self.resets = 0
        self.addresses = list(addresses)
        self._revision: int | None = None  # nothing before the first subscription counts as missed
        self._ahead: set[int] = set()  # revisions that came before one that is missing
        self._connection: ClientConnection | None = None
        self._is_live = False
        self._under_way: Sent | None = None  # the next one waits for its ack, as on the page
        self._moved = asyncio.Event()
        self._timers: set[asyncio.Task[None]] = set()

    @classmethod
    @contextlib.asynccontextmanager
    async def following(cls, person: Person, chat_id: str, addresses: Sequence[str]) -> AsyncIterator[Self]:
        """Give a follower that is subscribed, and end it; what went wrong inside it is raised here."""
        follower = cls(person, chat_id, addresses)
        life = asyncio.create_task(follower._live())
        try:
            await follower.until(lambda: follower.is_live, 30, "the first connection")
            yield follower
        finally:
            life.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await life

    @property
    def is_live(self) -> bool:
        """Whether it has a connection whose subscription was answered."""
        return self._is_live

    @property
    def unacked(self) -> list[Sent]:
        """What its user wrote and the server has not confirmed."""
        return [sent for sent in self.sent if sent.acked_at is None]

    @property
    def slowest_ack(self) -> float:
        """Seconds from Enter to the tick, at worst."""
        return max((sent.acked_at or self._now()) - sent.at for sent in self.sent)

    @property
    def bodies(self) -> Counter[str]:
        """Return how many messages of each text it shows: 1, unless something was doubled."""
        return Counter(message["body"] for message in self.messages.values())

    async def post(self, body: str) -> Sent:
        """Write a message; it leaves after those before it, and as soon as there is a connection."""
        sent = Sent(body, self._now())
        self.sent.append(sent)
        await self._send_next()
        return sent

    async def until(self, holds: Callable[[], bool], seconds: float, what: str) -> float:
        """Return the seconds until `holds()`; raises AssertionError after `seconds`."""
        began = self._now()
        try:
            async with asyncio.timeout(seconds):
                while not holds():
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            raise AssertionError(f"{self.person.username} waited {seconds} s in vain for {what}.") from None
        return self._now() - began

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    async def _live(self) -> None:
        """Connect again and again, until cancelled."""
        failures = 0
        try:
            while True:
                code, began = 1006, self._now()
                try:
                    self._connection = await self._open()
                    async with self._connection:
                        code = await self._converse(self._connection)
                        self.codes[code] += 1
                except GONE:
                    code = self._code()
                if self._is_live:
                    failures = 0 if self._now() - began >= STEADY_SECONDS else failures
                    self.outages.append(Outage(self._now(), code))
                self._is_live = False
                self._moved.set()
                if code == 1012:
                    await asyncio.sleep(random.uniform(0, RESTART_SECONDS))  # noqa: S311
                    continue
                if failures == len(BACK_OFF_SECONDS):
                    raise AssertionError(f"{self.person.username} gave up after {failures} attempts.")
                await asyncio.sleep(BACK_OFF_SECONDS[failures] + random.random())  # noqa: S311
                failures += 1
        finally:
            for timer in self._timers:
                timer.cancel()

    def _code(self) -> int:
        close_code = self._connection.close_code if self._connection is not None else None
        return 1006 if close_code is None else close_code

    async def _open(self) -> ClientConnection:
        """Take the first server that answers, as a proxy in front of them would."""
        headers = {"Authorization": f"Bearer {self.person.token}"}
        refused: Exception = OSError("there is no server")
        for address in random.sample(self.addresses, len(self.addresses)):
            try:
                return await open_socket(address, additional_headers=headers)
            except GONE as error:
                refused = error
        raise refused

    async def _converse(self, connection: ClientConnection) -> int:
        """Take frames until the end and return its code."""
        self._connection = connection
        self._under_way = None
        try:
            while True:
                # Beyond two pings of the server a silence means that the connection is dead.
                await self._take(json.loads(await asyncio.wait_for(connection.recv(), 90)))
                self._moved.set()
        except ConnectionClosed as error:
            return 1006 if error.rcvd is None else error.rcvd.code

    async def _take(self, frame: Frame) -> None:
        match frame["type"]:
            case "welcome":
                await self._subscribe()
            case "ack" if frame["action"] == "subscribed":
                await self._subscribed(frame)
            case "ack" if frame["action"] == "posted":
                await self._acknowledged(frame["client_id"])
            case "error":
                self._refused(frame)
            case "chat.message.posted" | "chat.message.edited" | "chat.message.deleted":
                self._show(frame["data"])
            case "presence.changed":
                self.presence.append((self._now(), frame))
            case "presence.diff":
                self.presence += ((self._now(), change) for change in [*frame["online"], *frame["offline"]])
            case "resync":
                self.resyncs += 1
                self._later(random.uniform(0, frame["within"]), self._subscribe_again)  # noqa: S311

    async def _subscribe(self) -> None:
        since = {} if self._revision is None else {"since": self._revision}
        await self._send("subscribe", chat_id=self.chat_id, ref="subscribe", **since)

    async def _subscribed(self, ack: Frame) -> None:
        if ack.get("reset"):
            self.resets += 1
            await self._reload()
            self._revision = None  # the ack's counts, also where that is less: a backup was restored
            self._ahead.clear()
        self._advance(ack["revision"])
        self._is_live = True
        if self.outages and self.outages[-1].ended is None:
            self.outages[-1].ended = self._now()
        await self._send_next()

    async def _acknowledged(self, client_id: str) -> None:
        for sent in self.sent:
            if sent.client_id == client_id and sent.acked_at is None:
                sent.acked_at = self._now()
        if self._under_way is not None and self._under_way.acked_at is not None:
            self._under_way = None
            await self._send_next()

    def _refused(self, frame: Frame) -> None:
        """Try again what a server could not do just now."""
        if frame["ref"] == "subscribe":
            self._later(1.0, self._subscribe_again)
            return
        sent = self._under_way
        if sent is not None and sent.client_id == frame["ref"]:
            sent.refusals.append(frame["code"])
            self._later(max(1.0, frame.get("retry_after", 0.0)), functools.partial(self._send_again, sent))

    def _show(self, message: Frame) -> None:
        known = self.messages.get(message["id"])
        if known is None or known["revision"] < message["revision"]:
            self.messages[message["id"]] = message
        self.arrived.setdefault(message["body"], self._now())
        if self._revision is not None and message["revision"] > self._revision:
            self._ahead.add(message["revision"])
            self._advance(self._revision)
            if self._ahead:
                self._later(GAP_SECONDS, self._ask_for_gap)

    def _advance(self, revision: int) -> None:
        """Go on to a revision, and over those that came before it."""
        self._revision = max(self._revision or 0, revision)
        while self._revision + 1 in self._ahead:
            self._revision += 1
        self._ahead = {ahead for ahead in self._ahead if ahead > self._revision}

    async def _ask_for_gap(self) -> None:
        if self._ahead and self._is_live:
            await self._subscribe()

    async def _subscribe_again(self) -> None:
        if self._connection is not None:
            await self._subscribe()

    async def _reload(self) -> None:
        """Load the chat anew, from the first server that answers: what is not there any more is not shown any more."""
        # All of it, where a page would load the newest ones and the others as its user scrolls.
        messages = await stored(self.person, self.chat_id, self.addresses)
        self.messages = {message["id"]: message for message in messages}
        for message in messages:
            self.arrived.setdefault(message["body"], self._now())

    async def _send_next(self) -> None:
        """Send the first message that is not confirmed, unless one is under way or there is no connection."""
        sent = next(iter(self.unacked), None)
        if sent is None or self._under_way is not None or not self._is_live:
            return
        self._under_way = sent
        await self._send(
            "chat.message.post", chat_id=self.chat_id, body=sent.body, client_id=sent.client_id, ref=sent.client_id
        )

    async def _send_again(self, sent: Sent) -> None:
        if self._under_way is sent:
            self._under_way = None
            await self._send_next()

    async def _send(self, type: str, **fields: object) -> None:
        if self._connection is not None:
            # A connection that has just ended is seen by whoever reads it.
            with contextlib.suppress(ConnectionClosed):
                await self._connection.send(json.dumps({"type": type, **fields}))

    def _later(self, seconds: float, do: Callable[[], Awaitable[None]]) -> None:
        async def wait() -> None:
            await asyncio.sleep(seconds)
            await do()

        timer = asyncio.create_task(wait())
        self._timers.add(timer)
        timer.add_done_callback(self._timers.discard)


async def stored(person: Person, chat_id: str, servers: Sequence[str]) -> list[Frame]:
    """Return all messages of a chat by REST, oldest first, from the first server that answers."""
    for address in servers:
        with contextlib.suppress(httpx.TransportError):
            messages: list[Frame] = []
            before = ""
            while True:
                page = await person.at(address).call("GET", f"/chats/{chat_id}/messages?limit=100{before}")
                messages = [*page["results"], *messages]
                if not messages or messages[0]["seq"] == 1:
                    return messages
                before = f"&before={messages[0]['seq']}"
    raise AssertionError("No server answers.")
