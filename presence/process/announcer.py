"""Announces edges: stores last seen, publishes, confirms, in this order.

If a process ends in between, the edge stays unconfirmed and the registry hands it out again. So every step may happen
twice: storing never moves `last_seen` back, and receivers drop versions that they have.
"""

from __future__ import annotations

import datetime
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model

from chats.models import ChatMember
from chats.payloads import time_text
from chats.selectors.blocks import blocked_pairs
from presence import metrics
from presence.changes import ChatScope, PresenceBatch, PresenceEntry
from presence.events import presence_event
from presence.registry.base import Edge, Registry
from presence.services import store_last_seen

# Runs a blocking function outside the event loop and returns its result.
Run = Callable[..., Awaitable[Any]]
USERS_PER_EVENT = 500  # bounded by a query's parameters and by the size of a layer message


async def announce(edges: Iterable[Edge], registry: Registry, *, run_db: Run, run_registry: Run) -> None:
    """Store, publish and confirm edges; raises what storing or publishing raises, with nothing confirmed of that part.

    Several edges of one user are announced one after the other: each event has a user once.
    """
    for part in _parts(edges):
        seen = {edge.user_id: _moment(edge.at) for edge in part if not edge.is_online}
        if seen:
            await run_db(store_last_seen, seen)
        for batch in await run_db(read_batches, part):
            await presence_event.asend(sender=PresenceBatch, event=batch)
        await run_registry(registry.confirm, [edge.version for edge in part])
        for edge in part:
            metrics.edges_announced.labels("online" if edge.is_online else "offline").inc()


def read_batches(edges: Sequence[Edge]) -> list[PresenceBatch]:
    """Return what to announce of these edges, of different users: one batch for each workspace they share chats in."""
    users = get_user_model().objects.in_bulk([edge.user_id for edge in edges])
    entries = {
        edge.user_id: PresenceEntry(
            user_id=edge.user_id,
            display_name=users[edge.user_id].get_full_name(),
            is_online=edge.is_online,
            last_seen=None if edge.is_online else time_text(_moment(edge.at)),
            version=edge.version,
        )
        for edge in edges
        if edge.user_id in users
    }
    batches: list[PresenceBatch] = []
    for workspace_id, chats in _read_chats(users).items():
        concerned = {user_id for user_ids in chats.values() for user_id in user_ids}
        changes = tuple(entry for user_id, entry in entries.items() if user_id in concerned)
        positions = {entry.user_id: position for position, entry in enumerate(changes)}
        scopes = tuple(
            ChatScope(chat_id, access_version, tuple(positions[user_id] for user_id in user_ids))
            for (chat_id, access_version), user_ids in chats.items()
        )
        batches.append(PresenceBatch(workspace_id, changes, scopes))
    return batches


def _read_chats(users: Mapping[UUID, object]) -> dict[UUID, dict[tuple[UUID, int], list[UUID]]]:
    """Return these users' chats: by workspace, then by chat and its `access_version`, who of them is a member."""
    # After the edge was taken: whoever joins a chat later on is looked up by the hubs when they receive that event.
    rows = ChatMember.objects.filter(user_id__in=list(users)).values_list(
        "chat__workspace_id", "chat_id", "chat__access_version", "user_id", "chat__direct_key"
    )
    blocked = blocked_pairs(list(users))
    chats: dict[UUID, dict[tuple[UUID, int], list[UUID]]] = {}
    for workspace_id, chat_id, access_version, user_id, key in rows:
        if key is None or key not in blocked:
            chats.setdefault(workspace_id, {}).setdefault((chat_id, access_version), []).append(user_id)
    return chats


def _parts(edges: Iterable[Edge]) -> Iterator[list[Edge]]:
    """Yield the edges in order of version, in parts of at most USERS_PER_EVENT in which each user is once."""
    rest = sorted({edge.version: edge for edge in edges}.values(), key=lambda edge: edge.version)
    while rest:
        part: dict[UUID, Edge] = {}
        later: list[Edge] = []
        for edge in rest:
            if edge.user_id in part or len(part) >= USERS_PER_EVENT:
                later.append(edge)
            else:
                part[edge.user_id] = edge
        yield list(part.values())
        rest = later


def _moment(at: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(at, datetime.UTC)
