"""Messages: post, read, edit, delete, catch up."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from chats import services
from tests.api.conftest import Callers, caller_for
from tests.conftest import Cast, make_user


@pytest.fixture
def path(cast: Cast) -> str:
    """Give the path of the cast's messages."""
    return f"/chats/{cast.chat.pk}/messages"


def seqs(answer: Any) -> list[int]:
    """Return the `seq`s on a page."""
    return [message["seq"] for message in answer.data["results"]]


def test_post_and_show(cast: Cast, callers: Callers, path: str) -> None:
    client_id = str(uuid4())
    posted = callers.member.post(path, {"body": "Hello **you**", "client_id": client_id})
    assert posted.status == 201
    message = posted.data
    assert (message["seq"], message["revision"], message["client_id"]) == (1, 1, client_id)
    assert message["author"] == {"id": str(cast.member.pk), "username": "mika", "display_name": "Mika"}
    assert "<strong>you</strong>" in message["html"]
    assert callers.owner.get(f"{path}/{message['id']}").data == message
    assert callers.owner.get(path).data == {"results": [message], "next": None, "previous": None}


def test_a_client_id_posts_once(callers: Callers, path: str) -> None:
    body = {"body": "Once", "client_id": str(uuid4())}
    first = callers.member.post(path, body)
    callers.owner.post(path.replace("/messages", "/close"))
    again = callers.member.post(path, {**body, "body": "Twice"})
    assert (first.status, again.status) == (201, 200)
    assert again.data == first.data
    callers.owner.post(path.replace("/messages", "/reopen"))
    assert callers.owner.post(path, body).status == 201  # somebody else's key
    assert len(callers.owner.get(path).data["results"]) == 2


def test_without_a_client_id_the_server_makes_one(callers: Callers, path: str) -> None:
    first = callers.member.post(path, {"body": "Hi"})
    second = callers.member.post(path, {"body": "Hi", "client_id": None})
    assert (first.status, second.status) == (201, 201)
    assert first.data["client_id"] != second.data["client_id"]


def test_replies_stay_in_the_chat(cast: Cast, callers: Callers, path: str) -> None:
    first = callers.member.post(path, {"body": "Question"}).data
    assert callers.owner.post(path, {"body": "Answer", "reply_to": first["id"]}).data["reply_to"] == first["id"]
    other = callers.owner.post(
        "/chats", {"workspace_id": str(cast.workspace.pk), "kind": "discussion", "title": "Else"}
    ).data["id"]
    wrong = callers.owner.post(f"/chats/{other}/messages", {"body": "Answer", "reply_to": first["id"]})
    assert (wrong.status, wrong.data["reply_to"]) == (400, ["reply_to must be a message of the same chat."])
    assert callers.owner.get(f"/chats/{other}/messages/{first['id']}").status == 404


def test_a_closed_chat_takes_no_messages(callers: Callers, path: str) -> None:
    mine = callers.member.post(path, {"body": "Before"}).data["id"]
    callers.owner.post(path.replace("/messages", "/close"))
    for answer in (callers.member.post(path, {"body": "x"}), callers.member.patch(f"{path}/{mine}", {"body": "x"})):
        assert (answer.status, answer.data["code"]) == (409, "closed")
    assert callers.member.delete(f"{path}/{mine}").status == 204


def test_only_the_author_edits(callers: Callers, path: str) -> None:
    mine = callers.member.post(path, {"body": "Frist"}).data
    assert callers.owner.patch(f"{path}/{mine['id']}", {"body": "No"}).data["code"] == "forbidden"
    edited = callers.member.patch(f"{path}/{mine['id']}", {"body": "First"}).data
    assert (edited["body"], edited["seq"], edited["revision"]) == ("First", 1, 2)
    assert edited["edited_at"] is not None
    assert "body" in callers.member.patch(f"{path}/{mine['id']}", {}).data


def test_who_may_delete(cast: Cast, callers: Callers, path: str) -> None:
    person = make_user("paul")
    services.moderate_add_workspace_member(workspace_id=cast.workspace.pk, user_id=person.pk, role="member")
    services.add_chat_members(user=cast.owner, chat_id=cast.chat.pk, user_ids=[person.pk])
    ids = [callers.member.post(path, {"body": f"Number {number}"}).data["id"] for number in range(2)]
    assert caller_for(person).delete(f"{path}/{ids[0]}").data["code"] == "forbidden"
    assert callers.member.delete(f"{path}/{ids[0]}").status == 204
    assert callers.owner.delete(f"{path}/{ids[1]}").status == 204
    assert callers.owner.delete(f"{path}/{ids[1]}").status == 204
    first, second = callers.owner.get(path).data["results"]
    assert (first["body"], first["html"], first["seq"], second["seq"]) == ("", "", 1, 2)
    assert first["deleted_at"] is not None
    assert callers.member.patch(f"{path}/{ids[0]}", {"body": "Back"}).data["code"] == "conflict"


def test_pages_by_seq(cast: Cast, callers: Callers, path: str) -> None:
    for number in range(1, 8):
        services.post_message(user=cast.owner, chat_id=cast.chat.pk, body=str(number), client_id=uuid4())
    latest = callers.member.get(f"{path}?limit=3")
    assert (seqs(latest), latest.data["next"]) == ([5, 6, 7], None)
    older = callers.member.get(latest.data["previous"])
    assert seqs(older) == [2, 3, 4]
    assert urlsplit(older.data["previous"]).query == "before=2&limit=3"
    oldest = callers.member.get(older.data["previous"])
    assert (seqs(oldest), oldest.data["previous"]) == ([1], None)
    assert seqs(callers.member.get(oldest.data["next"])) == [2, 3, 4]
    assert seqs(callers.member.get(f"{path}?after=5")) == [6, 7]
    assert seqs(callers.member.get(f"{path}?after=2&before=5")) == [3, 4]
    assert callers.member.get(f"{path}?after=7").data == {"results": [], "next": None, "previous": None}


def test_a_page_has_at_most_100(cast: Cast, callers: Callers, path: str) -> None:
    for number in range(102):
        services.post_message(user=cast.owner, chat_id=cast.chat.pk, body=str(number), client_id=uuid4())
    assert seqs(callers.member.get(f"{path}?limit=100000000000000000000")) == list(range(3, 103))
    assert len(seqs(callers.member.get(path))) == 100


@pytest.mark.parametrize("name", ["before", "after", "limit"])
@pytest.mark.parametrize("value", ["-1", "x", "", "1.5", "true", "9" * 5000, "%00", "1e3", "٣"])
def test_places_are_whole_numbers(callers: Callers, path: str, name: str, value: str) -> None:
    answer = callers.member.get(f"{path}?{name}={value}")
    assert (answer.status, answer.data["code"]) == (400, "invalid")
    assert name in answer.data


def test_places_are_bounded(callers: Callers, path: str) -> None:
    assert callers.member.get(f"{path}?limit=0").status == 400
    assert callers.member.get(f"{path}?before={2**63 - 1}").status == 200
    assert callers.member.get(f"{path}?before={2**63}").status == 400
    assert callers.member.get(path.replace("messages", f"changes?since={2**63}")).status == 400
    assert callers.member.get(path.replace("messages", "changes")).data["since"] == ["This field is required."]


def test_changes_are_the_catch_up(cast: Cast, callers: Callers, path: str) -> None:
    changes = path.replace("messages", "changes")
    assert callers.member.get(f"{changes}?since=0").data == {"revision": 0, "reset": False, "results": []}
    old, gone = (callers.owner.post(path, {"body": body}).data["id"] for body in ("Old", "Gone"))
    seen = callers.member.get(f"{changes}?since=0").data
    assert [change["type"] for change in seen["results"]] == ["chat.message.posted"] * 2
    callers.owner.delete(f"{path}/{gone}")
    new = callers.owner.post(path, {"body": "New"}).data["id"]
    callers.owner.patch(f"{path}/{new}", {"body": "Newer"})
    callers.owner.patch(f"{path}/{old}", {"body": "Older"})
    answer = callers.member.get(f"{changes}?since={seen['revision']}").data
    assert [(change["type"], change["data"]["id"]) for change in answer["results"]] == [
        ("chat.message.deleted", gone),
        ("chat.message.posted", new),
        ("chat.message.edited", old),
    ]
    assert (answer["revision"], answer["reset"], answer["results"][0]["chat_id"]) == (6, False, str(cast.chat.pk))
    assert callers.member.get(f"{changes}?since=99").data == {"revision": 6, "reset": True, "results": []}


def test_more_changes_than_the_limit_are_a_reset(callers: Callers, path: str, settings: Any) -> None:
    settings.FLOWRA_CATCHUP_LIMIT = 2
    for body in ("1", "2", "3"):
        callers.owner.post(path, {"body": body})
    assert callers.member.get(path.replace("messages", "changes?since=0")).data["reset"] is True
    assert len(callers.member.get(path.replace("messages", "changes?since=1")).data["results"]) == 2


def test_reading_never_falls_and_never_passes_the_end(cast: Cast, callers: Callers, path: str) -> None:
    for body in ("1", "2", "@mika"):
        callers.owner.post(path, {"body": body})
    read = path.replace("messages", "read")
    assert callers.member.get(f"/chats/{cast.chat.pk}").data["unread_count"] == 3
    state = {"chat_id": str(cast.chat.pk), "last_read_seq": 2, "unread_count": 1, "mention_count": 1}
    assert callers.member.post(read, {"seq": 2}).data == state
    assert callers.member.post(read, {"seq": 1}).data == state
    state = {**state, "last_read_seq": 3, "unread_count": 0, "mention_count": 0}
    assert callers.member.post(read, {"seq": 2**63 - 1}).data == state
    assert callers.member.get(f"/chats/{cast.chat.pk}").data["unread_count"] == 0


@pytest.mark.parametrize("seq", [-1, 2**63, "1", True, None, 1.5, [1], {}])
def test_seq_is_an_integer(callers: Callers, path: str, seq: object) -> None:
    answer = callers.member.post(path.replace("messages", "read"), {"seq": seq})
    assert answer.status == 400
    assert "seq" in answer.data


def test_long_messages_make_short_pages_and_none_is_left_out(
    cast: Cast, callers: Callers, path: str, settings: Any
) -> None:
    for number in range(1, 8):
        services.post_message(user=cast.owner, chat_id=cast.chat.pk, body=f"{number} " * 4_000, client_id=uuid4())
    settings.FLOWRA_PAGE_BYTES = 40_000
    size = len(json.dumps(callers.member.get(f"{path}?limit=1").data))
    for start, direction in ((path, "previous"), (f"{path}?after=0&limit=5", "next")):
        url, got, pages = start, [], 0
        while url:
            answer = callers.member.get(url)
            got += seqs(answer)
            url, pages = answer.data[direction], pages + 1
            assert len(json.dumps(answer.data)) < 40_000 + size
        assert sorted(got) == list(range(1, 8))
        assert pages > 2


def test_changes_stop_by_bytes_and_say_so(cast: Cast, callers: Callers, path: str, settings: Any) -> None:
    for number in range(1, 8):
        services.post_message(user=cast.owner, chat_id=cast.chat.pk, body=f"{number} " * 4_000, client_id=uuid4())
    settings.FLOWRA_PAGE_BYTES = 40_000
    changes, got, answer = path.replace("messages", "changes"), [], {"revision": 0, "more": True}
    while answer.get("more"):
        answer = callers.member.get(f"{changes}?since={answer['revision']}").data
        assert answer["reset"] is False
        got += [change["data"]["revision"] for change in answer["results"]]
        assert answer["revision"] == got[-1]
    assert got == list(range(1, 8))
    assert "more" not in callers.member.get(f"{changes}?since=7").data
    settings.FLOWRA_CATCHUP_LIMIT = 3
    assert callers.member.get(f"{changes}?since=0").data == {"revision": 7, "reset": True, "results": []}


def test_what_is_found_is_bounded_too(cast: Cast, callers: Callers, settings: Any) -> None:
    for number in range(1, 8):
        services.post_message(user=cast.owner, chat_id=cast.chat.pk, body=f"{number} needle" * 1_000, client_id=uuid4())
    assert len(callers.member.get("/search?q=needle").data["messages"]) == 7
    settings.FLOWRA_PAGE_BYTES = 40_000
    assert [found["seq"] for found in callers.member.get("/search?q=needle").data["messages"]] == [7, 6]


def test_a_notification_has_the_beginning_of_its_message(cast: Cast, callers: Callers, path: str) -> None:
    callers.owner.post(path, {"body": "@mika " + "x" * 1_000})
    assert callers.member.get("/notifications").data["results"][0]["excerpt"] == "@mika " + "x" * 134
