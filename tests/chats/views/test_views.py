"""The chat's page and its fragments: who sees what, what stands on it, and how many queries that takes."""

from __future__ import annotations

import datetime
import re
import uuid
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from chats import services
from chats.models import ChatMember
from chats.selectors.access import access_chat
from flowra.accounts.models import User
from tests.conftest import Cast, make_user

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"


def sign_in(user: User) -> Client:
    """Return a browser of `user`, without scripts."""
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client


def say(cast: Cast, user: User, body: str, **fields: uuid.UUID) -> uuid.UUID:
    """Post to the cast's chat and return the message's id."""
    posted = services.post_message(user=user, chat_id=cast.chat.pk, body=body, client_id=uuid.uuid4(), **fields)
    return posted.message.pk


def chat_paths(cast: Cast) -> list[str]:
    """Return the pages and fragments of the cast's chat."""
    names = ("detail", "lines", "header", "members", "members_add", "rename", "leave", "delete")
    return [reverse(f"chats:{name}", args=[cast.chat.pk]) for name in names]


def test_a_chat_exists_for_its_members_only(cast: Cast) -> None:
    message_id = say(cast, cast.owner, "secret words")
    paths = [
        *chat_paths(cast),
        reverse("chats:message_edit", args=[cast.chat.pk, message_id]),
        reverse("chats:message_delete", args=[cast.chat.pk, message_id]),
        reverse("chats:workspace", args=[cast.workspace.pk]),
        reverse("chats:workspace_settings", args=[cast.workspace.pk]),
        reverse("chats:create", args=[cast.workspace.pk]),
        reverse("chats:create_direct", args=[cast.workspace.pk]),
        reverse("chats:workspace_delete", args=[cast.workspace.pk]),
    ]
    outsider, nobody, owner = sign_in(cast.outsider), Client(), sign_in(cast.owner)
    for path in paths:
        assert owner.get(path).status_code in (200, 302), path
        assert outsider.get(path).status_code == 404, path
        answer = nobody.get(path)
        assert answer.status_code == 302, path
        assert answer.headers["Location"].startswith("/accounts/login/?next="), path


def test_what_changes_a_chat_is_refused_to_outsiders(cast: Cast) -> None:
    outsider = sign_in(cast.outsider)
    for name in ("post", "close", "reopen", "leave", "delete", "read"):
        path = reverse(f"chats:{name}", args=[cast.chat.pk])
        data = {"body": "x", "client_id": str(uuid.uuid4()), "seq": "1"}
        assert outsider.post(path, data).status_code == 404, name
    cast.chat.refresh_from_db()
    assert (cast.chat.seq, cast.chat.closed_at) == (0, None)


def test_a_page_needs_the_csrf_token(cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.owner, backend=BACKEND)
    answer = client.post(reverse("chats:post", args=[cast.chat.pk]), {"body": "x", "client_id": str(uuid.uuid4())})
    assert answer.status_code == 403
    assert "This page was open for too long" in answer.content.decode()


def test_a_fragment_for_somebody_signed_out_moves_the_whole_page(cast: Cast) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/chats/"}
    answer = Client().get(reverse("chats:sidebar"), headers=headers)
    assert answer.headers["HX-Redirect"] == "/accounts/login/?next=/chats/"


def test_nothing_is_cached(cast: Cast) -> None:
    answer = sign_in(cast.owner).get(reverse("chats:detail", args=[cast.chat.pk]))
    assert "no-store" in answer.headers["Cache-Control"]


def test_the_page_shows_the_conversation(cast: Cast) -> None:
    first = say(cast, cast.owner, "Hello **@mika** <script>alert(1)</script>")
    say(cast, cast.member, "Hello yourself", reply_to_id=first)
    gone = say(cast, cast.member, "Forget me")
    services.delete_message(user=cast.member, chat_id=cast.chat.pk, message_id=gone)
    answer = sign_in(cast.member).get(reverse("chats:detail", args=[cast.chat.pk]))
    page = answer.content.decode()
    assert '<span dir="ltr" class="mention" data-username="mika">@mika</span>' in page
    assert "<script>alert(1)" not in page
    assert "Forget me" not in page
    lines = answer.context["timeline"].lines
    assert [line.message.seq for line in lines] == [1, 2, 3]
    assert lines[1].answered == lines[0].message
    assert [line.starts_day for line in lines] == [True, False, False]
    assert [line.is_own for line in lines] == [False, True, True]
    bootstrap = answer.context["bootstrap"]
    assert (bootstrap["revision"], bootstrap["seq"], bootstrap["user"]["username"]) == (4, 3, "mika")
    assert '<template id="message-template">' in page
    assert 'name="csrfmiddlewaretoken"' in page


def test_the_first_unread_message_of_others_is_marked(cast: Cast) -> None:
    say(cast, cast.member, "read, since written")
    say(cast, cast.owner, "one")
    say(cast, cast.owner, "two")
    lines = sign_in(cast.member).get(reverse("chats:detail", args=[cast.chat.pk])).context["timeline"].lines
    assert [line.is_first_unread for line in lines] == [False, True, False]
    assert [line.is_continuation for line in lines] == [False, False, True]


def test_long_chats_come_in_pieces(cast: Cast) -> None:
    for number in range(1, 131):
        say(cast, cast.owner, f"number {number}")
    path = reverse("chats:detail", args=[cast.chat.pk])
    owner = sign_in(cast.owner)
    timeline = owner.get(path).context["timeline"]
    assert [timeline.lines[0].message.seq, timeline.lines[-1].message.seq] == [81, 130]
    assert (timeline.has_older, timeline.is_live) == (True, True)
    older = owner.get(f"{path}?before=81", headers={"X-Requested-With": "fetch"})
    assert "<html" not in older.content.decode()
    assert [line.message.seq for line in older.context["timeline"].lines] == list(range(31, 81))
    assert "<html" in owner.get(f"{path}?before=81").content.decode()
    around = owner.get(f"{path}?at=20").context["timeline"]
    assert around.lines[0].message.seq <= 20 <= around.lines[-1].message.seq
    assert not around.is_live
    # Somebody with much to read gets it from the first unread message on, up to the most a page has.
    unread = sign_in(cast.member).get(path).context["timeline"]
    assert len(unread.lines) == 100
    for nonsense in ("x", "-1", "0", "99999999999999999999", ""):
        for name in ("at", "before", "after", "reply_to"):
            assert owner.get(f"{path}?{name}={nonsense}").status_code == 200
            assert owner.get(f"{path}lines/?{name}={nonsense}").status_code == 200


def test_a_chat_opens_at_the_first_unread_message(cast: Cast) -> None:
    for number in range(1, 201):
        say(cast, cast.owner, f"number {number}")
    path = reverse("chats:detail", args=[cast.chat.pk])
    member = sign_in(cast.member)

    def opened(read_up_to: int, query: str = "") -> tuple[list[int], list[int], dict[str, Any]]:
        ChatMember.objects.filter(chat=cast.chat, user=cast.member).update(last_read_seq=read_up_to)
        context = member.get(path + query).context
        lines = context["timeline"].lines
        first = [line.message.seq for line in lines if line.is_first_unread]
        return [lines[0].message.seq, lines[-1].message.seq], first, context["bootstrap"]

    ends, first, bootstrap = opened(60)
    assert (ends, first) == ([36, 135], [61])
    assert (bootstrap["is_live"], bootstrap["unread_count"], bootstrap["first_unread_seq"]) == (False, 140, 61)
    created = cast.chat.messages.get(seq=61).created_at
    assert datetime.datetime.fromisoformat(bootstrap["first_unread_at"]) == created
    ends, first, bootstrap = opened(190)
    assert (ends, first, bootstrap["is_live"]) == ([151, 200], [191], True)
    ends, first, bootstrap = opened(200)
    assert (ends, first, bootstrap["is_live"]) == ([151, 200], [], True)
    assert (bootstrap["unread_count"], bootstrap["first_unread_seq"], bootstrap["first_unread_at"]) == (0, None, None)
    assert opened(60, "?at=150")[:2] == ([125, 200], []), "the first unread one is further up"
    assert opened(60, "?at=9999")[:2] == ([151, 200], [])
    say(cast, cast.member, "read, since written")
    for seq in (70, 71):
        gone = cast.chat.messages.get(seq=seq)
        services.delete_message(user=cast.owner, chat_id=cast.chat.pk, message_id=gone.pk)
    assert opened(69)[2]["first_unread_seq"] == 72
    cast.chat.messages.filter(seq__in=(80, 81)).delete()
    assert opened(201, "?at=81")[0] == [56, 157], "around its place"


def test_messages_for_scripts_come_in_both_directions(cast: Cast) -> None:
    for number in range(1, 201):
        say(cast, cast.owner, f"number {number}")
    path = reverse("chats:lines", args=[cast.chat.pk])
    owner = sign_in(cast.owner)

    def got(query: str) -> tuple[list[int], str | None, str | None]:
        page = owner.get(path + query).content.decode()
        assert "<html" not in page
        assert '"seq": 200, "revision": 200' in page
        seqs = [int(seq) for seq in re.findall(r'data-seq="(\d+)"', page)]
        older, newer = (
            re.search(pattern, page) for pattern in (r'id="older" data-before="(\d+)', r'id="newer" data-after="(\d+)')
        )
        return [seqs[0], seqs[-1], len(seqs)], older and older[1], newer and newer[1]

    assert got("") == ([151, 200, 50], "151", None)
    assert got("?before=151") == ([101, 150, 50], "101", None)
    assert got("?before=11") == ([1, 10, 10], None, None)
    assert got("?after=50") == ([51, 100, 50], None, "100")
    assert got("?after=160") == ([161, 200, 40], None, None)
    assert got("?at=100") == ([75, 174, 100], "75", "174")
    assert got("?at=5") == ([1, 100, 100], None, "100")
    assert owner.get(f"{path}?after=200").content.decode().count("<article") == 0
    # Without scripts one reads on by links.
    page = owner.get(reverse("chats:detail", args=[cast.chat.pk]) + "?after=50").content.decode()
    assert "?before=51" in page
    assert "?after=100" in page
    assert sign_in(cast.outsider).get(path).status_code == 404


def count_queries(client: Client, path: str) -> int:
    """Return how many queries a page takes when it is opened once more."""
    assert client.get(path).status_code == 200  # the first time it notes in the session where one is
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


def test_the_number_of_queries_does_not_grow(cast: Cast) -> None:
    say(cast, cast.owner, "first")
    path = reverse("chats:detail", args=[cast.chat.pk])
    client = sign_in(cast.member)
    first = say(cast, cast.member, "second")
    say(cast, cast.owner, "third", reply_to_id=first)
    services.create_chat(user=cast.owner, workspace_id=cast.workspace.pk, kind="direct", member_ids=[cast.member.pk])
    pages = [path, reverse("chats:sidebar"), f"{path}members/", reverse("chats:notifications"), "/search/?q=a"]
    before = [count_queries(client, page) for page in pages]
    people = [make_user(f"extra{number}") for number in range(8)]
    for person in people:
        services.moderate_add_workspace_member(workspace_id=cast.workspace.pk, user_id=person.pk, role="member")
    services.add_chat_members(user=cast.owner, chat_id=cast.chat.pk, user_ids=[person.pk for person in people])
    for number, person in enumerate(people):
        services.create_chat(user=cast.member, workspace_id=cast.workspace.pk, kind="direct", member_ids=[person.pk])
        services.create_chat(
            user=cast.owner,
            workspace_id=cast.workspace.pk,
            kind="bug",
            title=f"Bug {number}",
            member_ids=[cast.member.pk],
        )
        services.create_workspace(user=cast.member, name=f"Workspace {number}")
        say(cast, person, "@mika look", reply_to_id=first)
    assert [count_queries(client, page) for page in pages] == before
    assert before[0] <= 13


def test_home_goes_to_where_one_was(cast: Cast) -> None:
    client = sign_in(cast.member)
    other, _created = services.create_chat(
        user=cast.owner, workspace_id=cast.workspace.pk, kind="bug", title="Other", member_ids=[cast.member.pk]
    )
    client.get(reverse("chats:detail", args=[other.chat_id]))
    assert client.get("/").headers["Location"] == reverse("chats:detail", args=[other.chat_id])
    services.remove_chat_member(user=cast.owner, chat_id=other.chat_id, user_id=cast.member.pk)
    assert client.get("/").headers["Location"] == reverse("chats:detail", args=[cast.chat.pk])


def test_home_says_what_to_do(cast: Cast) -> None:
    client = sign_in(cast.outsider)
    assert "Welcome to Flowra" in client.get("/").content.decode()
    services.create_workspace(user=cast.outsider, name="Lonely")
    assert "Welcome to Lonely" in client.get("/").content.decode()


def test_direct_chats_bear_the_other_name(cast: Cast) -> None:
    membership, _created = services.create_chat(
        user=cast.owner, workspace_id=cast.workspace.pk, kind="direct", member_ids=[cast.member.pk]
    )
    answer = sign_in(cast.member).get(reverse("chats:detail", args=[membership.chat_id]))
    assert answer.context["label"] == "Olga"
    assert "<title>Olga" in answer.content.decode()


def test_unread_chats_count_in_list_and_title(cast: Cast) -> None:
    say(cast, cast.owner, "@mika one")
    say(cast, cast.owner, "two")
    page = sign_in(cast.member).get(reverse("chats:detail", args=[cast.chat.pk])).content.decode()
    assert "<title>(2) Update documentation" in page
    assert 'data-unread="2" data-mentions="1"' in page


def test_reading_without_scripts(cast: Cast) -> None:
    say(cast, cast.owner, "one")
    client = sign_in(cast.member)
    client.post(reverse("chats:read", args=[cast.chat.pk]), {"seq": "1"})
    assert access_chat(cast.member, cast.chat.pk).last_read_seq == 1
    assert client.post(reverse("chats:read", args=[cast.chat.pk]), {"seq": "x"}).status_code == 302


def test_managing_is_offered_to_those_who_may(cast: Cast) -> None:
    path = reverse("chats:header", args=[cast.chat.pk])
    assert "/rename/" in sign_in(cast.owner).get(path).content.decode()
    assert "/rename/" not in sign_in(cast.member).get(path).content.decode()


@pytest.mark.parametrize("template", ["400.html", "403.html", "403_csrf.html", "404.html", "500.html"])
def test_error_pages_need_nothing(template: str) -> None:
    assert "Go to your chats" in render_to_string(template)
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    assert "Go to your chats" in render_to_string(template, request=request)


def test_the_policy_has_a_nonce_where_scripts_use_it(cast: Cast) -> None:
    answer = sign_in(cast.owner).get(reverse("chats:detail", args=[cast.chat.pk]))
    policy = answer.headers["Content-Security-Policy"]
    nonce = policy.split("'nonce-", 1)[1].split("'", 1)[0]
    assert f'nonce="{nonce}"' in answer.content.decode()
    assert "unsafe" not in policy


def test_members_are_listed_by_name(cast: Cast) -> None:
    answer = sign_in(cast.owner).get(
        reverse("chats:members", args=[cast.chat.pk]), headers={"X-Requested-With": "fetch"}
    )
    assert re.findall(r'data-username="(\w+)"', answer.content.decode()) == ["mika", "olga"]
    assert ChatMember.objects.filter(chat=cast.chat).count() == 2
