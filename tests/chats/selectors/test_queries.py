"""The number of statements of reads and writes, and no scan of the whole table of messages."""

from __future__ import annotations

import functools
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from chats import services
from chats.exceptions import Closed, Invalid, NotFound
from chats.lib.ids import new_id
from chats.models import Chat, ChatMember, Message
from chats.selectors.messages import find_posted, list_around, list_changes, list_messages
from chats.selectors.unread import find_first_unread
from realtime.sockets.queries import read_chat
from tests.chats.admin.pages import fill, post
from tests.conftest import Cast, make_user

# How a transaction begins and ends is not counted: in these tests it is a savepoint, else BEGIN and COMMIT.
_FRAME = re.compile(r"^(SAVEPOINT|RELEASE|ROLLBACK|BEGIN|COMMIT)\b")


def statements(call: Callable[[], Any]) -> list[str]:
    """Return the statements that `call` runs."""
    with CaptureQueriesContext(connection) as captured:
        call()
    return [query["sql"].strip() for query in captured if not _FRAME.match(query["sql"].strip())]


def add_people(cast: Cast, count: int) -> list[str]:
    """Put `count` more people into the cast's chat, and return their usernames."""
    people = [make_user(f"person{number}") for number in range(count)]
    for person in people:
        services.moderate_add_workspace_member(workspace_id=cast.workspace.pk, user_id=person.pk, role="member")
    services.add_chat_members(user=cast.owner, chat_id=cast.chat.pk, user_ids=[person.pk for person in people])
    return [person.username for person in people]


# --- Writing ------------------------------------------------------------------------------------


def test_a_post_takes_four_statements_however_long_the_chat_is(cast: Cast) -> None:
    for number in range(10):
        post(cast, str(number))
    indexed = "WITH RECURSIVE free (num" if connection.vendor == "sqlite" else "INSERT INTO chats_search"
    verbs = [re.sub(r"\s+", " ", sql)[:24] for sql in statements(lambda: post(cast, "again"))]
    assert verbs == ["UPDATE chats_chat SET se", "UPDATE chats_chatmember ", "INSERT INTO chats_messag", indexed]


def test_mentions_cost_the_same_for_one_and_for_twenty(cast: Cast) -> None:
    names = add_people(cast, 20)
    assert len(statements(lambda: post(cast, f"Hello @{names[0]}"))) == 10
    assert len(statements(lambda: post(cast, " ".join(f"@{name}" for name in names)))) == 10
    assert len(statements(lambda: post(cast, "Hello @nobody-here"))) == 5


def test_a_reply_looks_at_what_it_answers_and_tells_its_author(cast: Cast) -> None:
    theirs, mine = post(cast, "one", cast.member), post(cast, "two", cast.owner)
    assert len(statements(lambda: post(cast, "three", cast.owner, reply_to=theirs))) == 9
    assert len(statements(lambda: post(cast, "four", cast.owner, reply_to=mine))) == 5


def test_a_post_that_does_not_get_in_asks_whether_it_came_before(cast: Cast) -> None:
    def send(body: str, by: Any = cast.member, **fields: Any) -> services.Posted:
        return services.post_message(user=by, chat_id=cast.chat.pk, body=body, **{"client_id": key, **fields})

    def refused(error: type[Exception], *args: Any, **fields: Any) -> None:
        with pytest.raises(error):
            send(*args, **{"client_id": new_id(), **fields})

    key = uuid.uuid4()
    assert send("one").created
    assert len(statements(lambda: send("one"))) == 5
    assert len(statements(lambda: send(""))) == 2
    assert len(statements(lambda: refused(Invalid, ""))) == 2
    assert len(statements(lambda: refused(Invalid, "hi", reply_to_id=uuid.uuid4()))) == 5
    assert len(statements(lambda: refused(NotFound, "hi", by=cast.outsider))) == 1
    services.close_chat(user=cast.owner, chat_id=cast.chat.pk)
    assert len(statements(lambda: send("one"))) == 4
    assert len(statements(lambda: refused(Closed, "hi"))) == 4


def test_editing_deleting_and_reading(cast: Cast) -> None:
    message = post(cast, "one @mika")
    here: dict[str, Any] = {"chat_id": cast.chat.pk, "message_id": message.pk}
    assert len(statements(lambda: services.edit_message(user=cast.owner, body="two @mika", **here))) == 8
    read = functools.partial(services.mark_read, user=cast.member, chat_id=cast.chat.pk)
    assert len(statements(lambda: read(seq=1))) == 6
    assert len(statements(lambda: read(seq=1))) == 2
    post(cast, "three")
    assert len(statements(lambda: read(seq=2))) == 4
    assert len(statements(lambda: services.delete_message(user=cast.owner, **here))) == 14


# --- Reading ------------------------------------------------------------------------------------


def test_subscribing_takes_one_statement_and_catching_up_three(cast: Cast) -> None:
    for number in range(20):
        post(cast, str(number), cast.owner if number % 2 else cast.member)
    assert len(statements(lambda: read_chat(cast.member, cast.chat.pk, None))) == 1
    assert len(statements(lambda: read_chat(cast.member, cast.chat.pk, 20))) == 1
    for since in (18, 0):

        def catch_up(since: int = since) -> None:
            snapshot = read_chat(cast.member, cast.chat.pk, since)
            assert [message.author.display_name for message in snapshot.first]

        assert len(statements(catch_up)) == 3


PAGES = [
    "/",
    "/sidebar/",
    "/notifications/",
    "/search/?q=a",
    "/chats/{chat}/",
    "/chats/{chat}/?at=1",
    "/chats/{chat}/lines/",
    "/chats/{chat}/lines/?after=0",
    "/chats/{chat}/lines/?before=9",
    "/chats/{chat}/lines/?at=1",
    "/chats/{chat}/header/",
    "/chats/{chat}/members/",
    "/chats/{chat}/members/add/",
    "/workspaces/{workspace}/",
    "/workspaces/{workspace}/settings/",
    "/workspaces/{workspace}/direct/new/",
]


@pytest.mark.slow
def test_pages_take_the_same_number_of_statements_for_two_and_for_twenty(cast: Cast) -> None:
    def cost(page: str) -> int:
        client = Client()  # another one for each, because a session remembers the chat that was open
        client.force_login(cast.owner, backend="django.contrib.auth.backends.ModelBackend")
        path = page.format(chat=cast.chat.pk, workspace=cast.workspace.pk)

        def look() -> None:
            assert client.get(path, follow=True).status_code == 200, page

        look()  # what is asked once, and then remembered, does not count
        return len(statements(look))

    for number in range(2):
        fill_for(cast, number)
    few = {page: cost(page) for page in PAGES}
    for number in range(2, 20):
        fill_for(cast, number)
    assert {page: cost(page) for page in PAGES} == few


def fill_for(cast: Cast, number: int) -> None:
    """Make one more row of everything that the owner sees."""
    fill(cast, number)
    person = make_user(f"another{number}")
    services.moderate_add_workspace_member(workspace_id=cast.workspace.pk, user_id=person.pk, role="member")
    services.create_chat(user=cast.owner, workspace_id=cast.workspace.pk, kind="direct", member_ids=[person.pk])
    services.create_chat(user=cast.owner, workspace_id=cast.workspace.pk, kind="bug", title=f"A bug {number}")
    services.create_workspace(user=cast.owner, name=f"A team {number}")
    services.create_invite(user=cast.owner, workspace_id=cast.workspace.pk)
    services.add_chat_members(user=cast.owner, chat_id=cast.chat.pk, user_ids=[person.pk])
    message = post(cast, f"Ask @olga, number {number}", person)
    post(cast, "I did", cast.owner, reply_to=message)


# --- By an index --------------------------------------------------------------------------------

END_TO_END = re.compile(r"(SCAN|Seq Scan on) chats_message\b")
CHATS = 12
MESSAGES = 600  # of each chat


@pytest.fixture
def long_chat(cast: Cast) -> Chat:
    """Give one of several chats that have many messages, with the database's statistics up to date."""
    chats = Chat.objects.bulk_create(
        Chat(workspace=cast.workspace, kind="bug", title=f"Long {number}", seq=MESSAGES, revision=MESSAGES)
        for number in range(CHATS)
    )
    Message.objects.bulk_create(
        Message(
            chat=chat,
            author=cast.owner,
            seq=number,
            revision=number,
            posted_revision=number,
            client_id=new_id(),
            body="x",
        )
        for chat in chats
        for number in range(1, MESSAGES + 1)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return chats[CHATS // 2]


def plans(call: Callable[[], Any]) -> str:
    """Return how the database would run the statements of `call` that read messages."""
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    reading = [sql for sql in statements(call) if re.search(r'FROM "?chats_message\b', sql)]
    assert reading, "nothing was read"
    with connection.cursor() as cursor:
        lines = []
        for sql in reading:
            cursor.execute(f"{explain} {sql}")
            lines += [str(row[-1]) for row in cursor.fetchall()]
    return "\n".join(lines)


READS: dict[str, Callable[[Chat, Cast], Any]] = {
    "the latest page": lambda chat, cast: list_messages(chat),
    "the page before": lambda chat, cast: list_messages(chat, before=300),
    "the page after": lambda chat, cast: list_messages(chat, after=300),
    "the page around one": lambda chat, cast: list_around(chat, 300, start=275, limit=100),
    "a short catch-up": lambda chat, cast: list_changes(chat, MESSAGES - 5, 500),
    "the longest catch-up": lambda chat, cast: list_changes(chat, MESSAGES - 500, 500),
    "the first unread message": lambda chat, cast: find_first_unread(
        ChatMember(chat=chat, user=cast.member, last_read_seq=300)
    ),
    "a repeated post": lambda chat, cast: find_posted(cast.owner, chat.pk, new_id()),
}


def test_messages_are_found_by_an_index(cast: Cast, long_chat: Chat) -> None:
    for name, read in READS.items():
        plan = plans(functools.partial(read, long_chat, cast))
        if connection.vendor == "sqlite":
            assert "SEARCH chats_message USING INDEX" in plan, (name, plan)
        else:
            assert re.search(r"(Index|Bitmap Heap) Scan .*on chats_message\b", plan), (name, plan)
        assert not END_TO_END.search(plan), (name, plan)
    assert END_TO_END.search(plans(lambda: list(Message.objects.filter(body="y").order_by()))), "it would be seen"
