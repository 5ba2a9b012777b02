"""A client of Flowra that knows nothing but docs/protocol.md and docs/api.md: REST with a token, and the socket."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import deque
from typing import Any, Self

import httpx
import websockets
from websockets.asyncio.client import ClientConnection

TIMEOUT = 20.0  # seconds for any one answer; a busy machine gets its time

Frame = dict[str, Any]


class Socket:
    """A socket after its welcome."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._passed_over: deque[Frame] = deque()  # frames that came before an answer; they are received later
        self.welcome: Frame = {}

    async def send(self, type: str, **fields: Any) -> None:
        """Send one frame."""
        await self._connection.send(json.dumps({"type": type, **fields}, default=str))

    async def send_raw(self, data: str | bytes) -> None:
        """Send what may be no frame at all."""
        await self._connection.send(data)

    async def receive(self) -> Frame:
        """Return the next frame; raises TimeoutError, and ConnectionClosed at the end."""
        return self._passed_over.popleft() if self._passed_over else await self._receive()

    async def _receive(self) -> Frame:
        frame: Frame = json.loads(await asyncio.wait_for(self._connection.recv(), TIMEOUT))
        return frame

    async def until(self, type: str, **fields: Any) -> Frame:
        """Return the next frame of this type with these fields; others stay to be received."""

        def fits(frame: Frame) -> bool:
            return frame["type"] == type and all(frame.get(name) == str_id(value) for name, value in fields.items())

        for frame in self._passed_over:
            if fits(frame):
                self._passed_over.remove(frame)
                return frame
        while not fits(frame := await self._receive()):
            self._passed_over.append(frame)
        return frame

    async def ask(self, type: str, **fields: Any) -> Frame:
        """Send a command and return the ack or error that answers it."""
        ref = uuid.uuid4().hex
        await self.send(type, ref=ref, **fields)
        while True:
            frame = await self._receive()
            if frame["type"] in ("ack", "error", "pong") and frame.get("ref") == ref:
                return frame
            self._passed_over.append(frame)

    async def frames_so_far(self) -> list[Frame]:
        """Return what this connection was sent until now: everything before the answer to a ping."""
        ref = uuid.uuid4().hex
        await self.send("ping", ref=ref)
        frames: list[Frame] = []
        while True:
            frame = await self.receive()
            if frame["type"] == "pong" and frame.get("ref") == ref:
                return frames
            frames.append(frame)

    async def post(self, chat_id: object, body: str, **fields: Any) -> Frame:
        """Post a message and return its ack or error."""
        fields.setdefault("client_id", uuid.uuid4())
        return await self.ask("chat.message.post", chat_id=chat_id, body=body, **fields)

    async def closed(self) -> int:
        """Wait for the server to close the socket and return its code."""
        try:
            while True:
                await self.receive()
        except websockets.ConnectionClosed as error:
            return 1006 if error.rcvd is None else error.rcvd.code

    async def close(self) -> None:
        """Close it in an orderly way."""
        await self._connection.close()

    def stop_reading(self) -> None:
        """Take nothing more from the network, as a client that hangs."""
        self._connection.transport.pause_reading()

    def read_on(self) -> None:
        """The opposite of `stop_reading`."""
        self._connection.transport.resume_reading()

    async def vanish(self) -> None:
        """Drop the connection without a word."""
        self._connection.transport.abort()
        await self._connection.wait_closed()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class Person:
    """Somebody signed in over REST at one server; `at` gives the same person at another one."""

    def __init__(self, base_url: str, token: str, profile: Frame) -> None:
        self.base_url = base_url
        self.token = token
        self.id: str = profile["id"]
        self.username: str = profile["username"]

    @classmethod
    async def sign_in(cls, base_url: str, username: str, password: str = "demo") -> Self:  # noqa: S107
        """Return `username` with a fresh access token."""
        async with httpx.AsyncClient(base_url=f"{base_url}/api/v1", timeout=TIMEOUT) as http:
            answer = await http.post("/auth/token", json={"username": username, "password": password})
            token = answer.raise_for_status().json()["access"]
            me = await http.get("/me", headers={"Authorization": f"Bearer {token}"})
        return cls(base_url, token, me.raise_for_status().json())

    def at(self, base_url: str) -> Person:
        """Return this person as a client of another server."""
        return Person(base_url, self.token, {"id": self.id, "username": self.username})

    async def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Call REST and return its answer, whatever it is."""
        headers = {"Authorization": f"Bearer {self.token}"}
        async with httpx.AsyncClient(base_url=f"{self.base_url}/api/v1", timeout=TIMEOUT, headers=headers) as http:
            return await http.request(method, path, json=body)

    async def call(self, method: str, path: str, body: Any = None, *, expect: int | None = None) -> Any:
        """Call REST and return its JSON; `expect` is the status it must have, any 2xx if not given."""
        answer = await self.ask(method, path, body)
        right = answer.is_success if expect is None else answer.status_code == expect
        if not right:
            raise AssertionError(f"{method} {path} answered {answer.status_code}: {answer.text[:500]}")
        return answer.json() if answer.content else None

    async def connect(self, **options: Any) -> Socket:
        """Open a socket with the token in a header and take its welcome."""
        options.setdefault("additional_headers", {"Authorization": f"Bearer {self.token}"})
        socket = Socket(await open_socket(self.base_url, **options))
        socket.welcome = await socket.receive()
        if socket.welcome["type"] != "welcome":
            raise AssertionError(f"The first frame was {socket.welcome}.")
        return socket

    async def subscribe(self, chat_id: object, **fields: Any) -> Socket:
        """Open a socket that listens to a chat."""
        socket = await self.connect()
        answer = await socket.ask("subscribe", chat_id=chat_id, **fields)
        if answer["type"] != "ack":
            raise AssertionError(f"Subscribing was answered with {answer}.")
        return socket


async def open_socket(base_url: str, **options: Any) -> ClientConnection:
    """Open a bare WebSocket connection to the server's /ws/."""
    url = base_url.replace("http", "ws", 1) + "/ws/"
    return await websockets.connect(url, open_timeout=TIMEOUT, max_size=None, proxy=None, **options)


async def make_chat(owner: Person, *others: Person, title: str = "Talk") -> Frame:
    """Create a workspace of the owner's with a chat that all of them are in, and return the chat."""
    workspace = await owner.call("POST", "/workspaces", {"name": "Acme"})
    for other in others:
        added = await owner.call("POST", f"/workspaces/{workspace['id']}/members", {"user_id": other.id})
        if "expires_at" in added:  # an invitation: the two share no workspace yet
            await other.call("POST", f"/me/invitations/{added['id']}/accept")
    chat: Frame = await owner.call(
        "POST",
        "/chats",
        {
            "workspace_id": workspace["id"],
            "kind": "task",
            "title": title,
            "member_ids": [other.id for other in others],
        },
    )
    return chat


def str_id(value: Any) -> Any:
    """Return ids as the text they are in frames."""
    return str(value) if isinstance(value, uuid.UUID) else value
