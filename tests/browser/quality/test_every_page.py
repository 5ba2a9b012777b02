"""axe finds nothing on the pages that test_quality.py does not open either; a new page cannot be forgotten here."""

from __future__ import annotations

import re
from typing import Any

from django.template.loader import render_to_string
from django.urls import URLPattern
from playwright.sync_api import Page, Route, expect

from chats.urls import urlpatterns as chat_pages
from flowra.accounts.urls import urlpatterns as account_pages
from tests.browser.conftest import Opener, Stage
from tests.browser.quality.test_quality import SETTLED, check_with_axe
from tests.support.processes import Server, wait_until

IN_QUALITY = {"login", "signup", "profile", "home", "detail", "notifications", "search", "workspace_create"}
IN_QUALITY |= {"workspace_settings", "leave"}
FRAGMENTS = {"sidebar", "header", "names", "bell", "favicon", "preview", "lines"}
REDIRECTS = {"notification_open"}
ACTIONS = {"demo", "logout", "sign_out_everywhere", "notifications_read", "reopen", "read"}
ACTIONS |= {"post", "favourite", "direct_with", "workspace_rename", "workspace_member_add", "workspace_member_role"}
ACTIONS |= {"invite_create", "invite_accept"}
ACTIONS |= {"unblock", "invitation_accept", "invitation_decline"}
IN_CONSENT = {"invitations", "blocks"}
CHAT_PAGES = {"members": "members/", "members_add": "members/add/", "rename": "rename/", "delete": "delete/"}
MESSAGE_PAGES = {"message_edit": "edit/", "message_delete": "delete/"}
WORKSPACE_PAGES = {"create": "chats/new/", "create_direct": "direct/new/", "workspace_delete": "delete/"}
OTHER_PAGES = {"invite", "workspace", "password_change", "password_reset", "password_reset_done"}
OTHER_PAGES |= {"password_reset_confirm"}
REMOVALS = {"member_remove", "workspace_member_remove", "invite_revoke", "close", "block", "invitation_cancel"}
# axe is on the page already.
CONTRAST = """
axe.run({ runOnly: ["color-contrast"] }).then(({ violations }) =>
  violations.flatMap(({ nodes }) => nodes.map(({ html, any }) => [html, any[0].message])))
"""
RESET_LINK = re.compile(r"/accounts/password/reset/[^/\s]+/[^/\s]+/")


def check(page: Page) -> None:
    """Fail with what axe has found, in the light theme and in the dark one, which differ in their colours alone."""
    check_with_axe(page)
    page.emulate_media(color_scheme="dark")
    page.evaluate(SETTLED)
    faint = page.evaluate(CONTRAST)
    assert faint == []
    page.emulate_media(color_scheme="light")


def visit(page: Page, path: str, status: int = 200) -> None:
    """Open an address, whose answer has to be this, and check what it shows."""
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == status, path
    check(page)


def enter_as(enter: Opener, server: Server, username: str | None, **options: Any) -> Page:
    """Return an empty page of somebody."""
    address = {"base_url": server.base_url}
    return enter(username, "about:blank", color_scheme="light", reduced_motion="reduce", **address, **options)


def test_no_page_is_forgotten() -> None:
    named = {str(page.name) for page in [*chat_pages, *account_pages] if isinstance(page, URLPattern)}
    looked_at = IN_QUALITY | {*CHAT_PAGES, *MESSAGE_PAGES, *WORKSPACE_PAGES} | OTHER_PAGES | IN_CONSENT | REMOVALS
    assert looked_at | FRAGMENTS | REDIRECTS | ACTIONS == named


def test_forms_and_questions(enter: Opener, server: Server, stage: Stage) -> None:
    page = enter_as(enter, server, "john")
    message = stage.john.post(stage.chat_id, "Mine")
    for part in CHAT_PAGES.values():
        visit(page, f"{stage.path}{part}")
    for part in MESSAGE_PAGES.values():
        visit(page, f"{stage.path}messages/{message['id']}/{part}")
    for part in WORKSPACE_PAGES.values():
        visit(page, f"/workspaces/{stage.workspace_id}/{part}")
    invite = stage.john.call("POST", f"/workspaces/{stage.workspace_id}/invites", {})
    visit(page, f"{stage.path}members/{stage.jane.id}/remove/")
    visit(page, f"{stage.path}close/")
    visit(page, f"/people/{stage.jane.id}/block/")
    visit(page, f"/workspaces/{stage.workspace_id}/members/{stage.jane.id}/remove/")
    visit(page, f"/workspaces/{stage.workspace_id}/invites/{invite['id']}/revoke/")
    visit(page, "/accounts/password/change/")
    page.locator("[name=old_password]").fill("wrong")
    page.locator("[name=new_password1]").fill("x")
    page.locator("[name=new_password2]").fill("y")
    page.locator("[name=new_password2]").press("Enter")
    expect(page.locator(".errors, .errorlist").first).to_be_visible()
    check(page)


def test_nothing_found_and_nothing_there(enter: Opener, server: Server, stage: Stage) -> None:
    page = enter_as(enter, server, "john", refused=True)
    visit(page, "/search/?q=zzzzzz")
    visit(page, "/chats/01a00000-0000-7000-8000-000000000000/", status=404)
    visit(page, "/invites/no-such-invite/", status=404)
    stage.john.call("POST", f"/chats/{stage.chat_id}/close")
    visit(page, stage.path)


def test_somebody_new(enter: Opener, server: Server, stage: Stage) -> None:
    token = stage.john.call("POST", f"/workspaces/{stage.workspace_id}/invites", {})["token"]
    page = enter_as(enter, server, None)
    visit(page, f"/invites/{token}/")
    page.goto("/accounts/signup/")
    for field in page.locator("form input[name]:not([type=hidden])").all():
        name = field.get_attribute("name") or ""
        field.fill("newcomer@example.org" if "mail" in name else "a horse and staple" if "pass" in name else "newcomer")
    page.locator("form [type=submit]").click()
    expect(page.locator("#user-menu")).to_be_visible()
    check(page)  # no workspace yet
    visit(page, f"/invites/{token}/")
    page.get_by_role("button", name=re.compile("^Join")).click()
    page.wait_for_url(re.compile("/workspaces/[^/]+/$"))
    check(page)  # in no chat yet


def test_a_lost_password(enter: Opener, server: Server) -> None:
    page = enter_as(enter, server, None)
    visit(page, "/accounts/password/reset/")
    page.locator("[name=email]").fill("bob@example.org")
    page.locator("[name=email]").press("Enter")
    page.wait_for_url(re.compile("/accounts/password/reset/sent/$"))
    check(page)
    visit(page, "/accounts/password/reset/MQ/no-such-token/")
    wait_until(lambda: RESET_LINK.search(server.output()) is not None, 5, "the mail")
    link = RESET_LINK.search(server.output())
    assert link is not None
    visit(page, link[0])
    expect(page.locator("[name=new_password1]")).to_be_visible()


# Shown only by other settings, or when something is wrong: rendered here in their place.
RARE: dict[str, dict[str, object]] = {
    "400": {},
    "403": {},
    "403_csrf": {},
    "429": {},
    "500": {},
    "accounts/signup_closed": {"next": "/"},
    "accounts/locked_out": {"minutes": 15},
}


def test_rare_pages(enter: Opener, server: Server) -> None:
    page = enter_as(enter, server, None)
    page.route(re.compile("/rare/"), answer_rare)
    for name in RARE:
        visit(page, f"/rare/{name}")
        expect(page.locator("h1")).to_be_visible()


def answer_rare(route: Route) -> None:
    """Answer with the page that the address names; the server has no such addresses."""
    _, _, name = route.request.url.partition("/rare/")
    route.fulfill(body=render_to_string(f"{name}.html", RARE[name]), content_type="text/html")
