"""The preview of a message: the HTML of the post, stored nowhere, under the limit of posts."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from chats import services
from chats.models import Message, Notification
from tests.conftest import Cast

pytestmark = pytest.mark.django_db
BODY = "**bold** @olga.Thanks @otto\r\n\r\n> @olga <b>"
BY_SCRIPT = {"X-Requested-With": "fetch"}


@pytest.fixture
def member(cast: Cast) -> Client:
    """Give the member's browser."""
    client = Client()
    client.force_login(cast.member)
    return client


def path(cast: Cast) -> str:
    """Return where previews are asked for."""
    return reverse("chats:preview", args=[cast.chat.pk])


def test_it_shows_what_the_post_will(cast: Cast, member: Client) -> None:
    answer = member.post(path(cast), {"body": BODY}, headers=BY_SCRIPT)
    shown = answer.content.decode()
    assert (answer.status_code, answer.headers["X-Preview"], Message.objects.count()) == (200, "1", 0)
    posted = services.post_message(
        user=cast.member, chat_id=cast.chat.pk, body=BODY.replace("\r\n", "\n"), client_id=uuid.uuid4()
    )
    assert shown == posted.message.html
    assert shown.count('data-username="olga"') == 2
    assert Notification.objects.filter(user=cast.owner).count() == 1, "of the post"


def test_without_scripts_the_page_shows_it_and_keeps_what_was_typed(cast: Cast, member: Client) -> None:
    answered = services.post_message(user=cast.owner, chat_id=cast.chat.pk, body="why?", client_id=uuid.uuid4()).message
    answer = member.post(path(cast), {"body": BODY, "reply_to": str(answered.pk)})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "<p><strong>bold</strong>" in page
    assert "**bold** @olga.Thanks" in page
    assert f'name="reply_to" value="{answered.pk}"' in page


@pytest.mark.parametrize("body", [" ", "\u200b", "x" * 10_001])
def test_what_cannot_be_posted_has_none(cast: Cast, member: Client, body: str) -> None:
    answer = member.post(path(cast), {"body": body}, headers=BY_SCRIPT)
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "text/plain; charset=utf-8")
    assert 0 < len(answer.content) < 200
    assert member.post(path(cast), {"body": body}).status_code == 422


def test_it_takes_from_the_bucket_of_posts(cast: Cast, member: Client, settings: Any) -> None:
    settings.FLOWRA_RATE_LIMITS, settings.FLOWRA_POSTS_PER_SECOND, settings.FLOWRA_POSTS_BURST = True, 0.1, 2
    form = {"body": "x", "client_id": str(uuid.uuid4())}
    for _ in range(2):
        assert member.post(path(cast), form, headers=BY_SCRIPT).status_code == 200
    for address, headers in (
        (path(cast), BY_SCRIPT),
        (path(cast), {}),
        (reverse("chats:post", args=[cast.chat.pk]), {}),
    ):
        refused = member.post(address, form, headers=headers)
        assert refused.status_code == 429
        assert 0 < int(refused.headers["Retry-After"]) <= 10
        assert "too fast" in refused.content.decode()
