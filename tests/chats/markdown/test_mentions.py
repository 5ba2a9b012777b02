"""Mentions: the cases shared with the page's completion, and mentions after edits."""

from __future__ import annotations

import json
import re
import time
import uuid
from typing import Any

import pytest

from chats import services
from chats.markdown.html import Document
from chats.models import ChatMember, Mention, Message, Notification
from tests.conftest import Cast
from tests.support.processes import ROOT

TABLE: dict[str, Any] = json.loads((ROOT / "tests" / "cases" / "mentions.json").read_text())
MEMBERS = set(TABLE["members"])
MARK = re.compile(r'<span class="mention" data-username="([^"]+)">[@\uff20]([^<]+)</span>')


@pytest.mark.parametrize("case", TABLE["cases"], ids=lambda case: case["body"])
def test_names_are_found_where_a_person_sees_them(case: dict[str, Any]) -> None:
    document = Document(case["body"])
    members = MEMBERS & set(document.mentioned_names)
    marked = MARK.findall(document.render(members))
    assert all(name == shown.lower() for name, shown in marked)
    named = [name for name, _ in marked]
    assert list(dict.fromkeys(named)) == case["named"]
    assert len(named) == case.get("times", len(case["named"]))
    assert document.notified_names(members) == set(case.get("told", case["named"]))


def test_text_around_a_name_is_kept() -> None:
    shown = Document("@jane.Thanks & @bob_ <b>").render({"jane", "bob"})
    assert re.sub("<[^>]+>", "", shown) == "@jane.Thanks &amp; @bob_ &lt;b&gt;"


def test_what_names_may_stand_for_is_bounded() -> None:
    dotted = " ".join(f"@{number}.a.b.c.d.e.f.g.h.i.j" for number in range(60))
    assert len(Document(dotted).mentioned_names) <= 200
    many = Document("@bob " * 300 + "@jane")
    html = many.render({"bob", "jane"})
    assert html.count("<span") == 201, "200, and the first of another name"
    assert many.notified_names({"bob", "jane"}) == {"bob", "jane"}


@pytest.mark.parametrize(
    "piece", ["@", "@a", "1@", "a.b/@c", "://@", "a.", "a-", "\u0301", "@a.", "_@_", "`@a`", "*@a*"]
)
def test_looking_for_names_takes_no_longer_for_odd_texts(piece: str) -> None:
    body = (piece * 10_000)[:9_998] + "@a"
    started = time.process_time()
    Document(body)
    assert time.process_time() - started < 0.5


# --- Who is told ---------------------------------------------------------------------------------


def post(cast: Cast, body: str, **more: Any) -> Message:
    """Post as the member, who names the owner."""
    arguments = {"user": cast.member, "chat_id": cast.chat.pk, "client_id": uuid.uuid4(), **more}
    return services.post_message(body=body, **arguments).message


def edit(cast: Cast, message: Message, body: str) -> None:
    """Edit a message of the member's."""
    services.edit_message(user=cast.member, chat_id=cast.chat.pk, message_id=message.pk, body=body)


def told(cast: Cast) -> list[tuple[str, bool]]:
    """Return kind, and whether it was read, of each notification of the owner."""
    rows = Notification.objects.filter(user=cast.owner).order_by("created_at")
    return [(kind, read_at is not None) for kind, read_at in rows.values_list("kind", "read_at")]


def counted(cast: Cast) -> int:
    """Return how many unread messages mention the owner."""
    return ChatMember.objects.get(chat=cast.chat, user=cast.owner).mention_count


@pytest.mark.django_db
def test_a_quote_is_quiet(cast: Cast) -> None:
    message = post(cast, "> @olga said\n\nyes")
    assert 'data-username="olga"' in message.html
    assert (told(cast), counted(cast), Mention.objects.count()) == ([], 0, 0)


@pytest.mark.django_db
def test_edits_keep_the_notifications_that_still_hold(cast: Cast) -> None:
    message = post(cast, "@olga.Thanks")
    first = Notification.objects.get(user=cast.owner)
    edit(cast, message, "really, @olga-")
    assert (told(cast), counted(cast)) == ([("mention", False)], 1)
    services.mark_read(user=cast.owner, chat_id=cast.chat.pk, seq=message.seq)
    edit(cast, message, "once more @olga")
    assert (told(cast), counted(cast)) == ([("mention", True)], 0)
    assert Notification.objects.get(user=cast.owner).pk == first.pk
    edit(cast, message, "> @olga")
    assert (told(cast), counted(cast)) == ([], 0)
    edit(cast, message, "> @olga\n\n@olga!")
    assert told(cast) == [("mention", False)], "named anew"


@pytest.mark.django_db
def test_making_a_quote_of_an_unread_mention_takes_its_count_back(cast: Cast) -> None:
    message = post(cast, "@olga")
    edit(cast, message, "> @olga")
    assert (told(cast), counted(cast)) == ([], 0)
    edit(cast, message, "`@olga` @olga")
    assert (told(cast), counted(cast)) == ([("mention", False)], 1)


@pytest.mark.django_db
def test_who_is_answered_is_told_once_whatever_is_edited(cast: Cast) -> None:
    question = post(cast, "why?", user=cast.owner)
    answer = post(cast, "because", reply_to_id=question.pk)
    assert told(cast) == [("reply", False)]
    edit(cast, answer, "@olga because")
    assert (told(cast), counted(cast)) == ([("mention", False)], 1)
    edit(cast, answer, "because")
    assert (told(cast), counted(cast)) == ([("reply", False)], 0)
    edit(cast, answer, "@olga because")
    Notification.objects.create(user=cast.owner, kind="reply", chat=cast.chat, message=answer)  # by an earlier version
    edit(cast, answer, "because")
    assert told(cast) == [("reply", False)]
