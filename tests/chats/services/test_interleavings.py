"""After a removal nobody is a member or posts: each service against each way to be removed.

One of the two stops after a statement while the other runs to its end, or until it waits. What comes of it must be what
comes of the two one after the other, in the order in which they were committed. SQLite has one writer at a time, so
that only these two orders are there to be looked at.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection

from chats.exceptions import ChatError
from tests.chats.services.acts import ABOUT_THE_CHAT, BY_MIKA, BY_OTHERS, REMOVALS, Doing, World
from tests.chats.services.interleaving import Interleaving, Stage

pytestmark = pytest.mark.django_db(transaction=True)

ACT, REMOVAL = "act", "removal"
ORDERS = ((ACT, REMOVAL), (REMOVAL, ACT))
COMMON = ("posts", "reads", "adds themselves")
# What is tried with each way to be removed: all that is about the chat with the one, the rest with the other.
TRIED: dict[str, tuple[str, ...]] = dict.fromkeys((removal.name for removal in REMOVALS), COMMON)
TRIED["removed from the chat"] = tuple(act.name for act in BY_MIKA + BY_OTHERS if act.is_about_the_chat)
TRIED["removed from the workspace"] = COMMON + tuple(
    act.name for act in BY_MIKA + BY_OTHERS if act.name not in ABOUT_THE_CHAT
)


@dataclasses.dataclass(frozen=True, slots=True)
class Played:
    """What came of one interleaving."""

    how: Interleaving
    outcome: dict[str, Any]
    is_rid_of_mika: bool

    def is_right(self) -> bool:
        """Whether nobody stays, and nobody meets an error of the database."""
        return self.is_rid_of_mika and set(self.outcome["errors"].values()) <= {"", "refused"}


@pytest.fixture
def stage() -> Iterator[Stage]:
    """Give two threads with connections of their own."""
    with Stage(ACT, REMOVAL) as running:
        yield running


def play(stage: Stage, act: Doing, removal: Doing, first: str, stop: int | None) -> Played:
    """Play the two in a world of their own."""
    world = World()
    acts = {ACT: lambda: act.do(world), REMOVAL: lambda: removal.do(world)}
    how = stage.play(acts, first, stop=stop)
    outcome: dict[str, Any] = world.outcome()
    outcome["errors"] = {name: say(error) for name, error in how.errors.items()}
    return Played(how, outcome, world.is_rid_of_mika())


def say(error: BaseException | None) -> str:
    """Return "refused" for any of the domain's refusals; what else came, in full."""
    if error is None:
        return ""
    return "refused" if isinstance(error, (ChatError, ObjectDoesNotExist)) else repr(error)


def stops(statements: list[str], *, is_removal: bool) -> Iterator[int]:
    """Give the numbers of statements to stop after: all but reads that another one follows.

    Nobody sees what a removal has written before its commit: it is stopped where it takes locks.
    """
    locks = [" FOR " in text or text.startswith("DELETE") for text in statements]
    reads = [text.startswith("SELECT") and not is_lock for text, is_lock in zip(statements, locks, strict=True)]
    for number, is_read in enumerate(reads, start=1):
        next_is_read = number < len(reads) and reads[number]
        if locks[number - 1] or not (is_removal or (is_read and next_is_read)):
            yield number


@pytest.mark.slow
@pytest.mark.parametrize("removal", REMOVALS, ids=[removal.name for removal in REMOVALS])
def test_two_at_once_are_as_one_after_the_other(stage: Stage, removal: Doing) -> None:
    acts = [act for act in BY_MIKA + BY_OTHERS if act.name in TRIED[removal.name]]
    assert [wrong for act in acts for wrong in what_goes_wrong(stage, act, removal)] == []


def what_goes_wrong(stage: Stage, act: Doing, removal: Doing) -> Iterator[str]:
    """Play the two in turn, then with one of them stopped at each place, and say where something else came of it."""
    in_turn = {order: play(stage, act, removal, order[0], None) for order in ORDERS}
    for order, played in in_turn.items():
        if played.how.order != order or not played.is_right():
            yield f"{act.name}, {removal.name}, in turn: {played}"
    if connection.vendor != "postgresql":
        return
    right: dict[tuple[str, ...], dict[str, Any]] = {order: in_turn[order].outcome for order in ORDERS}
    is_free = act.any_order or removal.any_order
    for first, second in ORDERS:
        for stop in stops(in_turn[first, second].how.statements[first], is_removal=first == REMOVAL):
            played = play(stage, act, removal, first, stop)
            allowed = list(right.values()) if is_free else [right[played.how.order]]
            if not played.is_right() or played.outcome not in allowed:
                where = played.how.statements[first][stop - 1 : stop]
                yield f"{act.name}, {removal.name}, the {first} stopped after {where}: {played.outcome}"
