"""Takes the README's pictures: `python -m tests.screenshots` with the real server and the demo's data."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.conftest import ARGUMENTS, CHROMIUM, PASSWORD
from tests.support.processes import ROOT, Server

FOLDER = ROOT / "docs" / "screenshots"
WIDE = {"width": 1280, "height": 760}
NARROW = {"width": 390, "height": 760}


def open_chat(page: Page) -> None:
    """Sign in as John and open the task's chat, live."""
    page.goto("/accounts/login/")
    page.locator("[name=username]").fill("john")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=password]").press("Enter")
    page.wait_for_url("**/chats/**")
    # By its address: on a narrow screen the list of chats is in its drawer.
    link = page.locator("a.room", has_text="Update documentation").get_attribute("href")
    page.goto(link or "/")
    expect(page.locator("#ws-status")).to_have_attribute("data-state", "connected")


def let_jane_type(page: Page) -> None:
    """Type into Jane's composer, on her own page, without sending it."""
    page.goto("/accounts/login/")
    page.locator("[name=username]").fill("jane")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=password]").press("Enter")
    page.wait_for_url("**/chats/**")
    page.goto(page.locator("a.room", has_text="Update documentation").get_attribute("href") or "/")
    expect(page.locator("#ws-status")).to_have_attribute("data-state", "connected")
    page.locator("textarea[name=body]").press_sequentially("Shall I")


def take(browser: Browser, base_url: str, folder: Path, name: str, options: Mapping[str, Any]) -> None:
    """Take the picture `name` of the chat, while Jane types in it."""
    mine = browser.new_context(base_url=base_url, reduced_motion="reduce", **options)
    hers = browser.new_context(base_url=base_url)
    page = mine.new_page()
    open_chat(page)
    let_jane_type(hers.new_page())
    expect(page.locator(".typing-indicator")).to_have_text("Jane is typing...")
    page.screenshot(path=folder / f"{name}.png")
    mine.close()
    hers.close()


def main(folder: Path) -> None:
    """Take all pictures into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with Server({"FLOWRA_RATE_LIMITS": "false"}) as server, sync_playwright() as playwright:
        server.manage("seed_demo")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        context = browser.new_context(base_url=server.base_url, viewport={"width": 1280, "height": 860})
        page = context.new_page()
        page.goto("/accounts/login/")
        page.screenshot(path=folder / "sign-in.png")
        context.close()
        take(browser, server.base_url, folder, "chat-light", {"viewport": WIDE, "color_scheme": "light"})
        take(browser, server.base_url, folder, "chat-dark", {"viewport": WIDE, "color_scheme": "dark"})
        take(browser, server.base_url, folder, "chat-narrow", {"viewport": NARROW, "color_scheme": "light"})
        browser.close()
    sys.stdout.write(f"The pictures are in {folder}.\n")


if __name__ == "__main__":
    main(FOLDER)
