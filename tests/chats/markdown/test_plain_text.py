"""Plain text of a body for quotes, notifications, search results and lists."""

from __future__ import annotations

import json
import re
import time

import pytest
from django.test import Client

from chats import services
from chats.lib.ids import new_id
from chats.markdown.plain_text import EXCERPT_LENGTH, EXCERPT_SOURCE, excerpt, plain_text
from chats.models import Message, Notification
from tests.chats.markdown.test_bounds import HEAVY, MAX_SECONDS
from tests.conftest import Cast
from tests.support.processes import ROOT

CASES = json.loads((ROOT / "tests" / "cases" / "excerpt.json").read_text())
BODY = "**bold** and `code`, @mika"
READ = "bold and code, @mika"


@pytest.mark.parametrize(("body", "text"), CASES)
def test_the_words_without_the_marks(body: str, text: str) -> None:
    assert plain_text(body) == text


def test_lines_are_kept_where_they_are_wanted() -> None:
    body = "one\ntwo\n\n- a\n- b\n\n|x|y|\n|-|-|\n|1|2|\n\n```\nc\n\n  d\n```"
    assert plain_text(body, one_line=False) == "one\ntwo\na\nb\nx y\n1 2\nc\n\n  d"


@pytest.mark.slow
@pytest.mark.parametrize("body", HEAVY.values(), ids=HEAVY.keys())
def test_an_excerpt_of_anything_is_short_and_made_soon(body: str) -> None:
    seconds = []
    for _ in range(3):  # the best counts: the machine may be busy
        begun = time.thread_time()
        made = plain_text(body[:EXCERPT_SOURCE])
        seconds.append(time.thread_time() - begun)
    assert min(seconds) < MAX_SECONDS / 2
    assert len(made) <= 2 * EXCERPT_SOURCE
    assert excerpt(body) == made[:EXCERPT_LENGTH]
    assert "\n" not in made


@pytest.mark.django_db
def test_every_excerpt_says_what_people_read(cast: Cast, client: Client) -> None:
    def post(body: str, reply_to: Message | None = None) -> Message:
        posted = services.post_message(
            user=cast.owner,
            chat_id=cast.chat.pk,
            body=body,
            client_id=new_id(),
            reply_to_id=reply_to.pk if reply_to else None,
        )
        return posted.message

    message = post(BODY)
    post("an answer", message)
    assert Notification.objects.get(kind="mention").excerpt == READ
    client.force_login(cast.member)
    chat = f"/chats/{cast.chat.pk}/"
    quoted = re.compile(rf'<a class="message-reply"[^<]*<b[^<]*</b>\s*<span dir="auto">\s*{READ}\s*</span>')
    assert quoted.search(client.get(chat).content.decode())
    replying = re.compile(rf'<span class="reply-text">[^<]*{READ}\s*</span>')
    assert replying.search(client.get(f"{chat}?reply_to={message.pk}").content.decode())
    for page in ("/search/?q=bold", "/notifications/"):
        assert re.search(rf'class="notification-excerpt"[^>]*>{READ}</small>', client.get(page).content.decode()), page
