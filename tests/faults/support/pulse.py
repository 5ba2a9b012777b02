"""What must go on whatever becomes of the database: pings, and live events from one server to the other."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Self

from websockets import ConnectionClosed

from tests.faults.support.traffic import cancel, now
from tests.support.clients import Person, Socket

PING_EVERY = 0.25  # seconds
LIVE = 1.0  # seconds, on a busy machine
TYPE_EVERY = 1.1  # seconds; the server passes on one a second


class Beat:
    """Something that is sent again and again and comes back in the same order."""

    def __init__(self) -> None:
        self._under_way: deque[float] = deque()
        self._slowest = 0.0

    @property
    def slowest(self) -> float:
        """Seconds that one took, or has taken so far, at worst."""
        return max(self._slowest, now() - self._under_way[0] if self._under_way else 0.0)

    async def go_on(self, send: Callable[[], Awaitable[None]], every: float) -> None:
        """Send until cancelled."""
        while True:
            self._under_way.append(now())
            await send()
            await asyncio.sleep(every)

    def came(self) -> None:
        """Note that the oldest one under way has come."""
        self._slowest = max(self._slowest, now() - self._under_way.popleft())


class Pulse:
    """Two people who do nothing else: one types at the first server, the other pings the second and sees it."""

    def __init__(self, watcher: Socket) -> None:
        self.pings = Beat()
        self.typing = Beat()
        self._watcher = watcher

    @classmethod
    @contextlib.asynccontextmanager
    async def beating(cls, typist: Person, watcher: Person, chat_id: str) -> AsyncIterator[Self]:
        """Give a pulse that beats until the end."""
        is_typing = False

        async def type() -> None:
            nonlocal is_typing
            is_typing = not is_typing  # else the server takes it for the same news again
            await here.send("chat.typing", chat_id=chat_id, is_typing=is_typing)

        async with await typist.subscribe(chat_id) as here, await watcher.subscribe(chat_id) as there:
            pulse = cls(there)
            tasks = [
                asyncio.create_task(pulse._watch()),
                asyncio.create_task(pulse._ignore(here)),
                asyncio.create_task(pulse.pings.go_on(lambda: there.send("ping"), PING_EVERY)),
                asyncio.create_task(pulse.typing.go_on(type, TYPE_EVERY)),
            ]
            try:
                yield pulse
            finally:
                await cancel(tasks)

    def remark(self) -> str:
        """Return in words what was measured; raises AssertionError where it took longer than LIVE seconds."""
        assert max(self.pings.slowest, self.typing.slowest) < LIVE, "Pings or live events waited for the database."
        return f"pings took {self.pings.slowest:.2f} s and typing {self.typing.slowest:.2f} s at worst"

    async def _watch(self) -> None:
        while True:
            frame = await self._watcher.receive()
            if frame["type"] == "pong":
                self.pings.came()
            elif frame["type"] == "chat.typing":
                self.typing.came()

    @staticmethod
    async def _ignore(socket: Socket) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await socket.receive()
