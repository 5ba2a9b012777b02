"""Flowra's realtime side without accounts and database: python -m benchmarks.servers.ours PORT (ready|plain)

The real server configuration, consumer, protocol, hub, rooms and outboxes; whoever comes is somebody new, may read the
one chat there is, and what they post is given a number instead of a row. `ready` has the extension that takes ready
frames, `plain` is uvicorn as it comes. daphne serves `application` from this module.

Repair and watch compare with the database at intervals that the environment sets; benchmarks/setup/peers.py sets them
so long that they never come.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections import defaultdict
from typing import Any
from uuid import UUID

import uvicorn

from benchmarks.load.sockets import allow_files
from flowra.asgi import follow_lifespan
from flowra.server.server import make_config

# ruff: isort: split
# Below, what needs Django to be set up, which flowra.asgi does.
from flowra.accounts.models import User
from realtime.broker.events import Audience, LayerEvent, chat_group
from realtime.credentials import Credential, Handshake
from realtime.lifecycle import running_hub
from realtime.limits.shared import Quota, Slot
from realtime.protocol.frames import Ack, ChatFrame, CloseCode, Pong, Post, Subscribe, decode, encode
from realtime.sockets.consumer import ChatConsumer
from realtime.sockets.queries import Caller
from realtime.sockets.session import Session

FILES = 10_000
# By chat. Each process numbers from another place on: no two events of a chat have one revision.
_FIRST_REVISION = int(os.environ.get("BENCHMARK_PROCESS", "0")) * 1_000_000_000 + 1
_revisions: defaultdict[UUID, itertools.count[int]] = defaultdict(lambda: itertools.count(_FIRST_REVISION))


class OpenSession(Session):
    """A session that needs no database."""

    async def recheck(self) -> None:
        """Check nothing: there is no database."""

    async def receive_event(self, event: dict[str, Any]) -> None:
        """Answer a command."""
        command = decode(event["text"])
        match command:
            case Subscribe():
                await self._subscribe(command)
            case Post():
                self.connection.send(_post(command))
            case _:
                self.connection.send(Pong())

    async def _subscribe(self, command: Subscribe) -> None:
        hub, connection = running_hub(), self.connection
        assert hub is not None
        subscription = await hub.subscribing.subscribe(connection, command.chat_id)
        if not hub.subscribing.confirm_subscription(subscription, revision=0, access_version=1):
            self.end(CloseCode.INTERNAL)
            return
        connection.send(Ack(action="subscribed", chat_id=command.chat_id, revision=0, ref=command.ref))
        subscription.release(0)


async def admit_somebody(quota: Quota, client: str, handshake: Handshake) -> tuple[Caller, Slot | None]:
    """Return somebody new, without a look at their credential."""
    user = User(username="somebody")
    caller = Caller(user, Credential(user_id=user.pk, expires_at=time.time() + 86_400), set())
    return caller, await quota.admit(client, user.pk)


class OpenConsumer(ChatConsumer):
    """A socket that needs no credential and no database."""

    admit = staticmethod(admit_somebody)
    session_class = OpenSession


def _post(command: Post) -> Ack:
    hub = running_hub()
    assert hub is not None
    revision = next(_revisions[command.chat_id])
    hub.publish(message_event(command.chat_id, command.body, revision))
    return Ack(
        action="posted",
        ref=command.ref,
        chat_id=command.chat_id,
        client_id=command.client_id,
        seq=revision,
        revision=revision,
    )


def message_event(chat_id: UUID, body: str, revision: int) -> LayerEvent:
    """Return the event of a posted message, its frame encoded as the broadcaster does."""
    frame = ChatFrame(type="chat.message.posted", chat_id=str(chat_id), data={"body": body})
    return LayerEvent(
        group=chat_group(chat_id),
        audience=Audience.CHAT,
        payload=encode(frame),
        chat_id=chat_id,
        access_version=1,
        revision=revision,
    )


allow_files(FILES)
_consumer = OpenConsumer.as_asgi()


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Serve sockets at every path, and the lifespan."""
    if scope["type"] == "lifespan":
        await follow_lifespan(receive, send)
    elif scope["type"] == "websocket":
        await _consumer(scope, receive, send)
    else:
        raise ValueError(f"Only sockets are served here, not {scope['type']}.")


def main(port: int, wire: str) -> None:
    """Serve until stopped."""
    config = make_config()
    config.app = application
    config.port = port
    if wire == "plain":
        config.ws = "websockets-sansio"
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
