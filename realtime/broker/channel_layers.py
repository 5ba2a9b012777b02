"""Channel layers: what connects the processes.

`InProcessLayer` is the default, for one process. `RedisLayer` is channels_redis' pub/sub layer with three additions. It
reports when its connection came back, because what was published meanwhile is lost and clients must load again. Its
channels begin with the installation's prefix. Its messages are signed, and those of other installations are dropped.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import time
from collections.abc import Callable
from typing import Any

from channels.layers import InMemoryChannelLayer, get_channel_layer
from channels_redis.pubsub import RedisPubSubChannelLayer, RedisPubSubLoopLayer, RedisSingleShardConnection
from channels_redis.utils import create_pool
from django.core.exceptions import ImproperlyConfigured
from redis import asyncio as aioredis
from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError

from presence.registry.installation import find_identity, identity_named
from realtime import metrics

logger = logging.getLogger(__name__)

NEVER = 10 * 365 * 24 * 3600  # seconds
# Seconds for each answer of the broker. The pub/sub reader waits longer: until TCP gives the connection up, as the
# options in CHANNEL_LAYERS' `connection` say.
BROKER_TIMEOUT = 5
RESTART_DELAY = 1.0  # seconds, as channels_redis waits after other errors of its reader
SIGNATURE_BYTES = 16
LOG_EVERY = 60.0  # seconds between two log lines about messages that were dropped


class ForeignMessage(Exception):
    """A message that no process of this installation signed."""


def get_layer() -> Any:
    """Return the configured channel layer; raises ImproperlyConfigured without one."""
    layer = get_channel_layer()
    if layer is None:
        raise ImproperlyConfigured("Flowra needs a channel layer: set CHANNEL_LAYERS['default'].")
    return layer


def is_shared(layer: Any) -> bool:
    """Whether the layer reaches other processes."""
    return not isinstance(layer, InMemoryChannelLayer)


class InProcessLayer(InMemoryChannelLayer):
    """Channels' in-memory layer, without its bound of 100 messages and without expiry: both lose events silently."""

    def __init__(self) -> None:
        super().__init__(expiry=NEVER, group_expiry=NEVER, capacity=0)

    def _clean_expired(self) -> None:
        # Nothing expires here; the original walks through all groups at every send.
        return


class _WatchedPubSub(PubSub):
    """redis-py's PubSub that calls `reconnected` when it has subscribed again after a lost connection."""

    def __init__(self, *, reconnected: Callable[[], None], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._reconnected = reconnected

    async def on_connect(self, connection: Any) -> None:
        """Subscribe again and report it; redis-py calls this for every connection but the first.

        Idle connections of the pool are closed: they broke with this one, and each would lose the next event.
        """
        await super().on_connect(connection)
        await self.connection_pool.disconnect(inuse_connections=False)
        self._reconnected()

    async def parse_response(self, block: bool = True, timeout: float = 0) -> Any:  # noqa: ASYNC109  (redis-py's)
        """Return what arrives within `timeout` seconds, or None; raises ConnectionError if the connection is lost.

        When TCP gives a connection up the kernel reports ETIMEDOUT, which redis-py takes for its own time-out: it
        returns None at once, for ever, in a loop that never yields. Python's TimeoutError is not among the errors that
        redis-py retries, and leaves the position in the stream unknown. Both close the connection here.
        """
        began = time.monotonic()
        try:
            response = await super().parse_response(block, timeout)
        except TimeoutError as error:
            await self._disconnect()
            raise ConnectionError("A read from the broker timed out.") from error
        if response is None and time.monotonic() - began < timeout / 2 and self.connection is not None:
            await self._disconnect()
            raise ConnectionError("TCP gave up the connection to the broker.")
        return response

    async def _disconnect(self) -> None:
        if self.connection is not None:
            await self.connection.disconnect(nowait=True)  # the next read connects anew


class _Shard(RedisSingleShardConnection):  # type: ignore[misc]  # untyped library
    _redis: Any
    _pubsub: Any

    def _ensure_redis(self) -> None:
        if self._redis is None:
            pool = create_pool(self.host)
            self._redis = aioredis.Redis(connection_pool=pool)
            self._pubsub = _WatchedPubSub(connection_pool=pool, reconnected=self.channel_layer.notify_reconnected)

    async def _do_receiving(self) -> None:
        """Receive for ever.

        The original ends with Python's TimeoutError and is not started again, so no event would arrive any more. What
        was being read is lost, so clients load again.
        """
        while True:
            try:
                await super()._do_receiving()
            except TimeoutError as error:
                logger.warning("The reader of the broker's events timed out; it starts again: %r", error)
                await asyncio.sleep(RESTART_DELAY)
                self.channel_layer.notify_reconnected()


class _LoopLayer(RedisPubSubLoopLayer):  # type: ignore[misc]  # untyped library
    _shards: list[Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._shards = [_Shard(shard.host, self) for shard in self._shards]
        self.listeners: list[Callable[[], None]] = []
        self._log_again_at = 0.0

    async def _set_prefix(self) -> None:
        """Set the prefix of all channels; raises InstallationUnknown."""
        layer: RedisLayer = self.channel_layer
        if layer.identity is None:
            layer.identity = await find_identity()
        self.prefix = layer.identity.prefix

    async def new_channel(self, prefix: str = "specific.") -> Any:
        await self._set_prefix()
        return await super().new_channel(prefix)

    async def group_add(self, group: str, channel: str) -> None:
        await self._set_prefix()
        await super().group_add(group, channel)

    async def group_discard(self, group: str, channel: str) -> None:
        await self._set_prefix()
        await super().group_discard(group, channel)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        await self._set_prefix()
        await super().group_send(group, message)

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        await self._set_prefix()
        await super().send(channel, message)

    async def receive(self, channel: str) -> Any:
        """Return the next message of this installation; others are dropped and counted."""
        while True:
            try:
                return await super().receive(channel)
            except ForeignMessage as error:
                metrics.events_foreign.inc()
                now = time.monotonic()
                if now >= self._log_again_at:
                    self._log_again_at = now + LOG_EVERY
                    logger.warning("An event was dropped: %s `manage.py doctor` says who else uses this broker.", error)

    def notify_reconnected(self) -> None:
        for listener in self.listeners:
            listener()


class RedisLayer(RedisPubSubChannelLayer):  # type: ignore[misc]  # untyped library
    """The pub/sub layer. `connection` are further arguments for redis-py's connections.

    Without a `prefix` channels have the installation's, which is read with the first call.
    """

    def __init__(self, hosts: list[str], prefix: str = "", connection: dict[str, Any] | None = None) -> None:
        self.identity = identity_named(prefix) if prefix else None  # None: not read yet
        options = {"socket_timeout": BROKER_TIMEOUT, "socket_connect_timeout": BROKER_TIMEOUT}
        super().__init__(hosts=[{"address": host, **options, **(connection or {})} for host in hosts], prefix=prefix)

    def serialize(self, message: dict[str, Any]) -> bytes:
        """Return the message as bytes, signed by this installation."""
        data: bytes = super().serialize(message)
        return self._sign(data) + data

    def deserialize(self, message: bytes) -> Any:
        """Return the message in signed bytes; raises ForeignMessage."""
        signature, data = message[:SIGNATURE_BYTES], message[SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._sign(data)):
            raise ForeignMessage("no process of this installation has signed it.")
        return super().deserialize(data)

    def _sign(self, data: bytes) -> bytes:
        if self.identity is None:
            raise RuntimeError("Nothing can be signed before this installation's identity was read.")
        return hashlib.blake2b(data, key=self.identity.signing_key, digest_size=SIGNATURE_BYTES).digest()

    def _get_layer(self) -> _LoopLayer:
        loop = asyncio.get_running_loop()
        if loop not in self._layers:
            # The original registers the layer and closes it with its loop; only the class is replaced.
            original = super()._get_layer()
            assert isinstance(original, RedisPubSubLoopLayer)  # noqa: S101  (for the type checker)
            self._layers[loop] = _LoopLayer(*self._args, **self._kwargs, channel_layer=self)
        layer: _LoopLayer = self._layers[loop]
        return layer

    def on_reconnected(self, listener: Callable[[], None]) -> None:
        """Call `listener` in this event loop whenever the connection came back (`on_reconnect` is never called)."""
        self._get_layer().listeners.append(listener)
