"""axe finds nothing in either theme; the policy is strict and never violated, in the admin neither."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.chat.test_live import connected
from tests.browser.conftest import Opener, Stage

# What was just opened begins to move with the next frame; axe should see where it ends. At most two seconds.
SETTLED = """
new Promise((done) => {
  let frames = 0;
  const look = () => {
    frames += 1;
    const moving = document.getAnimations().some((animation) => animation.playState === "running");
    if (frames > 120 || (frames > 2 && !moving)) done();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})
"""
THEMES = pytest.mark.parametrize("scheme", ["light", "dark"])


def check_with_axe(page: Page) -> None:
    """Fail with what axe has found on the page as it stands."""
    page.evaluate(SETTLED)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@THEMES
def test_sign_in_and_sign_up(enter: Opener, scheme: str) -> None:
    page = enter(None, "/accounts/login/", color_scheme=scheme, reduced_motion="reduce")
    check_with_axe(page)
    page.goto("/accounts/signup/")
    check_with_axe(page)


@THEMES
def test_the_chat(enter: Opener, stage: Stage, scheme: str) -> None:
    first = stage.jane.post(stage.chat_id, "Hello @john, `code` and [a link](https://example.org)")
    stage.bob.post(stage.chat_id, "> quoted\n\n- a\n- b\n\n```\ncode\n```", reply_to=first["id"])
    gone = stage.bob.post(stage.chat_id, "soon gone")
    stage.bob.call("DELETE", f"/chats/{stage.chat_id}/messages/{gone['id']}")
    john = connected(enter("john", stage.path, color_scheme=scheme, reduced_motion="reduce"))
    check_with_axe(john)
    john.locator(".message").nth(1).hover()
    check_with_axe(john)


@THEMES
def test_what_comes_over_and_into_a_chat(enter: Opener, stage: Stage, scheme: str) -> None:
    for number in range(30):
        stage.jane.post(stage.chat_id, f"Number {number} of many")
    look = {"color_scheme": scheme, "reduced_motion": "reduce"}
    john = connected(enter("john", stage.path, **look))
    expect(john.locator(".unread-bar")).to_be_visible()
    expect(john.locator(".new-line")).to_be_visible()
    check_with_axe(john)
    john.keyboard.press("Shift+Tab")
    expect(john.locator(".message:focus")).to_be_visible()
    john.locator("#room-filter").fill("nothing like it")
    check_with_axe(john)
    phone = {"viewport": {"width": 375, "height": 700}, "has_touch": True, "is_mobile": True}
    jane = enter("jane", stage.path, **look, **phone)
    jane.locator(".message-more:visible").last.tap()
    expect(jane.locator("#message-sheet")).to_be_visible()
    check_with_axe(jane)


@THEMES
def test_dialogs_and_menus(enter: Opener, stage: Stage, scheme: str) -> None:
    john = connected(enter("john", stage.path, color_scheme=scheme, reduced_motion="reduce"))
    for name in ("New chat", "New direct chat"):
        john.get_by_role("link", name=name).click()
        expect(john.locator("#dialog")).to_be_visible()
        check_with_axe(john)
        john.keyboard.press("Escape")
    john.keyboard.press("Control+k")
    expect(john.locator("#jump-results .jump-item").first).to_be_visible()
    check_with_axe(john)
    john.keyboard.press("Escape")
    for menu in ("#bell", "#user-menu", "#workspace-menu", "#chat-menu"):
        john.locator(f"{menu} > summary").click()
        expect(john.locator(f"{menu} > .menu-panel")).to_be_visible()
        if menu == "#bell":
            expect(john.locator(".bell-panel .notification").first).to_be_visible()
        check_with_axe(john)
        john.keyboard.press("Escape")
        expect(john.locator(f"{menu} > .menu-panel")).to_be_hidden()


@THEMES
def test_narrow_with_a_drawer(enter: Opener, stage: Stage, scheme: str) -> None:
    size = {"width": 390, "height": 760}
    john = connected(enter("john", stage.path, color_scheme=scheme, viewport=size, reduced_motion="reduce"))
    check_with_axe(john)
    john.get_by_role("link", name="Chats", exact=True).click()
    expect(john.locator("#sidebar")).to_be_visible()
    check_with_axe(john)


@THEMES
def test_other_pages(enter: Opener, stage: Stage, scheme: str) -> None:
    john = enter("john", "/notifications/", color_scheme=scheme, reduced_motion="reduce")
    for path in (
        "/notifications/",
        "/search/?q=re",
        "/workspaces/new/",
        f"/workspaces/{stage.workspace_id}/settings/",
        f"/workspaces/{stage.workspace_id}/settings/?tab=links",
        f"/workspaces/{stage.workspace_id}/settings/?tab=general",
        f"/chats/{stage.chat_id}/leave/",
        "/accounts/profile/",
    ):
        john.goto(path)
        check_with_axe(john)


def test_the_admin_works_under_the_policy(enter: Opener) -> None:
    admin = enter("admin", "/admin/")
    expect(admin.locator("#content h1")).to_be_visible()
    for path in ("/admin/chats/chat/", "/admin/chats/message/", "/admin/accounts/user/", "/admin/chats/workspace/"):
        answer = admin.goto(path)
        assert answer is not None
        assert answer.status == 200
        expect(admin.locator("#changelist")).to_be_visible()


def test_the_policy_is_strict(enter: Opener, stage: Stage) -> None:
    john = enter("john", stage.path)
    answer = john.goto(stage.path)
    assert answer is not None
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"].startswith("'self' 'nonce-")
    assert policy["style-src"] == policy["connect-src"] == policy["form-action"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert john.locator("[style]").count() == 0
