"""A connection without a server, for tests of what stands between the two."""

from __future__ import annotations

import uuid
from typing import Any

from realtime.credentials import Credential
from realtime.outbox.connection import Connection
from realtime.outbox.frame import Frame
from realtime.outbox.outbox import Outbox
from realtime.outbox.transports import AsgiTransport
from realtime.protocol.frames import CloseCode


class Listener:
    """A connection that notes what it was sent and how it was ended."""

    def __init__(self, user_id: uuid.UUID | None = None) -> None:
        self.texts: list[str] = []
        self.ended: list[CloseCode] = []
        outbox = Outbox(AsgiTransport(self._send), limit=10_000_000, overflowed=lambda: None)
        outbox.open(Frame(b"welcome"))
        self.texts.clear()
        self.connection = Connection(
            credential=Credential(user_id=user_id or uuid.uuid4(), expires_at=0.0),
            display_name="Jane",
            outbox=outbox,
            end=self.ended.append,
        )

    async def _send(self, message: dict[str, Any]) -> None:
        self.texts.append(message["text"])
