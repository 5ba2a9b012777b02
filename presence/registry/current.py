"""This process's registry."""

from __future__ import annotations

import functools

from django.conf import settings

from presence.registry.base import Registry
from presence.registry.memory import MemoryRegistry, Store
from presence.registry.redis import RedisRegistry


@functools.cache
def get_registry() -> Registry:
    """Return this process's registry, made with the first call."""
    return make_registry(lease=settings.FLOWRA_PRESENCE_LEASE, grace=settings.FLOWRA_PRESENCE_GRACE)


def make_registry(*, lease: float, grace: float) -> Registry:
    """Return a registry on REDIS_URL, or in this process's memory without it; `lease` and `grace` are seconds."""
    if settings.REDIS_URL:
        return RedisRegistry(settings.REDIS_URL, lease=lease, grace=grace)
    return MemoryRegistry(Store(), lease=lease, grace=grace)
