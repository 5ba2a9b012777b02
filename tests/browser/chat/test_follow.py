"""Names, roles, membership and the life of a chat reach every part of open pages; nothing that was typed goes."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chat.test_live import connected, write
from tests.browser.conftest import Caller, Opener, Stage


@pytest.fixture
def workspace(callers: dict[str, Caller]) -> Iterator[Stage]:
    """Give a chat in a workspace of its own, which john owns; jane and bob are members."""
    john, jane, bob = (callers[name] for name in ("john", "jane", "bob"))
    name = f"Guild {uuid.uuid4().hex[:6]}"
    workspace_id = john.call("POST", "/workspaces", {"name": name})["id"]
    for person in (jane, bob):
        john.call("POST", f"/workspaces/{workspace_id}/members", {"user_id": person.id})
    body = {"workspace_id": workspace_id, "kind": "discussion", "title": name, "member_ids": [jane.id, bob.id]}
    yield Stage(john, jane, bob, workspace_id, john.call("POST", "/chats", body)["id"], name)
    for person, before in ((john, "John Smith"), (jane, "Jane Doe")):
        person.call("PATCH", "/me", {"display_name": before})


def title_of(page: Page, start: str) -> None:
    expect(page).to_have_title(re.compile(rf"^(\(\d+\+?\) )?{re.escape(start)}"))


def test_another_name_is_everywhere_at_once(enter: Opener, workspace: Stage) -> None:
    stage = workspace
    first = stage.jane.post(stage.chat_id, "Hello")
    stage.bob.post(stage.chat_id, "Hello back", reply_to=first["id"])
    body = {"workspace_id": stage.workspace_id, "kind": "direct", "member_ids": [stage.jane.id]}
    direct = stage.john.call("POST", "/chats", body)["id"]
    stage.jane.post(direct, "Only for you")
    john, private = connected(enter("john", stage.path)), connected(enter("john", f"/chats/{direct}/"))
    jane = connected(enter("jane", stage.path))
    john.locator(".message", has_text="Hello").first.hover()
    john.locator(".message [data-action=reply]").first.click()
    private.locator("#composer-body").fill("A thought")
    jane.locator("#composer-body").press_sequentially("Hm", delay=10)
    expect(john.locator(".typing-indicator")).to_have_text("Jane is typing...")
    name = f"Aaron Jane {uuid.uuid4().hex[:6]}"
    stage.jane.call("PATCH", "/me", {"display_name": name})
    expect(john.locator(".message-author").first).to_have_text(name)
    expect(john.locator(".message-reply b").last).to_have_text(name)
    expect(john.locator(".message > .avatar").first).to_have_text(f"A{name.split()[-1][0]}".upper())
    expect(john.locator(".reply-text")).to_have_text(f"Replying to {name}: Hello")
    expect(john.locator(".typing-indicator")).to_have_text("Aaron is typing...")
    row = john.locator(f".member-item[data-user-id='{stage.jane.id}']")
    expect(row.locator(".member-name")).to_contain_text(name)
    assert john.locator(".member-item").first.get_attribute("data-user-id") == stage.jane.id
    expect(row.locator(".member-remove")).to_have_attribute("aria-label", f"Remove {name} from this chat")
    expect(john.locator(f".room[data-peer-id='{stage.jane.id}'] .room-name")).to_have_text(name)
    john.locator("#composer-body").press_sequentially("@aar")
    expect(john.locator("#mention-list")).to_contain_text(name)
    title_of(private, f"{name} · Flowra")
    expect(private.locator("main h1")).to_contain_text(name)
    expect(private.locator("#composer-body")).to_have_attribute("placeholder", f"Message {name}")
    expect(private.locator("#timeline-empty h2")).to_have_text(f"This is the beginning of your chat with {name}")
    expect(private.locator("#composer-body")).to_have_value("A thought")
    # Her own page, in its navbar too.
    expect(jane.locator("#user-menu .menu-title")).to_contain_text(name)
    expect(jane.locator("#user-menu > summary")).to_have_attribute("aria-label", f"{name}: account menu")
    write(jane, "It is me")
    expect(jane.locator(".message-author").last).to_have_text(name)


def test_roles_and_the_workspaces_name_arrive(enter: Opener, workspace: Stage) -> None:
    stage = workspace
    stage.john.post(stage.chat_id, "Not yours")
    jane = connected(enter("jane", stage.path))
    settings = connected(enter("jane", f"/workspaces/{stage.workspace_id}/settings/?tab=general", refused=True))
    delete = jane.locator(".message [data-action=delete]")
    expect(delete).to_be_hidden()
    member = f"/workspaces/{stage.workspace_id}/members/{stage.jane.id}"
    stage.john.call("PATCH", member, {"role": "admin"})
    jane.locator(".message").hover()
    expect(delete).to_be_visible()
    expect(jane.locator(".member-remove")).to_have_count(2)
    jane.locator("#workspace-menu > summary").click()
    expect(jane.locator("#workspace-choices")).to_contain_text("Invite people")
    # A form that she may use from now on; what she types there stays, whatever else happens.
    name = settings.locator("form[action$='/rename/'] input[name=name]")
    name.fill("My own idea")
    stage.john.call("PATCH", f"/workspaces/{stage.workspace_id}", {"name": "Acme & Sons"})
    expect(jane.locator("#workspace-name")).to_have_text("Acme & Sons")
    expect(jane.locator("#workspace-menu")).to_have_attribute("open", "")
    title_of(settings, "Acme & Sons")
    expect(settings.locator("main h1")).to_have_text("Acme & Sons")
    expect(name).to_have_value("My own idea")
    expect(name).to_be_focused()
    stage.john.call("PATCH", member, {"role": "member"})
    expect(jane.locator(".member-remove")).to_have_count(0)
    jane.locator(".message").hover()
    expect(delete).to_be_hidden()
    expect(settings.locator(".note.warning")).to_contain_text("You may no longer do this.")
    expect(name).to_have_value("My own idea")
    expect(name).not_to_be_editable()
    stage.john.call("DELETE", f"/workspaces/{stage.workspace_id}")
    expect(settings.locator(".note.warning")).to_contain_text("You can no longer open this page.")
    expect(name).to_have_value("My own idea")
    expect(settings.locator("#workspace-choices")).not_to_contain_text("Acme & Sons")
    expect(settings.locator("#toasts")).to_contain_text("The workspace Acme & Sons was deleted.")
    expect(jane.locator("#closed-note")).to_contain_text("This chat was deleted.")


def test_a_new_workspace_is_in_the_menu_of_other_pages(enter: Opener, stage: Stage) -> None:
    page = connected(enter("bob", stage.path))
    name = f"New {uuid.uuid4().hex[:6]}"
    workspace_id = stage.bob.call("POST", "/workspaces", {"name": name})["id"]
    page.locator("#workspace-menu > summary").click()
    entry = page.locator("#workspace-choices", has_text=name)
    expect(entry).to_be_visible()
    stage.bob.call("DELETE", f"/workspaces/{workspace_id}")
    expect(entry).to_have_count(0)


def test_closing_and_removal_take_nothing_that_is_being_written(enter: Opener, stage: Stage) -> None:
    stage.jane.post(stage.chat_id, "The frist draft")
    jane = connected(enter("jane", stage.path))
    box, send = jane.locator("#composer-body"), jane.locator("#composer button[type=submit]")
    jane.locator("#composer-body").press("ArrowUp")
    editor = jane.get_by_label("Edit message")
    editor.fill("The first draft, at length")
    box.fill("Half a thought")
    stage.john.call("POST", f"/chats/{stage.chat_id}/close")
    expect(jane.locator("#closed-note")).to_be_visible()
    expect(box).to_have_value("Half a thought")
    expect(box).to_be_visible()
    expect(box).not_to_be_editable()
    expect(send).to_be_disabled()
    expect(editor).to_have_value("The first draft, at length")
    expect(editor).not_to_be_editable()
    expect(jane.locator(".edit-box .errors")).to_contain_text("This chat is archived.")
    box.press("Enter")
    expect(jane.locator(".message")).to_have_count(1)
    # Opened closed, the draft is there to be read.
    jane.reload()
    expect(box).to_have_value("Half a thought")
    expect(box).not_to_be_editable()
    connected(jane)
    stage.john.call("POST", f"/chats/{stage.chat_id}/reopen")
    expect(box).to_be_editable()
    expect(send).to_be_enabled()
    expect(jane.locator("#closed-note")).to_be_hidden()
    stage.john.call("PATCH", f"/chats/{stage.chat_id}", {"title": "Another subject"})
    title_of(jane, "Another subject · Flowra")
    expect(box).to_have_attribute("placeholder", "Message Another subject")
    expect(jane.locator("#timeline-empty h2")).to_have_text("This is the beginning of Another subject")
    stage.john.call("DELETE", f"/chats/{stage.chat_id}/members/{stage.jane.id}")
    expect(jane.locator("#closed-note")).to_have_text("You are no longer in this chat.")
    expect(box).to_have_value("Half a thought")
    expect(box).not_to_be_editable()
    for gone in (".message-tools", ".online-count", "#chat-menu", ".member-list a"):
        expect(jane.locator(gone).first).to_be_hidden()
    expect(jane.locator(".member-count")).not_to_contain_text("online")
    assert box.evaluate("box => { box.select(); return String(getSelection()); }") == "Half a thought"


def test_what_changed_during_an_outage_is_there_afterwards(enter: Opener, workspace: Stage) -> None:
    stage = workspace
    stage.jane.post(stage.chat_id, "Hello")
    bob = connected(enter("bob", stage.path, outage=True))
    bob.context.set_offline(True)
    expect(bob.locator("#ws-status")).not_to_have_attribute("data-state", "connected", timeout=60_000)
    name = f"Jane {uuid.uuid4().hex[:6]}"
    stage.jane.call("PATCH", "/me", {"display_name": name})
    stage.john.call("PATCH", f"/workspaces/{stage.workspace_id}", {"name": "Meanwhile"})
    stage.john.call("PATCH", f"/workspaces/{stage.workspace_id}/members/{stage.bob.id}", {"role": "admin"})
    stage.john.call("PATCH", f"/chats/{stage.chat_id}", {"title": "Later"})
    bob.context.set_offline(False)
    connected(bob)
    expect(bob.locator(".message-author").first).to_have_text(name)
    expect(bob.locator("#workspace-name")).to_have_text("Meanwhile")
    expect(bob.locator("main h1")).to_have_text("Later")
    expect(bob.locator("#composer-body")).to_have_attribute("placeholder", "Message Later")
    expect(bob.locator(".member-remove")).to_have_count(2)
    bob.locator(".message").first.hover()
    expect(bob.locator(".message [data-action=delete]").first).to_be_visible()
