"""GET /api/v1/chats/{id}/presence: who may ask, what is answered, and what it costs."""

from __future__ import annotations

import datetime
import uuid

from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from chats.models import Chat, ChatMember
from chats.payloads import time_text
from presence.services import store_last_seen
from tests.api.conftest import Answer, Caller, caller_for
from tests.conftest import Cast, make_user
from tests.presence.watched import Process, WatchedRegistry, start_process

EARLIER = datetime.datetime(2026, 11, 22, 20, 58, 11, 402_000, tzinfo=datetime.UTC)


def read(caller: Caller, chat: Chat) -> Answer:
    """Ask for the chat's presence."""
    return caller.get(f"/chats/{chat.pk}/presence")


def names(answer: Answer) -> list[tuple[str, bool]]:
    """Return (name, whether online) in the answer's order."""
    assert answer.status == 200
    return [(member["display_name"], member["is_online"]) for member in answer.data]


def add_members(chat: Chat, number: int) -> None:
    """Fill the chat up to so many members."""
    users = get_user_model()
    more = number - chat.memberships.count()
    people = users.objects.bulk_create(
        users(username=f"p{number}.{index}", display_name=f"Person {index}") for index in range(more)
    )
    ChatMember.objects.bulk_create(ChatMember(chat=chat, user=user) for user in people)


# --- Who may ask --------------------------------------------------------------------------------


def test_members_may_ask(cast: Cast, process: Process) -> None:
    process.hold(cast.member)
    for user in (cast.owner, cast.member):
        assert names(read(caller_for(user), cast.chat)) == [("Mika", True), ("Olga", False)]


def test_others_learn_nothing(cast: Cast, process: Process) -> None:
    outsider = caller_for(cast.outsider)
    foreign = read(outsider, cast.chat)
    assert (foreign.status, foreign.data["code"]) == (404, "not_found")
    unknown = outsider.get(f"/chats/{uuid.uuid4()}/presence")
    assert (unknown.status, unknown.data) == (foreign.status, foreign.data)
    nobody = read(Caller(), cast.chat)
    assert (nobody.status, nobody.data["code"]) == (401, "not_authenticated")
    assert read(Caller("forged"), cast.chat).status == 401


def test_who_was_removed_or_deactivated_learns_nothing(cast: Cast, process: Process) -> None:
    owner, member = caller_for(cast.owner), caller_for(cast.member)
    cast.chat.memberships.filter(user=cast.member).delete()
    assert read(member, cast.chat).status == 404
    assert names(read(owner, cast.chat)) == [("Olga", False)]
    cast.owner.is_active = False
    cast.owner.save()
    assert read(owner, cast.chat).status == 401


def test_an_id_that_is_none_is_refused(cast: Cast, process: Process) -> None:
    owner = caller_for(cast.owner)
    for wrong in ("7", "general", f"{cast.chat.pk}0", "%00"):
        answer = owner.get(f"/chats/{wrong}/presence")
        assert (answer.status, answer.data["code"]) == (400, "invalid")
        assert "chat_id" in answer.data
    assert Caller().get("/chats/7/presence").status == 401


def test_the_page_may_ask_with_its_session(client: Client, cast: Cast, process: Process) -> None:
    client.force_login(cast.owner)
    assert client.get(f"/api/v1/chats/{cast.chat.pk}/presence").status_code == 200


def test_it_is_only_for_reading(cast: Cast, process: Process) -> None:
    owner = caller_for(cast.owner)
    for method in ("POST", "PATCH", "DELETE", "PUT"):
        assert owner.call(method, f"/chats/{cast.chat.pk}/presence", {}).status == 405


# --- What is answered ---------------------------------------------------------------------------


def test_answer_is_a_plain_list_as_the_protocol_says(cast: Cast, process: Process) -> None:
    store_last_seen({cast.member.pk: EARLIER, cast.owner.pk: EARLIER})
    process.hold(cast.owner)
    state = process.registry.snapshot([cast.owner.pk, cast.member.pk])
    assert read(caller_for(cast.owner), cast.chat).data == [
        {
            "user_id": str(cast.owner.pk),
            "display_name": "Olga",
            "is_online": True,
            "last_seen": None,
            "version": state[cast.owner.pk].version,
        },
        {
            "user_id": str(cast.member.pk),
            "display_name": "Mika",
            "is_online": False,
            "last_seen": "2026-11-22T20:58:11.402Z",
            "version": state[cast.member.pk].version,
        },
    ]
    assert state[cast.owner.pk].version > state[cast.member.pk].version


def test_online_ones_come_first_then_names_whatever_their_case(cast: Cast, process: Process) -> None:
    people = [make_user(name.lower(), name) for name in ("zoe", "Émile", "adam", "Zora", "Bea")]
    ChatMember.objects.bulk_create(ChatMember(chat=cast.chat, user=user) for user in people)
    process.hold(people[0], people[3], cast.owner)
    assert names(read(caller_for(cast.owner), cast.chat)) == [
        ("Olga", True),
        ("zoe", True),
        ("Zora", True),
        ("adam", False),
        ("Bea", False),
        ("Émile", False),
        ("Mika", False),
    ]


def test_who_has_never_been_seen_has_no_moment(cast: Cast, process: Process) -> None:
    members = read(caller_for(cast.owner), cast.chat).data
    assert [(member["is_online"], member["last_seen"]) for member in members] == [(False, None), (False, None)]


def test_grace_then_offline_with_the_registrys_moment_until_it_is_stored(cast: Cast, process: Process) -> None:
    registry, owner = process.registry, caller_for(cast.owner)
    process.hold(cast.member, connections=2)
    came = read(owner, cast.chat).data[0]["version"]
    process.hold(cast.member, connections=1)
    registry.now += 2
    left = registry.now
    process.hold(cast.member, connections=0)
    assert names(read(owner, cast.chat))[0] == ("Mika", True)
    for _ in range(3):
        registry.now += 2
        registry.processes()
    mika = read(owner, cast.chat).data[0]
    moment = datetime.datetime.fromtimestamp(left, datetime.UTC)
    assert (mika["is_online"], mika["last_seen"]) == (False, time_text(moment))
    assert mika["version"] > came
    store_last_seen({cast.member.pk: EARLIER})  # what was stored before then counts less
    assert read(owner, cast.chat).data[0]["last_seen"] == time_text(moment)
    store_last_seen({cast.member.pk: moment + datetime.timedelta(minutes=1)})
    assert read(owner, cast.chat).data[0]["last_seen"] == time_text(moment + datetime.timedelta(minutes=1))


def test_who_held_an_expired_lease_is_offline(cast: Cast, process: Process) -> None:
    process.hold(cast.member)
    for _ in range(8):
        process.registry.now += 2
        answer = read(caller_for(cast.owner), cast.chat)
    assert names(answer) == [("Mika", False), ("Olga", False)]


# --- Where it is not known ----------------------------------------------------------------------


def test_registry_that_is_unavailable_is_a_503(cast: Cast, process: Process) -> None:
    process.hold(cast.owner)
    process.registry.is_unavailable = True
    answer = read(caller_for(cast.owner), cast.chat)
    assert (answer.status, answer.data["code"], answer.headers["Retry-After"]) == (503, "unavailable", "1")
    assert isinstance(answer.data["detail"], str)
    assert read(caller_for(cast.outsider), cast.chat).status == 404
    assert read(Caller(), cast.chat).status == 401
    process.registry.is_unavailable = False
    assert read(caller_for(cast.owner), cast.chat).status == 200


def test_registry_that_knows_nothing_yet_is_a_503(cast: Cast, registry: WatchedRegistry) -> None:
    assert read(caller_for(cast.owner), cast.chat).status == 503
    start_process(registry)
    assert read(caller_for(cast.owner), cast.chat).status == 200


def test_switched_off(cast: Cast, process: Process, settings: Settings) -> None:
    settings.FLOWRA_PRESENCE_ENABLED = False
    calls = process.registry.calls
    answer = read(caller_for(cast.owner), cast.chat)
    assert (answer.status, answer.data["code"]) == (404, "disabled")
    assert read(caller_for(cast.outsider), cast.chat).data["code"] == "not_found"
    assert read(Caller(), cast.chat).status == 401
    assert caller_for(cast.owner).get("/chats/7/presence").status == 400
    assert process.registry.calls == calls


# --- What it costs ------------------------------------------------------------------------------


def test_one_registry_call_and_the_same_queries_however_many_members(cast: Cast, process: Process) -> None:
    owner = caller_for(cast.owner)
    costs = []
    for number in (3, 300):
        add_members(cast.chat, number)
        people = [membership.user for membership in cast.chat.memberships.select_related("user")]
        process.hold(*people[::2])
        store_last_seen({user.pk: EARLIER for user in people})
        calls = process.registry.calls
        with CaptureQueriesContext(connection) as queries:
            assert len(names(read(owner, cast.chat))) == number
        costs.append((len(queries), process.registry.calls - calls))
    # The caller, their membership, the members, when they were last seen.
    assert costs == [(4, 1), (4, 1)]


def test_store_is_not_read_where_the_registry_is_unavailable(cast: Cast, process: Process) -> None:
    process.registry.is_unavailable = True
    with CaptureQueriesContext(connection) as queries:
        read(caller_for(cast.owner), cast.chat)
    assert not any("presence_lastseen" in query["sql"] for query in queries)


# --- Large chats --------------------------------------------------------------------------------


def test_a_large_chat_is_told_in_part_and_counted_in_whole(cast: Cast, process: Process) -> None:
    add_members(cast.chat, 1_205)
    late = get_user_model().objects.get(username="p1205.1202")
    process.hold(cast.member, late)
    caller = caller_for(cast.owner)
    answer = read(caller, cast.chat)
    assert len(answer.data) == 1_000
    assert {member["user_id"] for member in answer.data[:2]} == {str(cast.member.pk), str(late.pk)}
    assert (answer.headers["X-Total-Count"], answer.headers["X-Online-Count"]) == ("1205", "2")
    ids = [str(late.pk), str(cast.owner.pk), str(cast.outsider.pk)]
    some = caller.get(f"/chats/{cast.chat.pk}/presence?user_ids={','.join(ids)}")
    assert [member["user_id"] for member in some.data] == ids[:2]
    assert (some.headers["X-Total-Count"], some.headers["X-Online-Count"]) == ("1205", "2")


def test_ids_that_are_none_or_too_many(cast: Cast, process: Process) -> None:
    caller = caller_for(cast.owner)
    for wrong in (
        "",
        "x",
        f"{cast.owner.pk},",
        f"{cast.owner.pk};{cast.member.pk}",
        ",".join([str(cast.owner.pk)] * 201),
    ):
        answer = caller.get(f"/chats/{cast.chat.pk}/presence?user_ids={wrong}")
        assert (answer.status, answer.data["code"]) == (400, "invalid"), wrong
        assert len(answer.data["user_ids"]) == 1
