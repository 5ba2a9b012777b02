"""A client that follows a chat's presence as docs/protocol.md tells it to, and remembers all it was told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Self

from websockets import ConnectionClosed

from tests.support.clients import Frame, Person, Socket


class Watcher:
    """Snapshot plus changes: what somebody who watches a chat believes, and every change they heard of."""

    def __init__(self, person: Person, chat_id: str, socket: Socket) -> None:
        self.person = person
        self.chat_id = chat_id
        self.socket = socket
        self.online_count: int | None = None
        self.states: dict[str, Frame] = {}
        self.heard: list[Frame] = []
        self.resynced: list[str] = []  # the reasons for which it has looked again
        self._moved = asyncio.Event()
        self._reloads: set[asyncio.Task[None]] = set()

    @classmethod
    @contextlib.asynccontextmanager
    async def watch(cls, person: Person, chat_id: str) -> AsyncIterator[Self]:
        """Give a watcher that is subscribed and has its snapshot."""
        async with await person.connect() as socket:
            watcher = cls(person, chat_id, socket)
            ack = await socket.ask("subscribe", chat_id=chat_id)
            watcher.online_count = ack["online_count"]
            await watcher._reload()
            reader = asyncio.create_task(watcher._read())
            try:
                yield watcher
            finally:
                tasks = [reader, *watcher._reloads]
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)
                for task in tasks:
                    with contextlib.suppress(asyncio.CancelledError):
                        task.result()  # raises what went wrong in it

    async def until(self, holds: Callable[[], bool], seconds: float, what: str) -> float:
        """Return the seconds until `holds()`; raises AssertionError after `seconds`."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(seconds):
                while not holds():
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            raise AssertionError(f"Waited {seconds} s in vain for {what}; heard {self.heard[-5:]}.") from None
        return loop.time() - began

    async def until_online(self, user_id: str, is_online: bool, *, within: float) -> float:
        """Return the seconds until the watcher takes the user for online, or not; AssertionError after `within`."""
        what = f"{user_id} to be {'online' if is_online else 'offline'}"
        return await self.until(lambda: self.is_online(user_id) is is_online, within, what)

    async def until_resynced(self, reason: str, *, within: float) -> float:
        """Return the seconds until the watcher was told to look again, and has; AssertionError after `within`."""
        return await self.until(lambda: reason in self.resynced, within, f"resync ({reason})")

    def is_online(self, user_id: str) -> bool:
        """Whether this watcher takes the user for online."""
        return bool(self.states[user_id]["is_online"])

    def heard_of(self, user_id: str) -> list[bool]:
        """Return what the watcher was told of a user, each time anew: online or not."""
        return [change["is_online"] for change in self.heard if change["user_id"] == user_id]

    async def _read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                self._take(await self._next())
                self._moved.set()

    async def _next(self) -> Frame:
        while True:
            with contextlib.suppress(TimeoutError):  # nothing to hear for a while is fine here
                return await self.socket.receive()

    def _take(self, frame: Frame) -> None:
        if frame["type"] == "presence.changed":
            self._hear(frame)
        elif frame["type"] == "presence.diff":
            for change in [*frame["online"], *frame["offline"]]:
                self._hear(change)
        elif frame["type"] == "resync":
            self._reloads.add(asyncio.create_task(self._resync(frame["within"], frame["reason"])))
        if frame.get("chat_id") == self.chat_id and "online_count" in frame:
            self.online_count = frame["online_count"]

    def _hear(self, change: Frame) -> None:
        self.heard.append(change)
        known = self.states.get(change["user_id"])
        if known is None or known["version"] < change["version"]:
            self.states[change["user_id"]] = change

    async def _resync(self, within: float, reason: str) -> None:
        await asyncio.sleep(within)  # the latest that the protocol allows
        await self.socket.send("subscribe", chat_id=self.chat_id)
        await self._reload()
        self.resynced.append(reason)
        self._moved.set()

    async def _reload(self) -> None:
        path = f"/chats/{self.chat_id}/presence"
        while True:  # bounded by whoever waits for this watcher
            answer = await self.person.ask("GET", path)
            if answer.status_code != 503:
                break
            await asyncio.sleep(1)  # unknown for now, as the page takes it
        for change in answer.raise_for_status().json():
            known = self.states.get(change["user_id"])
            if known is None or known["version"] <= change["version"]:
                self.states[change["user_id"]] = change
