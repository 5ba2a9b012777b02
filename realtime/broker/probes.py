"""Whether this process hears what is sent to it: it sends something to itself and waits for it.

An account of the broker that may publish and not subscribe is told so by nobody: the refusal comes to the reader.
"""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

TYPE = "hub.probe"  # of the layer message


class Probes:
    """What was sent and has not come back yet."""

    def __init__(self) -> None:
        self._sent: dict[str, asyncio.Event] = {}  # by probe id

    async def round_trip(self, layer: Any, channel: str) -> None:
        """Return once a message to `channel` came back; raises what the layer raises. The caller bounds the time."""
        probe_id = uuid.uuid4().hex
        heard = self._sent[probe_id] = asyncio.Event()
        try:
            await layer.send(channel, {"type": TYPE, "id": probe_id})
            await heard.wait()
        finally:
            del self._sent[probe_id]

    def take(self, message: dict[str, Any]) -> bool:
        """Return whether this message from the layer is a probe, and note that it came."""
        if message.get("type") != TYPE:
            return False
        heard = self._sent.get(message["id"])
        if heard is not None:
            heard.set()
        return True
