"""Who may be watched, as whom, and what it costs."""

from __future__ import annotations

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chats import services
from chats.models import ChatMember
from presence.exceptions import RegistryUnavailable
from presence.selectors import presence_payload, read_chats_of, read_presence, read_watched
from tests.conftest import Cast, make_user
from tests.presence.watched import Process, WatchedRegistry


def direct(cast: Cast) -> None:
    """Make a direct chat of owner and member."""
    services.create_chat(user=cast.owner, workspace_id=cast.workspace.pk, kind="direct", member_ids=[cast.member.pk])


def seen(cast: Cast, *wanted: uuid.UUID) -> dict[uuid.UUID, str]:
    """Return the names of those of `wanted` whom the owner may watch."""
    return {person.user_id: person.display_name for person in read_watched(cast.owner.pk, wanted).people}


def test_people_are_as_their_chats_presence_says(cast: Cast, process: Process) -> None:
    process.hold(cast.member)
    direct(cast)
    found = read_watched(cast.owner.pk, [cast.member.pk, cast.owner.pk])
    expected = {str(one.user_id): presence_payload(one) for one in read_presence(cast.chat).members}
    entries = {
        str(person.user_id): {
            "user_id": str(person.user_id),
            "display_name": person.display_name,
            "is_online": person.is_online,
            "last_seen": person.last_seen,
            "version": person.version,
        }
        for person in found.people
    }
    assert entries == expected
    assert (
        found.chats
        == read_chats_of([cast.owner.pk])[cast.owner.pk]
        == set(ChatMember.objects.filter(user=cast.owner).values_list("chat_id", flat=True))
    )


def test_strangers_and_nobody_are_left_out(cast: Cast, process: Process) -> None:
    assert seen(cast, cast.member.pk, cast.outsider.pk, uuid.uuid4()) == {cast.member.pk: "Mika"}
    assert read_watched(cast.outsider.pk, [cast.owner.pk, cast.outsider.pk]).people == []
    services.remove_chat_member(user=cast.owner, chat_id=cast.chat.pk, user_id=cast.member.pk)
    assert seen(cast, cast.member.pk) == {}
    cast.member.display_name = "Mika Two"
    cast.member.save()
    services.add_chat_members(user=cast.owner, chat_id=cast.chat.pk, user_ids=[cast.member.pk])
    assert seen(cast, cast.member.pk) == {cast.member.pk: "Mika Two"}


@pytest.mark.parametrize("blocker", ["owner", "member"])
def test_a_block_hides_in_the_direct_chat_only(cast: Cast, process: Process, blocker: str) -> None:
    direct(cast)
    by, blocked = (cast.owner, cast.member) if blocker == "owner" else (cast.member, cast.owner)
    services.block_user(user=by, user_id=blocked.pk)
    assert set(seen(cast, cast.member.pk)) == {cast.member.pk}
    services.delete_chat(user=cast.owner, chat_id=cast.chat.pk)
    assert seen(cast, cast.member.pk) == {}
    services.unblock_user(user=by, user_id=blocked.pk)
    assert set(seen(cast, cast.member.pk)) == {cast.member.pk}


def test_five_hundred_cost_one_command_and_four_queries(cast: Cast, process: Process) -> None:
    people = [make_user(f"p{number}") for number in range(3)]
    ChatMember.objects.bulk_create(ChatMember(chat=cast.chat, user=user) for user in people)
    wanted = [cast.member.pk, *(user.pk for user in people), *(uuid.uuid4() for _ in range(496))]
    calls = process.registry.calls
    with CaptureQueriesContext(connection) as queries:
        assert len(read_watched(cast.owner.pk, wanted).people) == 4
    assert (len(queries), process.registry.calls - calls) == (4, 1)


def test_without_the_registry_nobody_knows(cast: Cast, process: Process, registry: WatchedRegistry) -> None:
    registry.is_unavailable = True
    with pytest.raises(RegistryUnavailable):
        read_watched(cast.owner.pk, [cast.member.pk])
