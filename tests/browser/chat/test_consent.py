"""Two strangers: one invites, the other is asked, accepts, hides a chat, blocks and unblocks."""

from __future__ import annotations

import re
import uuid

from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener
from tests.browser.quality.test_every_page import check
from tests.support.processes import Server

PASSWORD = "a horse and staple"
VIEW = {"color_scheme": "light", "reduced_motion": "reduce"}


def sign_up(page: Page, username: str) -> None:
    """Make an account on the pages, which signs in."""
    page.goto("/accounts/signup/")
    for field in page.locator("form input[name]:not([type=hidden])").all():
        name = field.get_attribute("name") or ""
        field.fill(f"{username}@example.org" if "mail" in name else PASSWORD if "pass" in name else username)
    page.locator("form [type=submit]").click()
    expect(page.locator("#user-menu")).to_be_visible()


def make_workspace(page: Page, name: str) -> str:
    """Make a workspace and return the address of its settings."""
    page.goto("/workspaces/new/")
    page.locator("[name=name]").fill(name)
    page.locator("[name=name]").press("Enter")
    page.wait_for_url(re.compile(r"/workspaces/[0-9a-f-]{36}/$"))
    return f"{page.url}settings/"


def invite(page: Page, settings: str, username: str) -> None:
    """Invite somebody by name on the settings page."""
    page.goto(settings)
    page.locator("[name=username]").fill(username)
    page.locator("[name=username]").press("Enter")
    expect(page.locator("#invitations")).to_contain_text(f"@{username}")


def test_a_stranger_is_asked_accepts_and_blocks(enter: Opener, server: Server) -> None:
    suffix = uuid.uuid4().hex[:6]
    maker, guest = f"maker{suffix}", f"guest{suffix}"
    theirs = enter(None, "about:blank", **VIEW)
    sign_up(theirs, guest)
    make_workspace(theirs, "Home")
    expect(theirs.locator("#ws-status")).to_have_attribute("data-state", "connected")
    mine = enter(None, "about:blank", **VIEW)
    sign_up(mine, maker)
    settings = make_workspace(mine, "Elsewhere")
    invite(mine, settings, guest)
    expect(mine.locator("body")).to_contain_text("They join when they accept")
    check(mine)
    mine.get_by_role("link", name=f"Withdraw @{guest}").click()
    expect(mine.get_by_role("heading", name=f"Withdraw the invitation of @{guest}?")).to_be_visible()
    mine.get_by_role("button", name="Withdraw").click()
    expect(mine.locator("#invitations")).to_have_count(0)
    invite(mine, settings, guest)

    # Live: the bell, and where it leads.
    toast = theirs.locator(".toast", has_text=f"{maker} invited you to Elsewhere").last
    expect(toast).to_be_visible()
    theirs.locator("#bell summary").click()
    theirs.locator(".notification").first.click()
    theirs.wait_for_url(re.compile("/invitations/$"))
    check(theirs)
    theirs.get_by_role("button", name="Accept Elsewhere").click()
    theirs.wait_for_url(re.compile(r"/workspaces/[0-9a-f-]{36}/$"))

    # A direct chat: hidden it goes from the list, a message brings it back.
    mine.goto(settings.replace("settings/", "direct/new/"))
    mine.get_by_label(guest).check()
    mine.get_by_role("button", name="Open chat").click()
    mine.wait_for_url(re.compile("/chats/"))
    mine.locator("textarea[name=body]").fill("Hello")
    mine.locator("textarea[name=body]").press("Enter")
    room = theirs.locator("a.room", has_text=maker)
    expect(room).to_be_visible()
    room.click()
    theirs.locator("#chat-menu summary").click()
    check(theirs)
    theirs.get_by_role("link", name="Hide chat").click()
    check(theirs)
    theirs.get_by_role("button", name="Hide chat").click()
    expect(room).to_have_count(0)
    expect(theirs.locator("#ws-status")).to_have_attribute("data-state", "connected")
    mine.locator("textarea[name=body]").fill("Are you there?")
    mine.locator("textarea[name=body]").press("Enter")
    expect(room).to_be_visible()

    # Blocked: the list says so, and nothing can be written.
    room.click()
    theirs.locator("#chat-menu summary").click()
    theirs.get_by_role("link", name=f"Block {maker}").click()
    expect(theirs.get_by_role("button", name="Cancel")).to_be_focused()
    theirs.get_by_role("button", name=f"Block {maker}").click()
    theirs.wait_for_url(re.compile("/blocks/$"))
    expect(theirs.locator(".table-list")).to_contain_text(f"@{maker}")
    check(theirs)
    mine.locator("textarea[name=body]").fill("Still there?")
    mine.locator("textarea[name=body]").press("Enter")
    expect(mine.locator(".message", has_text="Still there?")).to_contain_text("blocked")
    theirs.get_by_role("button", name=f"Unblock {maker}").click()
    expect(theirs.locator("body")).to_contain_text("You have not blocked anyone.")
    check(theirs)
