"""Whose unread messages are counted in a round: nobody's whose counts cannot have changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from realtime.broker.events import Audience, LayerEvent, workspace_group
from realtime.hub import unread
from realtime.hub.connections import ConnectionRegistry
from realtime.hub.unread import UnreadFeed
from tests.realtime.listeners import Listener

ACME, CHAT, OTHER = uuid4(), uuid4(), uuid4()
ANN, BEN, EVE = uuid4(), uuid4(), uuid4()


def post(chat_id: UUID, **fields: Any) -> LayerEvent:
    """Return what a post, or with `fields` a change of counts, tells the members of a workspace."""
    return LayerEvent(
        group=workspace_group(ACME),
        audience=Audience.UNREAD,
        workspace_id=ACME,
        chat_id=chat_id,
        revision=1,
        **fields,
    )


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Callable[[LayerEvent], Any]:
    """Return who is counted after an event: Ann is subscribed to CHAT in both of her tabs, Ben in one of two."""
    registry = ConnectionRegistry(lambda _: None, lambda _: None)
    for user_id, chat_id in ((ANN, CHAT), (ANN, CHAT), (BEN, CHAT), (BEN, None), (EVE, OTHER)):
        connection = Listener(user_id).connection
        registry.add(connection, {ACME})
        if chat_id is not None:
            registry.subscribe(connection, chat_id)
    feed = UnreadFeed(registry)
    asked: set[UUID] = set()

    async def ask(_: object, chat_ids: list[UUID], user_ids: list[UUID]) -> list[object]:
        asked.update(user_ids)
        return []

    monkeypatch.setattr(unread, "run_in_db_thread", ask)

    async def after(*events: LayerEvent) -> set[UUID]:
        for event in events:
            feed.put(event)
        task = asyncio.create_task(feed.run_unread())
        await asyncio.sleep(0.05)
        task.cancel()
        return asked

    return after


async def test_who_is_subscribed_counts_a_post_themselves(counted: Callable[..., Any]) -> None:
    assert await counted(post(CHAT)) == {BEN, EVE}


async def test_a_post_in_another_chat_of_the_round_is_counted(counted: Callable[..., Any]) -> None:
    assert await counted(post(CHAT), post(OTHER)) == {ANN, BEN, EVE}


@pytest.mark.parametrize("change", [{"deleted_seq": 1}, {"user_ids": (ANN,)}], ids=["deleted", "mentioned"])
async def test_what_subscribers_cannot_count_is_counted(counted: Callable[..., Any], change: dict[str, Any]) -> None:
    assert await counted(post(CHAT, **change)) == {ANN, BEN, EVE}
