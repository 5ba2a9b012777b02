"""Posts on their way: when each was due, when it was acknowledged, and when it reached each subscriber."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Callable, Sequence

from benchmarks.load.flowra_sockets import FlowraSocket, SocketFault, answer_of, connect
from benchmarks.measuring import percentile
from benchmarks.setup.people import SeededPerson

WAIT = 60.0  # seconds for the last delivery; longer is an error
_CLIENT_ID = b'"client_id":"'
BODY = "The build is green again; what remains is the paragraph about restarts, and somebody who reads it aloud."


class Posts:
    """Latencies in seconds, from when a post was due and not from when it got its turn."""

    def __init__(self) -> None:
        self.acks: list[float] = []
        self.deliveries: list[float] = []
        self.last_delivery = 0.0
        self.missing = 0  # deliveries that are expected and have not come
        self._due: dict[bytes, float] = {}

    def on_frame(self, kind: str, payload: bytes, at: float) -> None:
        """Take a frame a socket was sent."""
        if kind != "chat.message.posted":
            return
        # Near the end of the frame; inside a body it would have backslashes.
        place = payload.rfind(_CLIENT_ID) + len(_CLIENT_ID)
        due = self._due.get(payload[place : place + 36])
        if due is not None:
            self.deliveries.append(at - due)
            self.last_delivery = at
            self.missing -= 1

    async def post(
        self, socket: FlowraSocket, chat_id: str, listeners: int, *, body: str = BODY, due: float = 0
    ) -> None:
        """Post and wait for the ack; `listeners` subscribers are expected to receive it."""
        client_id = str(uuid.uuid4())
        due = due or time.perf_counter()
        self._due[client_id.encode()] = due
        self.missing += listeners
        await answer_of(socket.ask("chat.message.post", chat_id=chat_id, body=body, client_id=client_id))
        self.acks.append(time.perf_counter() - due)

    async def all_delivered(self, pause: float = 0.01) -> None:
        """Return when every subscriber has got every post, looking every `pause` seconds; raises SocketFault."""
        deadline = time.monotonic() + WAIT
        while self.missing > 0:
            if time.monotonic() > deadline:
                raise SocketFault(f"{self.missing} deliveries of posts are missing after {WAIT:.0f} s.")
            await asyncio.sleep(pause)


async def join(
    port: int, people: Sequence[SeededPerson], on_frame: Callable[[str, bytes, float], None], *, at_once: int = 32
) -> list[FlowraSocket]:
    """Connect everybody and subscribe each to their home chat."""
    turn = asyncio.Semaphore(at_once)

    async def one(person: SeededPerson) -> FlowraSocket:
        async with turn:
            socket = await connect(port, person.token, on_frame)
            await answer_of(socket.ask("subscribe", chat_id=person.home))
            return socket

    return list(await asyncio.gather(*(one(person) for person in people)))


async def leave(sockets: Sequence[FlowraSocket]) -> None:
    """Close sockets and wait until they are."""
    for socket in sockets:
        socket.leave()
    async with asyncio.timeout(WAIT):
        await asyncio.gather(*(socket.closed for socket in sockets))


async def steadily(
    posts: Posts,
    writers: Sequence[tuple[FlowraSocket, str]],
    *,
    rate: float,
    seconds: float,
    listeners: int,
    body: str = BODY,
) -> None:
    """Have random writers post `rate` times a second, whatever the answers; returns when all is acknowledged.

    The server may fall behind: then latencies grow, as they would for people.
    """
    chosen = random.Random(1)  # noqa: S311  (which writer is next is no secret)
    began = time.perf_counter()
    tasks: list[asyncio.Task[None]] = []
    for number in range(int(rate * seconds)):
        due = began + number / rate
        wait = due - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        socket, chat_id = chosen.choice(writers)
        tasks.append(asyncio.create_task(posts.post(socket, chat_id, listeners, body=body, due=due)))
    await asyncio.gather(*tasks)


def ms(values: Sequence[float], share: float) -> str:
    """Return a percentile of seconds as text in milliseconds."""
    return f"{1000 * percentile(values, share):.1f}" if values else "-"
