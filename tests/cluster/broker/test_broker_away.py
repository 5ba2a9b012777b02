"""The broker is killed while people talk: posts succeed at once, everything arrives, clients resync."""

from __future__ import annotations

import time

from tests.realtime.conftest import Scene
from tests.support.processes import Server, Valkey

REPAIRED_WITHIN = 5.0 + 3.0  # seconds: FLOWRA_REPAIR_INTERVAL and some air for a busy machine


async def test_nothing_waits_and_nothing_is_lost(pair: tuple[Server, Server], broker: Valkey, scene: Scene) -> None:
    async with (
        await scene.john.subscribe(scene.chat_id) as john,
        await scene.john.subscribe(scene.chat_id) as tab,
        await scene.jane.subscribe(scene.chat_id) as jane,
    ):
        broker.kill()
        for number in range(3):
            began = time.monotonic()
            assert (await john.post(scene.chat_id, f"while away {number}"))["action"] == "posted"
            assert time.monotonic() - began < 1.0, "the ack waited for the broker"
            assert (await tab.until("chat.message.posted"))["data"]["body"] == f"while away {number}"
        began = time.monotonic()
        repaired = [(await jane.until("chat.message.posted"))["data"]["body"] for _ in range(3)]
        assert repaired == [f"while away {number}" for number in range(3)]
        assert time.monotonic() - began < REPAIRED_WITHIN

        began = time.monotonic()
        async with await scene.jane.subscribe(scene.chat_id) as newcomer:
            assert (await newcomer.post(scene.chat_id, "subscribed meanwhile"))["action"] == "posted"
            await newcomer.until("chat.message.posted")
            assert time.monotonic() - began < 5.0, "subscribing waited for the broker"

            broker.start()
            for socket in (john, jane):
                resync = await socket.until("resync")
                assert (resync["reason"], resync["within"]) == ("broker", 1)
            began = time.monotonic()
            await john.post(scene.chat_id, "back again")
            for socket in (jane, newcomer):
                while (await socket.until("chat.message.posted"))["data"]["body"] != "back again":
                    continue
            assert time.monotonic() - began < REPAIRED_WITHIN


async def test_a_removal_without_the_broker_holds_after_the_next_look(
    pair: tuple[Server, Server], broker: Valkey, scene: Scene
) -> None:
    """The event of the removal is lost; whatever is committed later carries the newer access version."""
    async with await scene.john.subscribe(scene.chat_id) as john, await scene.jane.subscribe(scene.chat_id) as jane:
        broker.kill()
        try:
            await scene.john.call("DELETE", f"{scene.path}/members/{scene.jane.id}", expect=204)
            await john.post(scene.chat_id, "secret")
        finally:
            broker.start()
        await jane.until("resync")
        assert (await jane.ask("subscribe", chat_id=scene.chat_id))["code"] == "forbidden"
        assert [frame for frame in await jane.frames_so_far() if frame["type"] == "chat.message.posted"] == []
