"""Takes the README's pictures: `python -m tests.screenshots` with the real server and the demo's data."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.conftest import ARGUMENTS, CHROMIUM, PASSWORD
from tests.support.processes import ROOT, Server

FOLDER = ROOT / "docs" / "screenshots"
CHAT = "Update documentation"
WIDE: dict[str, Any] = {"viewport": {"width": 1440, "height": 810}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 760}, "has_touch": True, "is_mobile": True}
DARK = {"color_scheme": "dark"}


def enter(browser: Browser, base_url: str, name: str, **options: Any) -> Page:
    """Return a page of somebody who has just signed in."""
    context = browser.new_context(base_url=base_url, reduced_motion="reduce", **options)
    page = context.new_page()
    page.goto("/accounts/login/")
    page.locator("[name=username]").fill(name)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=password]").press("Enter")
    page.wait_for_url(lambda url: "/accounts/login/" not in url)
    return page


def open_chat(page: Page, title: str = CHAT) -> None:
    """Open a chat, live, by its address: a phone shows the list of chats or a chat."""
    page.goto(page.locator("a.room", has_text=title).get_attribute("href") or "/")
    expect(page.locator("#ws-status")).to_have_attribute("data-state", "connected")
    expect(page.locator(".message.found")).to_have_count(0)  # where one lands is marked for a moment
    expect(page.locator("#messages.resting")).to_be_visible()


def take_chat(browser: Browser, base_url: str, path: Path, **options: Any) -> None:
    """Take a picture of the chat, while Jane types in it."""
    page, hers = enter(browser, base_url, "john", **options), enter(browser, base_url, "jane")
    open_chat(page)
    open_chat(hers)
    hers.locator("textarea[name=body]").press_sequentially("Shall I")
    expect(page.locator(".typing-indicator")).to_have_text("Jane is typing...")
    page.screenshot(path=path)
    page.context.close()
    hers.context.close()


def take_list(browser: Browser, base_url: str, path: Path, **options: Any) -> None:
    """Take a picture of the list of chats, as an installed app starts with it."""
    page = enter(browser, base_url, "john", **options)
    page.goto("/#sidebar")
    expect(page.locator("#ws-status")).to_have_attribute("data-state", "connected")
    expect(page.locator("#sidebar")).to_be_visible()
    page.screenshot(path=path)
    page.context.close()


def take_empty(browser: Browser, base_url: str, path: Path, **options: Any) -> None:
    """Take a picture of a chat in which nobody has written."""
    page = enter(browser, base_url, "maria", **options)
    page.get_by_role("link", name="New chat").first.click()
    page.get_by_label("Title").fill("Summer party")
    page.get_by_role("button", name="Create chat").click()
    expect(page.locator("#timeline-empty")).to_be_visible()
    expect(page.locator("#ws-status")).to_have_attribute("data-state", "connected")
    page.screenshot(path=path)
    page.context.close()


def take_sign_in(browser: Browser, base_url: str, path: Path) -> None:
    """Take a picture of the page for those who are not signed in."""
    page = browser.new_page(base_url=base_url, viewport={"width": 1280, "height": 860})
    page.goto("/accounts/login/")
    page.screenshot(path=path)
    page.close()


def main(folder: Path) -> None:
    """Take all pictures into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with Server({"FLOWRA_RATE_LIMITS": "false"}) as server, sync_playwright() as playwright:
        server.manage("seed_demo")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        url = server.base_url
        take_sign_in(browser, url, folder / "sign-in.png")
        take_list(browser, url, folder / "list-narrow.png", **PHONE)
        take_chat(browser, url, folder / "chat-light.png", **WIDE)
        take_chat(browser, url, folder / "chat-dark.png", **WIDE, **DARK)
        take_chat(browser, url, folder / "chat-narrow.png", **PHONE, **DARK)
        take_empty(browser, url, folder / "empty.png", **WIDE)
        browser.close()
    sys.stdout.write(f"The pictures are in {folder}.\n")


if __name__ == "__main__":
    main(FOLDER)
