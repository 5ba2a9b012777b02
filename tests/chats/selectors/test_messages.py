"""Pages and catch-ups are bounded in bytes, without missing or repeated messages."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from chats import services
from chats.lib.ids import new_id
from chats.models import Chat, Message
from chats.selectors import messages
from chats.views import timeline
from tests.conftest import Cast

EMOJI = "\N{GRINNING FACE}"
LONG = 20_000  # bytes of a long message


def fill(cast: Cast, sizes: list[int]) -> Chat:
    """Put messages of these sizes in bytes, half body and half HTML, into the cast's chat, and return it."""
    Message.objects.bulk_create(
        Message(
            chat=cast.chat,
            author=cast.owner,
            seq=number,
            revision=number,
            posted_revision=number,
            client_id=new_id(),
            body=EMOJI * (size // 8),
            html="x" * (size // 2),
        )
        for number, size in enumerate(sizes, 1)
    )
    Chat.objects.filter(pk=cast.chat.pk).update(seq=len(sizes), revision=len(sizes))
    return Chat.objects.get(pk=cast.chat.pk)


def seqs(messages: Any) -> list[int]:
    """Return the messages' places."""
    return [message.seq for message in messages]


@pytest.mark.parametrize(
    ("sizes", "most", "expected"),
    [([], 10, 0), ([50], 10, 1), ([5, 5, 1], 10, 2), ([5, 6], 10, 1), ([1] * 5, 10, 5), ([50, 1], 10, 1)],
)
def test_as_many_fit_as_the_bytes_allow_and_one_at_least(sizes: list[int], most: int, expected: int) -> None:
    assert messages.fitting(sizes, most) == expected


def test_a_page_ends_by_bytes_at_the_far_end(cast: Cast, settings: Any) -> None:
    chat = fill(cast, [LONG] * 20)
    settings.FLOWRA_PAGE_BYTES = 5 * LONG
    assert seqs(messages.list_messages(chat)) == [17, 18, 19, 20]
    assert seqs(messages.list_messages(chat, before=10)) == [6, 7, 8, 9]
    assert seqs(messages.list_messages(chat, after=10)) == [11, 12, 13, 14]
    assert seqs(messages.list_messages(chat, after=10, limit=2)) == [11, 12]
    assert seqs(messages.list_messages(chat, before=10, max_bytes=1)) == [9]
    assert messages.list_messages(chat, after=20) == []


def test_changes_end_by_bytes_and_go_on_from_there(cast: Cast, settings: Any) -> None:
    chat = fill(cast, [LONG] * 9 + [100] * 3)
    settings.FLOWRA_PAGE_BYTES = 3 * LONG
    got: list[int] = []
    since, more = 0, True
    while more:
        changes = messages.list_changes(chat, since, 500)
        got += seqs(changes.messages)
        assert changes.revision == got[-1]
        since, more = changes.revision, changes.more
        assert len(changes.messages) <= 2 or not more
    assert got == list(range(1, 13))
    assert messages.list_changes(chat, 0, 11).reset, "more messages than may be sent at all"


def test_what_is_edited_between_measuring_and_reading_comes_later(
    cast: Cast, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = fill(cast, [LONG] * 6)
    settings.FLOWRA_PAGE_BYTES = 3 * LONG
    load_part, edits = messages.load_part, iter([1, 2, 6])

    def edited_first(*args: Any, **kwargs: Any) -> Any:
        for seq in edits:
            message = Message.objects.get(chat=chat, seq=seq)
            services.edit_message(user=cast.owner, chat_id=chat.pk, message_id=message.pk, body="edited")
        return load_part(*args, **kwargs)

    monkeypatch.setattr(messages, "load_part", edited_first)
    since, more, got = 0, True, []
    while more:
        changes = messages.list_changes(Chat.objects.get(pk=chat.pk), since, 500)
        since, more = changes.revision, changes.more
        got.append(seqs(changes.messages))
    assert got == [[], [3, 4], [5, 1, 2, 6]]
    assert since == 9


def test_the_page_around_a_message_has_it_however_long_its_neighbours_are(cast: Cast, settings: Any) -> None:
    chat = fill(cast, [LONG] * 60)
    settings.FLOWRA_PAGE_BYTES = 4 * LONG
    membership = chat.memberships.select_related("chat", "user").get(user=cast.member)
    for seq in (1, 2, 30, 58, 59, 60):
        shown = timeline.around(membership, seq, may_manage=False)
        assert seq in [line.message.seq for line in shown.lines]
        assert shown.is_live == (shown.lines[-1].message.seq == 60)
        assert len(shown.lines) <= 4


def test_pages_of_html_are_bounded(cast: Cast, client: Client, settings: Any) -> None:
    settings.FLOWRA_PAGE_BYTES = 4 * LONG
    chat = fill(cast, [LONG] * 60)
    answers = Message.objects.filter(chat=chat, seq__gt=50)
    answers.update(reply_to=Message.objects.get(chat=chat, seq=1), body="short needle", html="<p>short needle</p>")
    client.force_login(cast.owner, backend="django.contrib.auth.backends.ModelBackend")
    empty = len(client.get("/search/").content)
    for query in ("", "?at=30", "?before=30"):
        assert len(client.get(f"/chats/{chat.pk}/{query}").content) < 8 * LONG + empty
    client.force_login(cast.member, backend="django.contrib.auth.backends.ModelBackend")  # who wrote none of it
    Message.objects.filter(chat=chat, seq__lte=50).update(html="<p>.</p>")
    page = client.get(f"/chats/{chat.pk}/?before=61").content.decode()
    assert EMOJI * 100 in page, "the beginning of what is answered"
    assert EMOJI * 200 not in page, "and no more"
    assert "short needle" in client.get("/search/?q=needle").content.decode()
