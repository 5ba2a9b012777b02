"""Markup in every text that somebody else's page shows, live and after a reload: it stays text."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.chat.test_live import connected
from tests.browser.conftest import Caller, Opener
from tests.support.processes import Server

MARKUP = "<xss-probe/onxss=1><img/src=x/onerror=1>"  # no space, for what is cut at one
CREATE = (
    "from django.contrib.auth import get_user_model as g; "
    f"g().objects.create_user('mallory', 'm@example.org', 'demo', display_name={MARKUP!r})"
)
FOUND = "document.querySelectorAll('xss-probe, [onxss], [onerror], img[src=x]').length"


def is_text(page: Page) -> None:
    """Check that no payload has become an element."""
    assert page.evaluate(FOUND) == 0, page.url


def test_what_others_call_themselves_and_write_is_text(
    server: Server, enter: Opener, callers: dict[str, Caller]
) -> None:
    server.manage("shell", "-c", CREATE)
    mallory = Caller(server.base_url, "mallory")
    workspace = mallory.call("POST", "/workspaces", {"name": MARKUP})["id"]
    try:
        look(mallory, workspace, enter, callers)
    finally:
        mallory.call("DELETE", f"/workspaces/{workspace}")  # or Jane's next pages would open in it
        mallory.close()


def look(mallory: Caller, workspace: str, enter: Opener, callers: dict[str, Caller]) -> None:
    """Have Jane in Mallory's workspace, and see that all its texts stay text."""
    invitation = mallory.call("POST", f"/workspaces/{workspace}/members", {"username": "jane"})
    invited = connected(enter("jane", "/invitations/"))
    expect(invited.locator(".table-list")).to_contain_text(MARKUP)
    is_text(invited)
    callers["jane"].call("POST", f"/me/invitations/{invitation['id']}/accept")
    new = {"workspace_id": workspace, "kind": "task", "member_ids": [callers["jane"].id]}
    chat = mallory.call("POST", "/chats", {**new, "title": MARKUP})
    path, first = f"/chats/{chat['id']}", mallory.post(chat["id"], MARKUP)
    jane, page = (connected(enter(name, f"{path}/")) for name in ("jane", "mallory"))
    page.locator("textarea[name=body]").press_sequentially("typing")
    expect(jane.locator(".typing-text")).to_contain_text(MARKUP)
    answer = mallory.post(chat["id"], f"{MARKUP} @jane", reply_to=first["id"])
    message = jane.locator(f".message[data-seq='{answer['seq']}']")
    expect(message.locator(".message-body")).to_contain_text(MARKUP)
    expect(message.locator(".message-author")).to_have_text(MARKUP)
    mallory.call("PATCH", f"{path}/messages/{answer['id']}", {"body": f"{MARKUP} again"})
    expect(message.locator(".message-body")).to_contain_text("again")
    mallory.call("PATCH", path, {"title": f"{MARKUP} renamed"})
    expect(jane.locator("#sidebar-list")).to_contain_text(f"{MARKUP} renamed")
    mallory.call("POST", "/chats", {**new, "title": f"{MARKUP} beside"})
    expect(jane.locator("#sidebar-list")).to_contain_text(f"{MARKUP} beside")
    expect(jane.locator(".member-item", has_text="xss-probe")).to_have_count(1)
    jane.locator("textarea[name=body]").press_sequentially("@mal")
    expect(jane.locator("[role=option]").first).to_contain_text(MARKUP)
    is_text(jane)
    is_text(page)
    for where in (
        f"{path}/",
        f"{path}/members/",
        "/notifications/",
        "/search/?q=xss-probe",
        f"/workspaces/{workspace}/",
    ):
        jane.goto(where)
        expect(jane.locator("body")).to_contain_text("<xss-probe")
        is_text(jane)
