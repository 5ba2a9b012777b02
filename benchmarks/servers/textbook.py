"""Channels as its tutorial has it: every consumer in the group, each event encoded by each of them.

The layer is the in-memory one, or with REDIS_URL the pub/sub layer of channels_redis, with LAYER=core its other one. By
default they drop what a consumer has not taken yet once that is 100 events; CAPACITY sets another bound.
"""

from __future__ import annotations

import os
from typing import Any

import django
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.urls import re_path

from benchmarks.load.sockets import allow_files


def _layer() -> dict[str, Any]:
    capacity = int(os.environ.get("CAPACITY", "1000000"))
    url = os.environ.get("REDIS_URL")
    if not url:
        return {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": capacity}}
    if os.environ.get("LAYER") == "core":
        return {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            # Without a time-out: redis-py's default of 5 s is as long as the layer's own BRPOP waits.
            "CONFIG": {"hosts": [{"address": url, "socket_timeout": None}], "capacity": capacity},
        }
    return {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [url]}}


settings.configure(INSTALLED_APPS=["channels"], CHANNEL_LAYERS={"default": _layer()}, USE_TZ=True)
django.setup()


class ChatConsumer(AsyncJsonWebsocketConsumer):
    """The tutorial's consumer, with JSON encoded by the class that Channels has for it."""

    async def connect(self) -> None:
        """Join the room's group."""
        self.room_name = self.scope["url_route"]["kwargs"]["room_name"]
        self.room_group_name = f"chat_{self.room_name}"
        await self.channel_layer.group_add(self.room_group_name, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        """Leave it."""
        await self.channel_layer.group_discard(self.room_group_name, self.channel_name)

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        """Send what came to the group."""
        await self.channel_layer.group_send(
            self.room_group_name, {"type": "chat.message", "message": content["message"]}
        )

    async def chat_message(self, event: dict[str, Any]) -> None:
        """Send an event of the group to this socket."""
        await self.send_json({"message": event["message"]})


allow_files(10_000)
_consumer: Any = ChatConsumer.as_asgi()
_routes: list[Any] = [re_path(r"^ws/chat/(?P<room_name>\w+)/$", _consumer)]
application = ProtocolTypeRouter({"websocket": URLRouter(_routes)})
