"""Background tasks while the database fails: what they did not do, the restarted task does."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import functools
import json
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.db import OperationalError
from django.utils import timezone

from chats import services
from chats.selectors.chats import members_among
from chats.selectors.unread import unread_counts
from realtime.background import revocation
from realtime.background.notices import make_notice
from realtime.broker.events import Audience, LayerEvent
from realtime.broker.groups import GroupKeeper
from realtime.credentials import is_valid
from realtime.hub import unread
from realtime.hub.connections import ConnectionRegistry
from realtime.hub.unread import UnreadFeed
from realtime.models import Notice
from realtime.protocol.frames import CloseCode
from tests.conftest import Cast
from tests.realtime.listeners import Listener

if TYPE_CHECKING:
    from flowra.accounts.models import User


class FailingDatabase:
    """Runs database work in the test's own transaction, but for the first calls of some functions, which fail."""

    def __init__(self, *fail_once: Callable[..., Any]) -> None:
        self._fail_once = {function.__name__ for function in fail_once}

    async def run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Stand for `run_in_db_thread`."""
        if function.__name__ in self._fail_once:
            self._fail_once.remove(function.__name__)
            raise OperationalError("the database is away")
        return await sync_to_async(function)(*args, **kwargs)


def connect(listener: Listener, *workspaces: uuid.UUID) -> ConnectionRegistry:
    """Return a registry with this one connection."""
    registry = ConnectionRegistry(lambda group: None, lambda group: None)
    registry.add(listener.connection, set(workspaces))
    return registry


async def test_an_ended_credential_is_checked_again_if_the_database_failed(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocation, "run_in_db_thread", FailingDatabase(is_valid).run)
    cast.member.security_changed_at = timezone.now()
    await sync_to_async(cast.member.save)()
    listener = Listener(cast.member.pk)  # its session does not exist, so its credential is not good
    poller = revocation.RevocationPoller(connect(listener))
    with pytest.raises(OperationalError):
        await poller.poll()
    assert listener.ended == []
    await poller.poll()
    assert listener.ended == [CloseCode.UNAUTHENTICATED]
    await poller.poll()
    assert listener.ended == [CloseCode.UNAUTHENTICATED], "the same stamp is checked once"


async def move_stamp(user: User, seconds: float | None) -> None:
    """Have a transaction that was held up for `seconds` commit its stamp now; None: the stamp is lost."""
    stamp = None if seconds is None else timezone.now() - datetime.timedelta(seconds=seconds)
    await get_user_model().objects.filter(pk=user.pk).aupdate(security_changed_at=stamp)


@pytest.mark.parametrize("late", [0, revocation.OVERLAP.total_seconds() + 1, 3600], ids=str)
async def test_a_stamp_counts_however_late_it_is_committed(
    cast: Cast, late: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocation, "run_in_db_thread", FailingDatabase().run)
    listener = Listener(cast.member.pk)
    poller = revocation.RevocationPoller(connect(listener))
    await poller.poll()
    assert listener.ended == []
    await move_stamp(cast.member, late)
    await poller.poll()
    assert listener.ended == [CloseCode.UNAUTHENTICATED]
    await poller.poll()
    assert listener.ended == [CloseCode.UNAUTHENTICATED], "the same stamp is checked once"
    await move_stamp(cast.member, None)  # the database lost its latest commits
    await poller.poll()
    assert len(listener.ended) == 2
    await cast.member.adelete()
    await poller.poll()
    assert len(listener.ended) == 3


async def test_stamps_are_compared_a_bounded_number_at_a_time(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revocation, "run_in_db_thread", FailingDatabase().run)
    monkeypatch.setattr(revocation, "COMPARED", 1)
    listeners = [Listener(user.pk) for user in (cast.owner, cast.member, cast.outsider)]
    registry = connect(listeners[0])
    for listener in listeners[1:]:
        registry.add(listener.connection, set())
    poller = revocation.RevocationPoller(registry)
    for user in (cast.owner, cast.member, cast.outsider):
        await move_stamp(user, 3600)
    ended = []
    for _ in listeners:
        await poller.poll()
        ended.append(sum(len(listener.ended) for listener in listeners))
    assert ended == [1, 2, 3]


async def test_who_registers_with_an_old_stamp_is_not_checked_again(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocation, "run_in_db_thread", FailingDatabase().run)
    await move_stamp(cast.member, 3600)
    await cast.member.arefresh_from_db()
    listener = Listener(cast.member.pk)
    listener.connection.checked_at = cast.member.security_changed_at
    poller = revocation.RevocationPoller(connect(listener))
    for _ in range(2):
        await poller.poll()
    assert listener.ended == []


async def test_a_notice_that_is_committed_late_is_told(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revocation, "run_in_db_thread", FailingDatabase().run)
    listener = Listener(cast.member.pk)
    poller = revocation.RevocationPoller(connect(listener))
    await poller.poll()
    late = timezone.now() - datetime.timedelta(minutes=5)
    await Notice.objects.acreate(text="held up", created_at=late)
    for _ in range(2):
        await poller.poll()
    assert [json.loads(text)["text"] for text in listener.texts] == ["held up"]


async def test_a_notice_is_told_once_whatever_becomes_of_the_clock(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revocation, "run_in_db_thread", FailingDatabase().run)
    listener = Listener(cast.member.pk)
    poller = revocation.RevocationPoller(connect(listener))
    await sync_to_async(make_notice)(text="before the server ran", level="info", workspace=None)
    await poller.poll()
    await sync_to_async(make_notice)(text="now", level="info", workspace=None)
    for ahead in (0, 0, 3600, -3600):  # gone from what the poll finds, and found anew
        now = timezone.now() + datetime.timedelta(seconds=ahead)
        monkeypatch.setattr(revocation, "database_now", functools.partial(lambda then: then, now))
        await poller.poll()
    assert [json.loads(text)["text"] for text in listener.texts] == ["now"]


async def until(condition: Callable[[], bool]) -> None:
    """Return once `condition()` holds; raises TimeoutError after 10 s."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  (what is waited for knows of no event)
            await asyncio.sleep(0.01)


async def run_until(run: Callable[[], Any], condition: Callable[[], bool]) -> None:
    """Run a background task, again whenever the database fails, until `condition` holds."""

    async def keep_running() -> None:
        while True:
            with contextlib.suppress(OperationalError):
                await run()

    task = asyncio.get_running_loop().create_task(keep_running())
    await until(condition)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_unread_counts_are_told_after_the_database_came_back(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unread, "run_in_db_thread", FailingDatabase(unread_counts).run)
    await sync_to_async(services.post_message)(user=cast.owner, chat_id=cast.chat.pk, body="hi", client_id=uuid.uuid4())
    listener = Listener(cast.member.pk)
    feed = UnreadFeed(connect(listener, cast.workspace.pk))
    feed.put(LayerEvent(group="w", audience=Audience.UNREAD, chat_id=cast.chat.pk, workspace_id=cast.workspace.pk))
    await run_until(feed.run_unread, lambda: bool(listener.texts))
    assert json.loads(listener.texts[0])["unread_count"] == 1


async def test_changes_are_told_in_order_after_the_database_came_back(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unread, "run_in_db_thread", FailingDatabase(members_among).run)
    listener, stranger = Listener(cast.member.pk), Listener(cast.outsider.pk)
    registry = connect(listener, cast.workspace.pk)
    registry.add(stranger.connection, {cast.workspace.pk})
    feed = UnreadFeed(registry)
    for text in ("one", "two"):
        feed.put(
            LayerEvent(
                group="w",
                audience=Audience.MEMBERS,
                payload=text.encode(),
                chat_id=cast.chat.pk,
                workspace_id=cast.workspace.pk,
            )
        )
    await run_until(feed.run_changes, lambda: len(listener.texts) == 2)
    assert listener.texts == ["one", "two"]
    assert stranger.texts == []


async def test_more_changes_than_may_wait_have_those_concerned_load_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unread, "MAX_CHANGES", 2)
    workspace, elsewhere = uuid.uuid4(), uuid.uuid4()
    listener, stranger = Listener(uuid.uuid4()), Listener(uuid.uuid4())
    registry = connect(listener, workspace)
    registry.add(stranger.connection, {elsewhere})
    feed = UnreadFeed(registry)  # nobody runs it
    for _ in range(3):
        feed.put(
            LayerEvent(
                group="w", audience=Audience.MEMBERS, payload=b"one", chat_id=uuid.uuid4(), workspace_id=workspace
            )
        )
    (text,) = listener.texts
    assert (json.loads(text)["type"], json.loads(text)["reason"]) == ("resync", "overload")
    assert stranger.texts == []


class Layer:
    """A layer that refuses its first join, and notes what it was asked."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    async def group_add(self, group: str, channel: str) -> None:
        self.calls.append(f"add {group}")
        if len(self.calls) == 1:
            raise ConnectionError("the broker is away")

    async def group_discard(self, group: str, channel: str) -> None:
        self.calls.append(f"discard {group}")


async def test_a_group_that_cannot_be_joined_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.broker.groups.RETRY_DELAY", 0.01)
    layer = Layer()
    keeper = GroupKeeper(layer, "channel")
    keeper.acquire("chat.1")
    task = asyncio.get_running_loop().create_task(keeper.run())
    await asyncio.wait_for(keeper.joined("chat.1"), 10)
    keeper.release("chat.1")
    await until(lambda: "discard chat.1" in layer.calls)
    task.cancel()
    assert layer.calls == ["add chat.1", "add chat.1", "discard chat.1"]


class SlowLayer:
    """A layer whose discards take until the test lets them go on; each fails first if it is told so."""

    def __init__(self, *, fails: bool = False) -> None:
        self.groups: set[str] = set()
        self.discarding = asyncio.Event()
        self.go_on = asyncio.Event()
        self._fails = fails

    async def group_add(self, group: str, channel: str) -> None:
        self.groups.add(group)

    async def group_discard(self, group: str, channel: str) -> None:
        self.groups.discard(group)
        self.discarding.set()
        await self.go_on.wait()
        if self._fails:
            self._fails = False
            raise ConnectionError("the broker is away")


@pytest.mark.parametrize("fails", [False, True], ids=["the discard is done", "the discard fails"])
async def test_who_joins_while_the_group_is_left_waits_for_the_join(
    fails: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.broker.groups.RETRY_DELAY", 0.01)
    layer = SlowLayer(fails=fails)
    keeper = GroupKeeper(layer, "channel")
    keeper.acquire("user.1")
    running = asyncio.get_running_loop().create_task(keeper.run())
    await asyncio.wait_for(keeper.joined("user.1"), 10)
    keeper.release("user.1")  # the last socket ends, and the next page's opens
    await layer.discarding.wait()
    keeper.acquire("user.1")
    joining = [asyncio.get_running_loop().create_task(keeper.joined("user.1")) for _ in range(2)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in joining), "the group is being left"
    layer.go_on.set()
    await asyncio.wait_for(asyncio.wait(joining, return_when=asyncio.FIRST_COMPLETED), 10)
    assert layer.groups == {"user.1"}
    await asyncio.wait_for(asyncio.gather(*joining), 10)
    running.cancel()


async def test_a_group_that_nobody_wants_keeps_nobody_waiting() -> None:
    keeper = GroupKeeper(SlowLayer(), "channel")
    keeper.acquire("user.1")
    joining = asyncio.get_running_loop().create_task(keeper.joined("user.1"))
    await asyncio.sleep(0)
    keeper.release("user.1")
    running = asyncio.get_running_loop().create_task(keeper.run())
    await asyncio.wait_for(joining, 10)
    running.cancel()
