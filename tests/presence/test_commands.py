"""manage.py presence, presence reap, presence kick."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django import Settings

from presence.changes import PresenceBatch
from presence.events import PresenceEvent, presence_event
from presence.models import LastSeen
from tests.conftest import Cast
from tests.presence.watched import Process, WatchedRegistry, start_process, watched_registry

ACTIONS = [(), ("--json",), ("reap",), ("kick", "mika")]


@pytest.fixture
def process() -> Iterator[Process]:
    """Give a process without users, on a registry that is not the command's own."""
    with watched_registry() as registry:
        registry.is_local = False
        yield start_process(registry)


def run(*arguments: str) -> str:
    """Run the command and return what it prints."""
    out = io.StringIO()
    call_command("presence", *arguments, stdout=out)
    return out.getvalue()


def pass_time(registry: WatchedRegistry, seconds: float) -> None:
    """Let registry time go on, in steps that it takes for real."""
    for _ in range(int(seconds)):
        registry.now += 1
        registry.processes()


def test_it_shows_processes_and_users(cast: Cast, process: Process) -> None:
    other = start_process(process.registry, "web2", 102)
    process.hold(cast.owner, cast.member)
    other.hold(cast.member, connections=2)
    assert run().splitlines() == [
        "Processes: 2",
        "  web1/101  version 1.2.3  since 2027-01-15 08:00:00 UTC  connections 2  lease 15.0 s",
        "  web2/102  version 1.2.3  since 2027-01-15 08:00:00 UTC  connections 2  lease 15.0 s",
        "Users: 2",
        "  Mika (@mika)  connections 3 (web1/101: 1, web2/102: 2)",
        "  Olga (@olga)  connections 1 (web1/101: 1)",
    ]


def test_it_shows_nobody(db: None, process: Process) -> None:
    assert run().splitlines()[-1] == "Users: 0"


def test_it_shows_as_json(cast: Cast, process: Process) -> None:
    process.hold(cast.member, connections=2)
    assert json.loads(run("--json")) == {
        "processes": [
            {
                "incarnation": "web1-101",
                "host": "web1",
                "pid": 101,
                "version": "1.2.3",
                "since": "2027-01-15T08:00:00.000Z",
                "connections": 2,
                "lease_left": 15.0,
            }
        ],
        "users": [
            {
                "user_id": str(cast.member.pk),
                "username": "mika",
                "display_name": "Mika",
                "connections": 2,
                "processes": [{"incarnation": "web1-101", "host": "web1", "pid": 101, "connections": 2}],
            }
        ],
    }


def test_reaping_announces_what_nobody_has_announced(cast: Cast, process: Process) -> None:
    events: list[PresenceEvent] = []

    async def note(event: PresenceEvent, **kwargs: Any) -> None:
        events.append(event)

    presence_event.connect(note)
    try:
        process.hold(cast.owner, cast.member)  # and dies with the edges in its hands
        assert run("reap") == "Announced 0 changes.\n"
        pass_time(process.registry, 16)
        assert run("reap") == "Announced 4 changes.\n"
        assert run("reap") == "Announced 0 changes.\n"
    finally:
        presence_event.disconnect(note)
    changes = [change for event in events if isinstance(event, PresenceBatch) for change in event.changes]
    assert [change.is_online for change in changes] == [True, True, False, False]
    assert set(LastSeen.objects.values_list("user_id", flat=True)) == {cast.owner.pk, cast.member.pk}
    assert process.registry.processes() == []


def test_reaping_that_cannot_be_announced_says_so_and_confirms_nothing(cast: Cast, process: Process) -> None:
    async def fail(**kwargs: Any) -> None:
        raise ConnectionError("no broker")

    process.hold(cast.owner)
    pass_time(process.registry, 16)
    presence_event.connect(fail)
    try:
        with pytest.raises(CommandError, match=r"Not all could be announced; .*no broker"):
            run("reap")
    finally:
        presence_event.disconnect(fail)
    pass_time(process.registry, 3)
    assert run("reap") == "Announced 2 changes.\n"


def test_kicking_tells_every_process_that_holds_the_user(cast: Cast, process: Process) -> None:
    other = start_process(process.registry, "web2")
    process.hold(cast.owner, cast.member)
    other.hold(cast.member)
    assert run("kick", "Mika") == "2 processes were told to disconnect mika.\n"
    assert run("kick", "OLGA") == "1 process was told to disconnect olga.\n"
    assert run("kick", "otto") == "otto has no connections: 0 processes were told.\n"
    kicked = [set(process.registry.reap(each.info.incarnation).kicked) for each in (process, other)]
    assert kicked == [{cast.owner.pk, cast.member.pk}, {cast.member.pk}]


def test_kicking_nobody_is_an_error(cast: Cast, process: Process) -> None:
    with pytest.raises(CommandError, match='There is no user "nemo"'):
        run("kick", "nemo")
    with pytest.raises(CommandError, match="username"):
        run("kick")
    with pytest.raises(CommandError, match="invalid choice"):
        run("explode")


@pytest.mark.parametrize("arguments", ACTIONS)
def test_registry_of_the_server_process_cannot_be_asked(cast: Cast, process: Process, arguments: tuple[str]) -> None:
    process.registry.is_local = True
    calls = process.registry.calls
    with pytest.raises(CommandError, match=r"Without REDIS_URL .* /admin/presence/onlineuser/ "):
        run(*arguments)
    assert process.registry.calls == calls


@pytest.mark.parametrize("arguments", ACTIONS)
def test_switched_off(cast: Cast, process: Process, settings: Settings, arguments: tuple[str]) -> None:
    settings.FLOWRA_PRESENCE_ENABLED = False
    with pytest.raises(CommandError, match="Presence is switched off"):
        run(*arguments)


@pytest.mark.parametrize("arguments", ACTIONS)
def test_registry_that_is_unavailable_is_one_line(cast: Cast, process: Process, arguments: tuple[str]) -> None:
    process.registry.is_unavailable = True
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    assert str(caught.value) == "It is not known who is online. Taken away."
