"""Messages are found by the beginnings of words, in any order, without case and accents."""

# ruff: noqa: RUF001 (texts in many scripts)

from __future__ import annotations

import datetime
import io
import itertools
import random
import unicodedata
import uuid
from collections.abc import Callable
from typing import Any, Literal

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chats import services
from chats.lib.ids import new_id
from chats.models import Chat, Message, SearchEntry, SearchProgress
from chats.search.tokens import TOKEN_LENGTH, tokens_of
from chats.selectors import search
from chats.selectors.search import search_messages
from chats.services.indexing import backfill, entries
from tests.conftest import Cast, make_user

pytestmark = pytest.mark.django_db


def post(cast: Cast, body: str, chat: Chat | None = None) -> Message:
    """Store a message of the owner's."""
    chat_id = (chat or cast.chat).pk
    return services.post_message(user=cast.owner, chat_id=chat_id, body=body, client_id=new_id()).message


def found(cast: Cast, query: str, **more: Any) -> list[str]:
    """Return the texts that the member finds."""
    return [message.body for message in search_messages(cast.member, query, **more)]


@pytest.fixture
def indexed(cast: Cast) -> Cast:
    """Give a cast whose messages all come with their entries, as long after an update."""
    backfill.note_that_all_is_indexed()
    return cast


@pytest.mark.parametrize(
    ("body", "queries"),
    [
        ("Ärzte ohne Grenzen", ["ärzte", "arzte", "ÄRZTE", "A\u0308rz", "ä", "grenzen ohne", "gre ä"]),
        ("Привет, мир!", ["привет", "ПРИВЕТ", "при", "мир привет", "м"]),
        ("Βορράς και Νότος", ["βορρας", "ΒΟΡΡΑΣ", "βορράς", "βορρ", "νοτοσ βορ"]),
        ("alpha beta gamma", ["alpha gamma", "gamma alpha", "g b a", "al"]),
        ("İstanbul'da ŁÓDŹ, Straße 7", ["istanbul", "lodz", "STRASSE", "strasse 7", "da"]),
        ("日本語のテスト", ["日", "本語", "日本語", "語のテスト", "テスト", "ト", "ﾃｽﾄ"]),
        ("한국어를 배워요", ["한국", "국어", "배워", "\u1112\u1161\u11ab"]),
        ("ภาษาไทยง่าย", ["ไทย", "ภาษา", "ง่าย"]),
        ("हिन्दी में लिखें", ["हिन्दी", "हिन", "में"]),
        ("שָׁלוֹם עולם", ["שלום", "עולם שלום"]),
        ("مُحَمَّد كتب", ["محمد", "كتب"]),
        ("می\u200cخواهم", ["می", "میخواهم", "می\u200cخواهم"]),
        ("**so**, [the label](https://example.org/hidden) &amp; `code_here`", ["so", "label", "here", "code_here"]),
        ("it is 5 € 🎉, don't", ["🎉", "€", "5", "don't", "is it"]),
        ("ok go", ["ok", "go", "o", "go ok"]),
        ("C++ and user@example.org", ["c++", "user@example.org", "example org"]),
    ],
)
def test_what_is_found(indexed: Cast, body: str, queries: list[str]) -> None:
    post(indexed, "unlike 99")
    post(indexed, body)
    assert {query: found(indexed, query) for query in queries} == {query: [body] for query in queries}


@pytest.mark.parametrize(
    ("body", "queries"),
    [
        ("alpha beta", ["lpha", "alpha gamma", "alphabet", "alpha beta x"]),
        ("日本語", ["語本", "本日", "日語"]),
        ("日本 本語", ["日本語"]),
        ("दल", ["दिल"]),
        ("[the label](https://example.org/hidden)", ["hidden", "https"]),
        ("plain", ["olga"]),  # its author
    ],
)
def test_what_is_not_found(indexed: Cast, body: str, queries: list[str]) -> None:
    post(indexed, body)
    assert {query: found(indexed, query) for query in queries} == {query: [] for query in queries}


HOSTILE = [
    '"', "'", "''", '"" OR ""', "*", "a*b(", "NEAR(a b)", "a NEAR b", "x OR plain", "tokens:plain",
    "a & !b", "plain:* | x", "\\", "%", "_", "()", "{}", "\u0301", "\u0301\u0302", "\u200b", "\ufeff", "!?.,",
    "!plain zzz", "\ue000c", "\U000e0041", "plain " * 40 + "zzz", "z" * 5_000, "日" * 300, "\u1160",
]  # fmt: skip


@pytest.mark.parametrize("query", HOSTILE)
def test_a_hostile_question_is_only_words(indexed: Cast, query: str) -> None:
    post(indexed, "plain text")
    assert found(indexed, query) == []


def test_operators_of_the_databases_are_words(indexed: Cast) -> None:
    post(indexed, "this or that, near and not far")
    assert found(indexed, "OR NEAR AND NOT") == ["this or that, near and not far"]


def test_newest_first_and_no_more_than_asked_for(indexed: Cast) -> None:
    for number in range(25):
        post(indexed, f"needle {number}")
    assert found(indexed, "needle") == [f"needle {number}" for number in range(24, 4, -1)]
    assert found(indexed, "need", limit=2) == ["needle 24", "needle 23"]


def test_edits_and_deletions_count_at_once(indexed: Cast) -> None:
    message = post(indexed, "before")
    here: dict[str, Any] = {"user": indexed.owner, "chat_id": indexed.chat.pk, "message_id": message.pk}
    services.edit_message(body="after", **here)
    assert (found(indexed, "before"), found(indexed, "after")) == ([], ["after"])
    services.delete_message(**here)
    assert found(indexed, "after") == []
    assert not SearchEntry.objects.exists()


def test_only_in_ones_chats_and_in_the_workspace_that_is_asked_for(indexed: Cast) -> None:
    membership, _ = services.create_chat(
        user=indexed.owner, workspace_id=indexed.workspace.pk, kind="discussion", title="Private"
    )
    post(indexed, "secret plan", membership.chat)
    post(indexed, "open plan")
    assert found(indexed, "plan") == ["open plan"]
    assert not search_messages(indexed.outsider, "plan").exists()
    assert found(indexed, "plan", workspace_id=indexed.workspace.pk) == ["open plan"]
    assert found(indexed, "plan", workspace_id=uuid.uuid4()) == []
    services.remove_chat_member(user=indexed.owner, chat_id=indexed.chat.pk, user_id=indexed.member.pk)
    assert found(indexed, "plan") == []


def test_who_is_in_many_chats_finds_the_same(indexed: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    other, _ = services.create_chat(user=indexed.owner, workspace_id=indexed.workspace.pk, kind="bug", title="Other")
    post(indexed, "secret plan", other.chat)
    post(indexed, "open plan")
    monkeypatch.setattr(search, "_CHATS_NAMED", 0)
    assert found(indexed, "plan") == ["open plan"]


def test_a_purged_chat_leaves_no_entries(indexed: Cast) -> None:
    for number in range(5):
        post(indexed, f"word {number}")
    assert SearchEntry.objects.count() == 5
    services.delete_chat(user=indexed.owner, chat_id=indexed.chat.pk)
    assert found(indexed, "word") == []
    while services.purge_some():
        pass
    assert SearchEntry.objects.count() == 0


def test_a_server_of_the_version_before_can_delete_messages(indexed: Cast) -> None:
    message = post(indexed, "needle")
    with connection.cursor() as cursor:  # it does not know of entries
        key = message.pk if connection.features.has_native_uuid_field else message.pk.hex
        cursor.execute("DELETE FROM chats_message WHERE id = %s", [key])
    connection.check_constraints()
    assert not SearchEntry.objects.exists()


def test_a_rare_word_is_found_behind_many_messages(indexed: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_WINDOWS", (3, 5))
    post(indexed, "rare common 0")
    for number in range(1, 15):
        post(indexed, f"common {number}")
    assert found(indexed, "rare") == ["rare common 0"]
    assert found(indexed, "common", limit=10) == [f"common {number}" for number in range(14, 4, -1)]


def test_parts_are_looked_for_beyond_the_first_hits(indexed: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_CHECKED_AT_ONCE", 2)
    post(indexed, "日本語")
    for _ in range(7):
        post(indexed, "本語 日本")
    assert found(indexed, "日本語") == ["日本語"]


def test_messages_of_one_millisecond_are_all_searched(indexed: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_CHECKED_AT_ONCE", 2)
    monkeypatch.setattr(entries, "number_of", lambda id: 1)  # SQLite's
    post(indexed, "日本語")
    for _ in range(7):
        post(indexed, "本語 日本")
    assert found(indexed, "日本語") == ["日本語"]


# --- Text that anybody may write ----------------------------------------------------------------

IOTA_BELOW = "\u0345"  # dropped like an accent; in capitals it is a letter of its own, and so another spelling
LETTERS = st.characters(categories=["Lu", "Ll", "Lo", "Nd"]).filter(
    lambda char: IOTA_BELOW not in unicodedata.normalize("NFD", char)
)
BODIES = st.lists(st.text(LETTERS, min_size=1, max_size=12), min_size=1, max_size=8)


def stripped(text: str) -> str:
    """Return `text` as typed by somebody without accents on the keyboard."""
    return "".join(char for char in unicodedata.normalize("NFD", text) if unicodedata.combining(char) not in (220, 230))


FORMS: list[Callable[[str], str]] = [str, str.upper, str.lower, str.swapcase, stripped]
NORMAL: list[Literal["NFC", "NFD", "NFKC", "NFKD"]] = ["NFC", "NFD", "NFKC", "NFKD"]


@pytest.mark.slow
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(words=BODIES, chance=st.randoms(use_true_random=False))
def test_every_word_is_found_however_it_is_typed(indexed: Cast, words: list[str], chance: random.Random) -> None:
    body = " ".join(words)
    message = post(indexed, body)
    asked = chance.sample(words, chance.randint(1, min(3, len(words))))
    beginnings = [word[: chance.randint(1, len(word))] for word in asked]
    form, normal = chance.choice(FORMS), chance.choice(NORMAL)
    query = unicodedata.normalize(normal, form(" ".join(beginnings)))
    ids = [hit.pk for hit in search_messages(indexed.member, query)]
    services.delete_message(user=indexed.owner, chat_id=indexed.chat.pk, message_id=message.pk)
    assert message.pk in ids, (body, query)


def test_tokens_are_bounded_and_long_words_found_by_their_beginning(indexed: Cast) -> None:
    word = "x" * 300
    assert tokens_of(word) == ["x" * TOKEN_LENGTH]
    post(indexed, word)
    assert found(indexed, word) == [word]
    assert found(indexed, "x" * 100) == [word]
    ligature = "\ufdfa" * 10_000  # each stands for 18 characters
    assert sum(map(len, tokens_of(ligature))) < 300_000
    han = "".join(chr(0x4E00 + number) for number in range(10_000))
    post(indexed, han)
    assert found(indexed, han[-3:]) == [han]


# --- Messages without an entry ------------------------------------------------------------------


def without_entries(cast: Cast, count: int) -> None:
    """Store messages as the version before does."""
    for number in range(count):
        post(cast, f"old {number}")
    SearchEntry.objects.all().delete()


def test_after_an_update_the_newest_are_found_before_they_are_indexed(cast: Cast) -> None:
    without_entries(cast, 3)
    post(cast, "old but indexed")
    assert found(cast, "old") == ["old but indexed", "old 2", "old 1", "old 0"]
    assert not search_messages(cast.outsider, "old").exists()
    backfill.note_that_all_is_indexed()
    assert found(cast, "old") == ["old but indexed"]


def test_servers_index_them_a_few_at_a_time(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "SPAN", 5)
    monkeypatch.setattr(backfill, "BATCH", 2)
    without_entries(cast, 12)
    post(cast, "new")
    looked_at = list(itertools.takewhile(bool, (backfill.index_some() for _ in range(50))))
    assert sum(looked_at) == 13
    assert SearchEntry.objects.count() == 13
    assert SearchProgress.objects.get().is_done
    assert backfill.index_some() == 0
    assert found(cast, "old 7") == ["old 7"]
    assert found(cast, "old", limit=3) == ["old 11", "old 10", "old 9"]


def test_what_an_older_server_posts_meanwhile_is_indexed(indexed: Cast) -> None:
    without_entries(indexed, 3)
    assert found(indexed, "old") == []
    hour_ago = timezone.now() - datetime.timedelta(hours=1)
    assert backfill.index_since(hour_ago) == 3
    assert backfill.index_since(hour_ago) == 0
    assert found(indexed, "old") == ["old 2", "old 1", "old 0"]


def run(*arguments: str) -> str:
    """Run the command and return what it says."""
    out = io.StringIO()
    call_command("index_messages", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_indexes_what_is_missing_or_was_edited_by_an_older_server(cast: Cast) -> None:
    without_entries(cast, 3)
    edited, deleted = post(cast, "first"), post(cast, "gone")
    services.delete_message(user=cast.owner, chat_id=cast.chat.pk, message_id=deleted.pk)
    Message.objects.filter(pk=edited.pk).update(body="second", revision=99)
    type(cast.owner).objects.bulk_update([cast.owner], ["name_key"])
    assert "5 messages looked at, 4 of them indexed" in run()
    assert (found(cast, "first"), found(cast, "second")) == ([], ["second"])
    assert SearchProgress.objects.get().is_done
    assert "5 messages looked at, 0 of them indexed" in run()
    assert "5 messages looked at, 4 of them indexed" in run("--all")
    assert "2 messages looked at" in run("--before", str(Message.objects.order_by("pk")[2].pk))


def test_the_index_is_whole(indexed: Cast) -> None:
    if connection.vendor != "sqlite":
        return
    for number in range(5):
        message = post(indexed, f"text {number}")
    here: dict[str, Any] = {"user": indexed.owner, "chat_id": indexed.chat.pk, "message_id": message.pk}
    services.edit_message(body="changed", **here)
    services.delete_message(**here)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO chats_searchwords (chats_searchwords, rank) VALUES ('integrity-check', 1)")


def test_make_user_gets_a_key() -> None:
    person = make_user("zoe")
    assert person.name_key == "zoe"
