"""manage.py render_messages: stored HTML is rendered again, safely beside running servers."""

from __future__ import annotations

import io
from uuid import UUID

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from chats import services
from chats.lib.ids import new_id
from chats.markdown.html import MAX_HTML_BYTES, Document
from chats.models import Chat, Message
from chats.services.messages import rendering
from tests.conftest import Cast

pytestmark = pytest.mark.django_db


def post(cast: Cast, body: str) -> Message:
    """Store a message of the owner's."""
    return services.post_message(user=cast.owner, chat_id=cast.chat.pk, body=body, client_id=new_id()).message


def stored(message: Message) -> str:
    """Return the HTML that is stored of a message."""
    return Message.objects.values_list("html", flat=True).get(pk=message.pk)


def make_old(message: Message, html: str) -> None:
    """Store other HTML, as if an earlier version had made it."""
    Message.objects.filter(pk=message.pk).update(html=html)


def run(*arguments: str) -> str:
    """Run the command and return what it says."""
    out = io.StringIO()
    call_command("render_messages", *arguments, stdout=out)
    return out.getvalue()


def test_old_html_is_replaced_and_nothing_else(cast: Cast) -> None:
    plain, bold = post(cast, "plain"), post(cast, "**bold**")
    deleted = post(cast, "gone")
    services.delete_message(user=cast.owner, chat_id=cast.chat.pk, message_id=deleted.pk)
    make_old(bold, "<p>old</p>")
    before = list(Message.objects.order_by("pk").values("pk", "revision", "edited_at", "body"))
    revision = Chat.objects.values_list("revision", flat=True).get(pk=cast.chat.pk)
    assert "2 messages rendered, 1 of them changed." in run()
    assert (stored(plain), stored(bold), stored(deleted)) == ("<p>plain</p>", "<p><strong>bold</strong></p>", "")
    assert list(Message.objects.order_by("pk").values("pk", "revision", "edited_at", "body")) == before
    assert Chat.objects.values_list("revision", flat=True).get(pk=cast.chat.pk) == revision
    assert "2 messages rendered, 0 of them changed." in run()


def test_who_was_mentioned_stays_mentioned(cast: Cast) -> None:
    names = f"@{cast.member.username} @{cast.owner.username} @{cast.outsider.username}"
    named = post(cast, f"{names} **x**")
    made = stored(named)
    assert made.count("<span") == 2, "the author too, though nobody is told of themselves"
    make_old(named, made.replace("strong>", "b>"))
    services.remove_chat_member(user=cast.owner, chat_id=cast.chat.pk, user_id=cast.member.pk)
    run()
    assert stored(named) == made
    make_old(named, made + "x" * rendering._READABLE)
    run()
    assert stored(named) == made, "what is too long to be read is replaced"


def test_stored_html_without_a_bound_is_replaced(cast: Cast) -> None:
    heavy = post(cast, "[a]: http://a/\N{GRINNING FACE}\n\n" + "[a]-" * 1_000)
    make_old(heavy, "<p>" + "x" * 1_000_000)
    run()
    assert len(stored(heavy).encode()) <= MAX_HTML_BYTES


def test_an_edit_meanwhile_is_not_overwritten(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    edited, deleted = post(cast, "one"), post(cast, "two")
    make_old(edited, "<p>old</p>")
    make_old(deleted, "<p>old</p>")

    class SlowDocument(Document):  # somebody changes the message while it is rendered
        def __init__(self, body: str) -> None:
            super().__init__(body)
            if body == "one":
                services.edit_message(user=cast.owner, chat_id=cast.chat.pk, message_id=edited.pk, body="other")
            else:
                services.delete_message(user=cast.owner, chat_id=cast.chat.pk, message_id=deleted.pk)

    monkeypatch.setattr(rendering, "Document", SlowDocument)
    assert "0 of them changed" in run()
    assert (stored(edited), stored(deleted)) == ("<p>other</p>", "")


def test_it_goes_on_where_it_stopped(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    messages = [post(cast, f"text {number}") for number in range(5)]
    for message in messages:
        make_old(message, "<p>old</p>")
    render_batch = services.render_batch
    seen: list[UUID | None] = []

    def render_two(after: UUID | None) -> rendering.Rendered:
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(after)
        return render_batch(after, size=2)

    monkeypatch.setattr(services, "render_batch", render_two)
    with pytest.raises(CommandError, match=f"after 4 messages; go on with: .* --after {messages[3].pk}") as stopped:
        run()
    assert stopped.value.returncode == 130
    assert [stored(message) for message in messages].count("<p>old</p>") == 1
    monkeypatch.setattr(services, "render_batch", render_batch)
    assert "1 messages rendered, 1 of them changed." in run("--after", str(messages[3].pk))
    assert stored(messages[4]) == "<p>text 4</p>"
