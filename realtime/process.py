"""This process's hub: made and started with the first use, stopped with the server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from realtime.background import deletions, indexing
from realtime.background.announcements import Announcements
from realtime.background.gauges import Gauges
from realtime.background.repair import Repairer
from realtime.background.revocation import RevocationPoller
from realtime.broker.channel_layers import get_layer, is_shared
from realtime.broker.events import LayerEvent
from realtime.broker.publisher import DirectPublisher
from realtime.hub.hub import Hub
from realtime.limits import refusals

_hub: Hub | None = None
_direct = DirectPublisher()  # for processes without a hub


def start_hub() -> Hub:
    """Return this process's hub, started in the running event loop on first use."""
    global _hub
    if _hub is None:
        _hub = Hub()
        _hub.start(background_tasks(_hub))
    return _hub


def running_hub() -> Hub | None:
    """Return this process's hub if it was started."""
    return _hub


async def stop_hub() -> None:
    """Stop and forget this process's hub."""
    global _hub
    hub, _hub = _hub, None
    if hub is not None:
        await hub.stop()


def background_tasks(hub: Hub) -> dict[str, Callable[[], Awaitable[None]]]:
    """Return what runs beside the hub, by the names that /metrics and the log give it."""
    return {
        "repair": Repairer(hub.registry, hub.membership).run,
        "announcements": Announcements(hub.registry, hub.delivery, hub.unread).run,
        "watch": RevocationPoller(hub.registry).run,
        "sampler": Gauges(hub.registry).run,
        "met limits": refusals.run,
        "deletions": deletions.run,
        "indexing": indexing.run,
    }


def publish(*events: LayerEvent) -> None:
    """Send `events` to whomever they concern, from any thread of any process; never raises for a broker that fails."""
    hub = _hub
    if hub is not None:
        hub.publish(*events)
        return
    layer = get_layer()
    if is_shared(layer):
        for event in events:
            _direct.send_or_drop(layer, event)


async def publish_confirmed(event: LayerEvent) -> None:
    """Send `event` as `publish` does; raises what keeps it from the other processes."""
    hub = _hub
    if hub is not None:
        await hub.publish_confirmed(event)
        return
    layer = get_layer()
    if is_shared(layer):
        await _direct.send(layer, event)
