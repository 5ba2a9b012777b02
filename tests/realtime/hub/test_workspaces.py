"""Who is told what of a workspace: asked of the database at the last moment, seldom, and bounded."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest

from realtime.broker.events import Audience, LayerEvent, workspace_group
from realtime.hub import workspaces
from realtime.hub.connections import ConnectionRegistry
from realtime.hub.workspaces import WorkspaceFeed
from tests.realtime.listeners import Listener

ACME, OTHER = uuid4(), uuid4()
ANN, BEN, EVE = uuid4(), uuid4(), uuid4()


class Scene:
    """Connections that have entered workspaces, and what the database says of their members by now."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.members = {ACME: {ANN, BEN, EVE}, OTHER: {ANN, BEN}}
        self.asked = 0
        self.registry = ConnectionRegistry(lambda _: None, lambda _: None)
        self.feed = WorkspaceFeed(self.registry)

        async def ask(_: object, workspace_id: UUID, user_ids: set[UUID]) -> set[UUID]:
            self.asked += 1
            return self.members[workspace_id] & set(user_ids)

        monkeypatch.setattr(workspaces, "run_in_db_thread", ask)

    def enter(self, user_id: UUID, *workspace_ids: UUID) -> Listener:
        listener = Listener(user_id)
        self.registry.add(listener.connection, set(workspace_ids))
        return listener

    async def settle(self) -> None:
        tasks = [asyncio.create_task(run()) for run in (self.feed.run_moves, self.feed.run_states)]
        await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()


def event(
    text: str, *, place: UUID = ACME, about: UUID | None = None, latest_of: str = "", number: int = 1
) -> LayerEvent:
    return LayerEvent(
        group=workspace_group(place),
        audience=Audience.WORKSPACE,
        payload=text.encode(),
        workspace_id=place,
        user_ids=(about,) if about else (),
        latest_of=latest_of,
        announcement=number,
    )


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(monkeypatch)


async def test_whoever_was_removed_hears_nothing_though_no_process_has_told(scene: Scene) -> None:
    ann, eve = scene.enter(ANN, ACME), scene.enter(EVE, ACME)
    scene.members[ACME].remove(EVE)
    scene.feed.put(event("moved"))
    scene.feed.put(event("renamed", latest_of="workspace", number=2))
    await scene.settle()
    assert ann.texts == ["moved", "renamed"]
    assert eve.texts == []


async def test_nobody_hears_of_somebody_who_has_left(scene: Scene) -> None:
    ann = scene.enter(ANN, ACME)
    scene.members[ACME].remove(EVE)
    scene.feed.put(event("Eve is called Eva", about=EVE, latest_of="user"))
    await scene.settle()
    assert ann.texts == []


async def test_of_many_names_the_latest_is_told_once_however_many_workspaces_are_shared(scene: Scene) -> None:
    ann, ben, eve = scene.enter(ANN, ACME, OTHER), scene.enter(BEN, ACME, OTHER), scene.enter(EVE, ACME)
    for number in range(100):
        for place in (ACME, OTHER):
            scene.feed.put(event(f"name {number}", place=place, about=BEN, latest_of="user", number=number + 1))
    await scene.settle()
    for listener in (ann, ben, eve):
        assert listener.texts == ["name 99"]
    assert scene.asked == 2


async def test_over_the_bound_everybody_concerned_loads_again(scene: Scene) -> None:
    ann, ben = scene.enter(ANN, ACME), scene.enter(BEN, OTHER)
    for number in range(workspaces.MOST + 1):
        scene.feed.put(event(f"move {number}"))
    await scene.settle()
    heard = ann.texts
    assert '"overload"' in heard[0]
    assert heard[1:] == [f"move {workspaces.MOST}"]
    assert ben.texts == []
