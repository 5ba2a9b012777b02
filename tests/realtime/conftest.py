"""Real servers with the demo's people in them, and those people as clients."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from asgiref.sync import async_to_sync

from tests.support.clients import Frame, Person, make_chat
from tests.support.processes import Server


@dataclasses.dataclass(frozen=True, slots=True)
class Scene:
    """John and Jane in a chat of a workspace that John owns; Bob is outside. Each test has its own."""

    john: Person
    jane: Person
    bob: Person
    chat: Frame

    @property
    def chat_id(self) -> str:
        """The chat's id."""
        chat_id: str = self.chat["id"]
        return chat_id

    @property
    def path(self) -> str:
        """The chat's path under /api/v1."""
        return f"/chats/{self.chat_id}"


@pytest.fixture(scope="module")
def demo_server(processes: None) -> Iterator[Server]:
    """Give a running server with the demo's people, shared by the tests of a module."""
    with Server(demo=True) as running:
        yield running


async def sign_in_all(base_url: str) -> list[Person]:
    """Sign John, Jane and Bob in."""
    return [await Person.sign_in(base_url, name) for name in ("john", "jane", "bob")]


async def make_scene(people: list[Person]) -> Scene:
    """Create a scene with these three."""
    john, jane, bob = people
    return Scene(john, jane, bob, await make_chat(john, jane))


@pytest.fixture(scope="module")
def people(demo_server: Server) -> list[Person]:
    """Give John, Jane and Bob, signed in once for a module."""
    signed_in: list[Person] = async_to_sync(sign_in_all)(demo_server.base_url)
    return signed_in


@pytest.fixture
def scene(people: list[Person]) -> Scene:
    """Give a scene on the module's server."""
    made: Scene = async_to_sync(make_scene)(people)
    return made
