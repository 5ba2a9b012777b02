"""Channel layers: what connects the processes.

`InProcessLayer` is the default, for one process. `RedisLayer` is channels_redis' pub/sub layer, made to tell when
its connection came back: whatever was published meanwhile is gone, so the hub has its clients resync. Its channels
begin with the installation's prefix, and its messages are signed: what another installation sends is dropped.
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
# Seconds for each answer of the broker. The pub/sub reader is not bound by it: it waits for events for as long as TCP
# finds that somebody is there (`connection` in settings says how it does).
BROKER_TIMEOUT = 5
RESTART_DELAY = 1.0  # seconds, as channels_redis waits after other errors of its reader
SIGNATURE_BYTES = 16
SAY_EVERY = 60.0  # seconds between two lines about messages that were dropped


class ForeignMessage(Exception):
    """A message that no process of this installation has signed."""


def get_layer() -> Any:
    """Return the configured channel layer; raises ImproperlyConfigured where there is none."""
    layer = get_channel_layer()
    if layer is None:
        raise ImproperlyConfigured("Flowra needs a channel layer: set CHANNEL_LAYERS['default'].")
    return layer


def is_shared(layer: Any) -> bool:
    """Whether the layer reaches other processes."""
    return not isinstance(layer, InMemoryChannelLayer)


class InProcessLayer(InMemoryChannelLayer):
    """Channels' in-memory layer without its silent losses: no bound of 100, no expiry of members or events."""

    def __init__(self) -> None:
        super().__init__(expiry=NEVER, group_expiry=NEVER, capacity=0)

    def _clean_expired(self) -> None:
        # Nothing expires here; the original walks through all groups at every send.
        return


class _WatchedPubSub(PubSub):
    """Redis' subscriber side, which tells when it has re-subscribed after its connection was lost."""

    def __init__(self, *, reconnected: Callable[[], None], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._reconnected = reconnected

    async def on_connect(self, connection: Any) -> None:
        """Re-subscribe and tell; redis-py calls this for every connection but the first.

        Connections that idle in the pool are dropped: they died with this one, and the first event to be published
        over each of them would be lost.
        """
        await super().on_connect(connection)
        await self.connection_pool.disconnect(inuse_connections=False)
        self._reconnected()

    async def parse_response(self, block: bool = True, timeout: float = 0) -> Any:  # noqa: ASYNC109  (redis-py's)
        """Read what comes within `timeout` seconds, or None; raises ConnectionError where nobody is there any more.

        When TCP gives a connection up, the kernel says ETIMEDOUT, and redis-py takes that for the end of its own time:
        it says at once that nothing came, again and again, and the task that asks never lets another one run.

        Python's own TimeoutError is no error of redis-py: its retries do not know it, and it says nothing about how far
        the read had come. So the connection is given up with it, too.
        """
        began = time.monotonic()
        try:
            response = await super().parse_response(block, timeout)
        except TimeoutError as error:
            await self._give_up()
            raise ConnectionError("A read from the broker timed out.") from error
        if response is None and time.monotonic() - began < timeout / 2 and self.connection is not None:
            await self._give_up()
            raise ConnectionError("TCP gave up the connection to the broker.")
        return response

    async def _give_up(self) -> None:
        if self.connection is not None:
            await self.connection.disconnect(nowait=True)  # the next read connects anew


class _Shard(RedisSingleShardConnection):  # type: ignore[misc]  # untyped library
    _redis: Any
    _pubsub: Any

    def _ensure_redis(self) -> None:
        if self._redis is None:
            pool = create_pool(self.host)
            self._redis = aioredis.Redis(connection_pool=pool)
            self._pubsub = _WatchedPubSub(connection_pool=pool, reconnected=self.channel_layer.tell_reconnected)

    async def _do_receiving(self) -> None:
        """Hand on what comes, for ever.

        The original takes Python's TimeoutError for its own end, and nothing starts it again: this process would hear
        nothing of the others any more. Whatever was being read is lost, so clients resync.
        """
        while True:
            try:
                await super()._do_receiving()
            except TimeoutError as error:
                logger.warning("The reader of the broker's events timed out; it starts again: %r", error)
                await asyncio.sleep(RESTART_DELAY)
                self.channel_layer.tell_reconnected()


class _LoopLayer(RedisPubSubLoopLayer):  # type: ignore[misc]  # untyped library
    _shards: list[Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._shards = [_Shard(shard.host, self) for shard in self._shards]
        self.listeners: list[Callable[[], None]] = []
        self._silent_until = 0.0

    async def _be_named(self) -> None:
        """Learn the prefix of all channels; raises InstallationUnknown."""
        layer: RedisLayer = self.channel_layer
        if layer.identity is None:
            layer.identity = await find_identity()
        self.prefix = layer.identity.prefix

    async def new_channel(self, prefix: str = "specific.") -> Any:
        await self._be_named()
        return await super().new_channel(prefix)

    async def group_add(self, group: str, channel: str) -> None:
        await self._be_named()
        await super().group_add(group, channel)

    async def group_discard(self, group: str, channel: str) -> None:
        await self._be_named()
        await super().group_discard(group, channel)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        await self._be_named()
        await super().group_send(group, message)

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        await self._be_named()
        await super().send(channel, message)

    async def receive(self, channel: str) -> Any:
        """Return the next message of this installation; others are dropped and counted."""
        while True:
            try:
                return await super().receive(channel)
            except ForeignMessage as error:
                metrics.events_foreign.inc()
                now = time.monotonic()
                if now >= self._silent_until:
                    self._silent_until = now + SAY_EVERY
                    logger.warning("An event was dropped: %s `manage.py doctor` says who else uses this broker.", error)

    def tell_reconnected(self) -> None:
        for listener in self.listeners:
            listener()


class RedisLayer(RedisPubSubChannelLayer):  # type: ignore[misc]  # untyped library
    """The pub/sub layer; `on_reconnected` is what its own `on_reconnect` promises and does not do.

    `connection` are more arguments for redis-py's connections. Without a `prefix` channels have the installation's,
    which is asked for with the first call.
    """

    def __init__(self, hosts: list[str], prefix: str = "", connection: dict[str, Any] | None = None) -> None:
        self.identity = identity_named(prefix) if prefix else None  # None: not asked for yet
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
            # The original makes and registers the layer, and has it closed with its loop; only its class is ours.
            original = super()._get_layer()
            assert isinstance(original, RedisPubSubLoopLayer)  # noqa: S101  (for the type checker)
            self._layers[loop] = _LoopLayer(*self._args, **self._kwargs, channel_layer=self)
        layer: _LoopLayer = self._layers[loop]
        return layer

    def on_reconnected(self, listener: Callable[[], None]) -> None:
        """Have `listener` called, in this event loop, whenever the connection came back."""
        self._get_layer().listeners.append(listener)
