"""What stands in the log of a whole conversation, and what never does."""

from __future__ import annotations

import contextlib
import json
import logging
import secrets
import sys
from typing import Any

import httpx
import psycopg
import pytest
import websockets

from flowra.observability.logs import JSONFormatter, PlainFormatter
from realtime.sockets.log_context import MAX_REQUEST_ID, LogContext, bind, request_id_from, unbind
from tests.support.clients import Person, make_chat, open_socket
from tests.support.processes import PostgreSQL, Server, wait_until

# A database that refuses a message quotes it: DETAIL: Failing row contains (…).
REFUSE = "ALTER TABLE chats_message ADD CONSTRAINT no_poison CHECK (body NOT LIKE '%poison%')"


def secret(kind: str) -> str:
    """Return a text that stands nowhere else."""
    return f"{kind}{secrets.token_hex(8)}"


async def sign_in_on_the_page(base_url: str) -> list[str]:
    """Try a wrong password, sign in with the right one, and look at addresses with secrets; returns the secrets."""
    wrong, query, invite, reset, refused_id = map(secret, ("wrong", "query", "invite", "reset", "id"))
    async with httpx.AsyncClient(base_url=base_url, timeout=20) as browser:
        await browser.get("/accounts/login/", params={"next": f"/{query}"})
        for password in (wrong, "demo"):
            form = {"username": "john", "password": password, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
            await browser.post("/accounts/login/", data=form)
        cookies = list(browser.cookies.values())
        assert len(cookies) == 2
        await browser.post("/accounts/login/", data={"password": wrong})  # without the token: 403
        for path in (f"/invites/{invite}/", f"/accounts/password/reset/MQ/{reset}/", f"/api/v1/{query}"):
            await browser.get(path, params={"q": query}, headers={"X-Request-ID": f"a {refused_id}"})
    return [wrong, query, invite, reset, refused_id, *cookies]


async def converse_badly(base_url: str) -> list[str]:
    """Post, edit, have the database refuse two messages, and send frames that are none; returns the secrets."""
    said, edited, refused, garbage, wrong = map(secret, ("said", "edited", "poison", "garbage", "wrong"))
    with pytest.raises(httpx.HTTPStatusError):
        await Person.sign_in(base_url, "john", wrong)
    john, jane = [await Person.sign_in(base_url, name) for name in ("john", "jane")]
    chat = await make_chat(john, jane)
    messages = f"/chats/{chat['id']}/messages"
    headers = {"Authorization": f"Bearer {john.token}", "X-Request-ID": "of-the-handshake"}
    async with await jane.subscribe(chat["id"]) as janes, await john.connect(additional_headers=headers) as johns:
        ack = await johns.post(chat["id"], said)
        await janes.until("chat.message.posted")
        await john.call("PATCH", f"{messages}/{ack['message_id']}", {"body": edited})
        assert (await johns.post(chat["id"], refused))["code"] == "internal"
    assert (await john.ask("POST", messages, {"body": refused})).status_code == 500
    bearer = {"additional_headers": {"Authorization": f"Bearer {john.token}"}}
    for frame in (f'{{"type": "chat.message.post", "body": "{garbage}', f'{{"type": "{garbage}"}}', garbage.encode()):
        async with await open_socket(base_url, **bearer) as socket:
            await socket.send(frame)
            with contextlib.suppress(websockets.ConnectionClosed):
                for _ in range(2):
                    await socket.recv()
    async with await open_socket(base_url, additional_headers={"Authorization": f"Bearer {garbage}"}) as socket:
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()
    return [said, edited, refused, garbage, wrong, john.token, jane.token]


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
async def test_nothing_of_a_conversation_is_in_the_log(postgresql: PostgreSQL, level: str) -> None:
    database = postgresql.create_database()
    settings = {"DATABASE_URL": database, "FLOWRA_LOG_LEVEL": level, "FLOWRA_LOG_FORMAT": "json"}
    with Server(settings) as server:
        server.manage("seed_demo")
        with psycopg.connect(database) as connection:
            connection.execute(REFUSE)
        hidden = [*await sign_in_on_the_page(server.base_url), *await converse_badly(server.base_url), "demo"]
        server.stop()
        lines = [line for line in server.output().splitlines() if not line.startswith("Flowra is running on ")]
    for line in lines:
        entry = json.loads(line)
        assert {"time", "level", "logger", "message"} <= entry.keys()
        assert "?" not in entry["message"]
        assert [text for text in hidden if text in line] == []
    entries = [json.loads(line) for line in lines]
    # What is there: the refusal with its traceback, once by REST and once by socket, each with its ids.
    by_rest, by_socket = [
        next(entry for entry in entries if entry["logger"] == name and "exception" in entry)
        for name in ("django.request", "realtime.sockets.commands")
    ]
    assert 'violates check constraint "no_poison"' in by_rest["exception"]
    assert 'violates check constraint "no_poison"' in by_socket["exception"]
    assert by_rest["request_id"]
    assert by_socket["connection_id"]
    assert by_socket["request_id"] == "of-the-handshake"
    assert by_socket["user_id"]
    accesses = [entry for entry in entries if entry["logger"] == "flowra.access"]
    assert {"accounts:login", "chats:invite"} <= {entry["http"]["route"] for entry in accesses}
    failed = next(entry for entry in accesses if entry["http"]["status"] == 500)
    assert failed["request_id"] == by_rest["request_id"]
    assert failed["user_id"] == by_socket["user_id"]
    assert any(entry["message"] == "A socket was opened." for entry in entries) is (level == "DEBUG")


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("is_logged", [True, False])
async def test_who_deleted_what_and_from_where_is_in_the_log(is_logged: bool) -> None:
    settings = {
        "FLOWRA_LOG_FORMAT": "json",
        "FLOWRA_LOG_ADDRESSES": str(is_logged),
        "FLOWRA_TRUSTED_PROXIES": "127.0.0.1",
    }
    with Server(settings, demo=True) as server:
        john, jane = [await Person.sign_in(server.base_url, name) for name in ("john", "jane")]
        chat = await make_chat(john, jane)
        place = (await john.call("GET", f"/chats/{chat['id']}"))["workspace_id"]
        async with await john.connect() as socket:
            message = (await socket.post(chat["id"], "what nobody is to know"))["message_id"]
        async with httpx.AsyncClient(base_url=server.base_url) as http:
            headers = {"Authorization": f"Bearer {john.token}", "X-Forwarded-For": "203.0.113.9"}
            path = f"/api/v1/chats/{chat['id']}"
            for what in (f"/messages/{message}", f"/members/{jane.id}", ""):
                assert (await http.delete(path + what, headers=headers)).status_code == 204
        server.stop()
        entries = [json.loads(line) for line in server.output().splitlines() if line.startswith("{")]
    audits = [(entry["audit"], entry["user_id"]) for entry in entries if entry["logger"] == "flowra.audit"]
    where = {"workspace": place, "chat": chat["id"]}
    assert audits == [
        ({"action": action, "by": john.id, **where, **more}, john.id)
        for action, more in (
            ("deleted a message", {"message": message}),
            ("took a member out of a chat", {"user": jane.id}),
            ("deleted a chat", {}),
        )
    ]
    clients = {entry["http"].get("client") for entry in entries if entry.get("http", {}).get("method") == "DELETE"}
    assert clients == ({"203.0.113.9"} if is_logged else {None})


def test_a_plain_request_id_is_kept_and_any_other_replaced(server: Server) -> None:
    def answered(sent: str) -> str:
        return httpx.get(f"{server.base_url}/accounts/login/", headers={"X-Request-ID": sent}).headers["X-Request-ID"]

    assert answered("0af7-65.1_b") == "0af7-65.1_b"
    for sent in ("", "two words", '"}', "x" * (MAX_REQUEST_ID + 1)):
        assert answered(sent) != sent
        assert len(answered(sent)) == 32
    wait_until(lambda: "flowra.access GET accounts:login 200" in server.output(), 5, "the access lines")


@pytest.mark.parametrize("sent", [None, "", "a\n", "ä", "a/b", "x" * 65])
def test_unsafe_request_ids(sent: str | None) -> None:
    assert request_id_from(sent) not in (sent, "")


def record(message: str, error: Exception | None = None) -> logging.LogRecord:
    """Return a record as `logger.error` makes it."""
    exc_info: Any = None
    if error is not None:
        try:
            raise error
        except Exception:  # noqa: BLE001  (the test's own)
            exc_info = sys.exc_info()
    return logging.LogRecord("flowra", logging.ERROR, __file__, 1, message, (), exc_info)


def test_a_record_is_one_line_of_json_whatever_is_in_it() -> None:
    bound = bind(LogContext(connection_id="c", find_user=lambda: 7))
    try:
        line = JSONFormatter().format(record("two\nlines \ud800\u2028"))
    finally:
        unbind(bound)
    assert len(line.splitlines()) == 1
    entry = json.loads(line)
    assert entry["message"] == "two\nlines \ud800\u2028"
    assert (entry["connection_id"], entry["user_id"], "request_id" in entry) == ("c", "7", False)


@pytest.mark.parametrize("formatter", [JSONFormatter(), PlainFormatter()])
def test_an_errors_quotation_is_cut(formatter: logging.Formatter) -> None:
    error = ValueError("first line\nDETAIL: quoted")
    error.__cause__ = LookupError("why\nquoted")
    error.__context__ = RuntimeError("x" * 500)
    text = formatter.format(record("failed", ExceptionGroup("several\nquoted", [error])))
    assert "first line" in text
    assert "builtins.LookupError: why" in text
    assert "quoted" not in text
    assert "x" * 201 not in text


@pytest.mark.usefixtures("processes")
def test_hosts_that_scanners_ask_for_are_told_seldom() -> None:
    """Each would be an ERROR with 2 KB of traceback, and on the open internet they do not end."""
    with Server({"FLOWRA_LOG_FORMAT": "json"}) as server:
        for number in range(5):
            host = {"Host": f"scanned-{number}.example"}
            assert httpx.get(f"{server.base_url}/accounts/login/", headers=host).status_code == 400
        lines = [json.loads(line) for line in server.output().splitlines() if line.startswith("{")]
    told = [line["message"] for line in lines if line["logger"] == "django.security.DisallowedHost"]
    assert len(told) == 1
    assert "scanned-0.example" in told[0]
    assert len([line for line in lines if line["logger"] == "flowra.access"]) == 5
