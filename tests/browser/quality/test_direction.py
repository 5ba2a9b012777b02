"""Hebrew names and messages on every page: each runs in its own direction and turns nothing around it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Caller, Opener
from tests.support.processes import Server

NAME = "שלום כהן"
TITLE = "פרויקט (v2)"
WORKSPACE = "חברה 7!"
MARK = re.compile("[\u0590-\u05ff]")
# A text node of Hebrew, and a field with Hebrew in it, that takes its direction from the page around it.
UNTURNED = r"""() => {
  const hebrew = /[\u0590-\u05ff]/;
  const isolated = (words) => words.replace(/\u2068[^\u2068\u2069]*\u2069/g, "");
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (parent.closest("script, style, .avatar, .workspace-mark, textarea, [contenteditable]") !== null) continue;
    if (!hebrew.test(isolated(node.data)) || parent.closest("bdi, [dir=auto]") !== null) continue;
    found.push(`${parent.outerHTML.slice(0, 160)}`);
  }
  for (const field of document.querySelectorAll("input:not([type]), input[type=text], input[type=search], textarea")) {
    if (field.readOnly || field.hidden || field.autocomplete === "username") continue;
    if (field.dir !== "auto") found.push(field.outerHTML);
    else if (hebrew.test(field.value) && getComputedStyle(field).direction !== "rtl") found.push(`ltr: ${field.id}`);
  }
  for (const element of document.querySelectorAll("[aria-label], [title], [placeholder]")) {
    for (const name of ["aria-label", "title", "placeholder"]) {
      if (hebrew.test(isolated(element.getAttribute(name) ?? ""))) found.push(`${name}: ${element.getAttribute(name)}`);
    }
  }
  if (hebrew.test(isolated(document.title))) found.push(`title: ${document.title}`);
  return found;
}"""


# Two people of that name in a workspace: REST lets nobody in who has not agreed.
PEOPLE = """
from django.contrib.auth import get_user_model
from chats import services
one, two = [get_user_model().objects.create_user(name, "", "demo", display_name={name!r}) for name in {usernames!r}]
workspace = services.create_workspace(user=one, name={workspace!r}).workspace
services.moderate_add_workspace_member(workspace_id=workspace.pk, user_id=two.pk, role="member")
"""


@pytest.fixture(scope="module")
def scene(server: Server) -> Iterator[dict[str, Any]]:
    """Give two people with Hebrew names in a workspace and chats of such names."""
    noa, dan = f"noa{uuid.uuid4().hex[:5]}", f"dan{uuid.uuid4().hex[:5]}"
    server.manage("shell", "-v0", "-c", PEOPLE.format(name=NAME, usernames=[noa, dan], workspace=WORKSPACE))
    one, two = Caller(server.base_url, noa), Caller(server.base_url, dan)
    workspace = one.call("GET", "/workspaces")["results"][0]["id"]
    kinds = [("discussion", TITLE), ("task", TITLE)]
    chats = [
        one.call("POST", "/chats", {"workspace_id": workspace, "kind": kind, "title": title, "member_ids": [two.id]})[
            "id"
        ]
        for kind, title in kinds
    ]
    direct = one.call(
        "POST", "/chats", {"workspace_id": workspace, "kind": "direct", "title": "", "member_ids": [two.id]}
    )["id"]
    first = two.post(chats[0], f"@{noa} בדיקה (abc)")
    answer = one.post(chats[0], "> ציטוט\n\nשבת", reply_to=first["id"])
    two.post(direct, "היי")
    yield {
        "noa": noa,
        "dan": dan,
        "workspace": workspace,
        "chats": chats,
        "direct": direct,
        "own": answer["id"],
        "token": one.call("POST", f"/workspaces/{workspace}/invites", {})["token"],
        "two": two.id,
        "caller": two,
    }
    one.close()
    two.close()


def check(page: Page, path: str) -> None:
    """Open a page and fail with what is not turned."""
    page.goto(path)
    assert MARK.search(page.locator("body").inner_text()) or MARK.search(page.content()), path
    assert page.evaluate(UNTURNED) == [], path


def test_every_page_turns_what_is_hebrew(enter: Opener, scene: dict[str, Any]) -> None:
    page = enter(scene["noa"])
    chat, workspace = f"/chats/{scene['chats'][0]}/", f"/workspaces/{scene['workspace']}/"
    paths = [chat, f"/chats/{scene['chats'][1]}/", f"/chats/{scene['direct']}/"]
    paths += [f"{chat}{part}" for part in ("members/", "members/add/", "rename/", "delete/", "leave/")]
    paths += [f"{chat}members/{scene['two']}/remove/", f"/chats/{scene['direct']}/delete/"]
    paths += [f"{chat}messages/{scene['own']}/{part}/" for part in ("edit", "delete")]
    paths += [f"{chat}?reply_to={scene['own']}", "/search/?q=פרויקט", "/search/?q=שלום", "/notifications/"]
    paths += [f"{workspace}{part}" for part in ("settings/", "chats/new/", "direct/new/", "delete/")]
    paths += ["/accounts/profile/", "/invitations/", "/blocks/", f"/invites/{scene['token']}/"]
    for path in paths:
        check(page, path)


def test_what_scripts_write_is_turned(enter: Opener, scene: dict[str, Any]) -> None:
    chat = f"/chats/{scene['chats'][0]}/"
    page = enter(scene["noa"], chat)
    expect(page.locator("#ws-status")).to_have_attribute("data-state", "connected")
    scene["caller"].post(scene["chats"][0], f"חדש (new) @{scene['noa']}")
    scene["caller"].post(scene["chats"][1], f"@{scene['noa']} אחר")
    expect(page.locator(".toast").first).to_be_visible()
    body = page.locator(".message-body", has_text="חדש").first
    expect(body).to_be_visible()
    assert body.evaluate("(node) => getComputedStyle(node).direction") == "rtl"
    box = page.locator("#composer-body")
    box.fill("עברית")
    assert box.evaluate("(node) => getComputedStyle(node).direction") == "rtl"
    box.fill("")
    box.press_sequentially("@")
    expect(page.locator("#mention-list li").first).to_be_visible()
    assert page.evaluate(UNTURNED) == []
    page.keyboard.press("Escape")
    box.fill("")
    page.locator(".message .message-tools [data-action=reply]").first.evaluate("(node) => node.click()")
    expect(page.locator(".reply-text")).to_contain_text("בדיקה")
    page.locator(f"[data-message-id='{scene['own']}'] [data-action=edit]").evaluate("(node) => node.click()")
    expect(page.locator(".edit-box textarea")).to_be_visible()
    assert page.evaluate(UNTURNED) == []
