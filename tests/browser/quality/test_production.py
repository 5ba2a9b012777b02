"""The page as it is served when DEBUG is off: hashed files, few of them, and all compressed."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, expect

from tests.browser.conftest import PASSWORD, WATCH_POLICY
from tests.support.processes import Server

SETTINGS = {
    "DEBUG": "false",
    "SECRET_KEY": "x" * 50,
    "ALLOWED_HOSTS": "127.0.0.1",
    "FLOWRA_RATE_LIMITS": "false",
}


MOST_REQUESTS = 12  # of a first load


def test_a_chat_is_live_with_few_hashed_files(chromium: Browser) -> None:
    server = Server(SETTINGS)
    server.manage("collectstatic", "--noinput", "--verbosity=0")
    server.manage("seed_demo", "--force")
    with server:
        context = chromium.new_context(base_url=server.base_url)
        context.add_init_script(WATCH_POLICY)
        page = context.new_page()
        loaded: list[tuple[str, int]] = []
        violations: list[str] = []
        page.on("response", lambda response: loaded.append((response.url, response.status)))
        page.on("console", lambda message: violations.extend([message.text] * message.text.startswith("policy:")))
        page.goto("/accounts/login/")
        page.locator("[name=username]").fill("john")
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("[name=password]").press("Enter")
        page.wait_for_url("**/chats/**")
        expect(page.locator("#ws-status")).to_have_attribute("data-state", "connected")
        chat, signed_in = page.url, context.storage_state()
        context.close()
        first = chromium.new_context(base_url=server.base_url, storage_state=signed_in)
        fresh = first.new_page()
        requested: list[str] = []
        encodings: dict[str, str | None] = {}
        fresh.on("request", lambda request: requested.append(request.url))
        fresh.on(
            "response", lambda response: encodings.update({response.url: response.headers.get("content-encoding")})
        )
        answer = fresh.goto(chat)
        expect(fresh.locator("#ws-status")).to_have_attribute("data-state", "connected")
        first.close()
    static = [url for url, _status in loaded if "/static/" in url]
    assert [(url, status) for url, status in loaded if status >= 400] == []
    assert [url for url in static if not re.search(r"\.[0-9a-f]{12}\.", url)] == []
    assert violations == []
    assert len(requested) <= MOST_REQUESTS, requested
    assert answer is not None
    assert answer.headers["content-encoding"] == "gzip"
    texts = [
        found for url, found in encodings.items() if re.search(r"/(?:app|flowra|htmx-2.min)\.\w+\.(?:js|css)$", url)
    ]
    assert texts == ["br"] * 3
