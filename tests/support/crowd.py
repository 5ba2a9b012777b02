"""Many tabs of many people that follow one chat, each a client that heals by itself (tests/support/follower.py).

chat_id, people = make_members(server, 50)
async with Crowd.gathered(people, 4, chat_id, [front.base_url]) as crowd:
    bodies = await write_something(crowd)
    assert crowd.lost_and_doubled(bodies) == (0, 0)
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Self

from tests.support.clients import Person
from tests.support.follower import Follower, Outage
from tests.support.processes import Server

AT_ONCE = 50  # as many handshakes at a time as one client process can carry on
TOKENS = """
from chats.models import Chat
from flowra.accounts.security.tokens import issue_tokens
chat = Chat.objects.get(title="All hands")
print("chat", chat.pk)
members = chat.memberships.select_related("user").filter(user__username__startswith="member")
for membership in members.order_by("pk")[:{count}]:
    print("token", membership.user_id, membership.user.username, issue_tokens(membership.user).access)
"""


def make_members(server: Server, count: int) -> tuple[str, list[Person]]:
    """Make so many members of the demo's chat "All hands", and return its id and them, signed in."""
    server.manage("seed_demo", "--members", str(count))
    lines = [line.split() for line in server.manage("shell", "-v0", "-c", TOKENS.format(count=count)).splitlines()]
    (chat_id,) = (line[1] for line in lines if line[0] == "chat")
    people = [
        Person(server.base_url, line[3], {"id": line[1], "username": line[2]}) for line in lines if line[0] == "token"
    ]
    assert len(people) == count
    return chat_id, people


class Crowd:
    """The tabs, and what their users saw."""

    def __init__(self) -> None:
        self.followers: list[Follower] = []

    @classmethod
    @contextlib.asynccontextmanager
    async def gathered(
        cls, people: Sequence[Person], tabs: int, chat_id: str, addresses: Sequence[str]
    ) -> AsyncIterator[Self]:
        """Give a crowd whose tabs are all connected."""
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with contextlib.suppress(OSError, ValueError):  # macOS names a limit that it does not grant
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        crowd = cls()
        everybody = [person for _ in range(tabs) for person in people]
        async with contextlib.AsyncExitStack() as stack:
            for start in range(0, len(everybody), AT_ONCE):
                following = [
                    Follower.following(person.at(addresses[0]), chat_id, addresses)
                    for person in everybody[start : start + AT_ONCE]
                ]
                crowd.followers += await asyncio.gather(*map(stack.enter_async_context, following))
            yield crowd

    @property
    def is_live(self) -> bool:
        """Whether each tab is connected and subscribed."""
        return all(follower.is_live for follower in self.followers)

    @property
    def outages(self) -> list[Outage]:
        """Every time that a tab was without its connection."""
        return [outage for follower in self.followers for outage in follower.outages]

    @property
    def close_codes(self) -> Counter[int]:
        """How many connections ended with which code."""
        return Counter(outage.code for outage in self.outages)

    @property
    def longest_outage(self) -> float:
        """Seconds from the end of a connection to the answer of the next subscription, at worst."""
        return max((outage.seconds for outage in self.outages), default=0.0)

    @property
    def shown_offline(self) -> set[str]:
        """The ids of the people who were announced as offline to somebody."""
        told = (change for follower in self.followers for _, change in follower.presence)
        return {change["user_id"] for change in told if not change["is_online"]}

    def lost_and_doubled(self, bodies: Collection[str]) -> tuple[int, int]:
        """Return how many of these messages are missing on somebody's screen, and how many messages are there twice."""
        lost: set[str] = set()
        doubled: set[str] = set()
        for follower in self.followers:
            shown = follower.bodies
            lost |= set(bodies) - shown.keys()
            doubled |= {body for body, times in shown.items() if times > 1}
        return len(lost), len(doubled)

    async def until_live(self, within: float) -> None:
        """Return once each tab is connected; raises AssertionError after `within` seconds."""
        deadline = asyncio.get_running_loop().time() + within
        while away := [follower for follower in self.followers if not follower.is_live]:
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"{len(away)} tabs are not back after {within} s, the first: {away[0].outages}")
            await asyncio.sleep(0.05)

    async def until_shown(self, bodies: Collection[str], within: float) -> None:
        """Return once these messages are on every screen; raises AssertionError after `within` seconds."""
        for follower in self.followers:
            await follower.until(lambda each=follower: set(bodies) <= each.arrived.keys(), within, "messages")  # type: ignore[misc]
