"""The page as it is served when DEBUG is off: hashed files, modules that import each other by their hashed names."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, expect

from tests.browser.conftest import PASSWORD
from tests.support.processes import Server

SETTINGS = {
    "DEBUG": "false",
    "SECRET_KEY": "x" * 50,
    "ALLOWED_HOSTS": "127.0.0.1",
    "FLOWRA_RATE_LIMITS": "false",
}


def test_a_chat_is_live_with_hashed_files(chromium: Browser) -> None:
    server = Server(SETTINGS)
    server.manage("collectstatic", "--noinput", "--verbosity=0")
    server.manage("seed_demo", "--force")
    with server:
        context = chromium.new_context(base_url=server.base_url)
        page = context.new_page()
        loaded: list[tuple[str, int]] = []
        page.on("response", lambda response: loaded.append((response.url, response.status)))
        page.goto("/accounts/login/")
        page.locator("[name=username]").fill("john")
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("[name=password]").press("Enter")
        page.wait_for_url("**/chats/**")
        expect(page.locator("#ws-status")).to_have_attribute("data-state", "connected")
        context.close()
    static = [url for url, _status in loaded if "/static/" in url]
    assert [(url, status) for url, status in loaded if status >= 400] == []
    assert any("/static/js/net/socket." in url for url in static)
    assert [url for url in static if not re.search(r"\.[0-9a-f]{12}\.", url)] == []
