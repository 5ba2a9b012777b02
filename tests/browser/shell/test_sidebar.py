"""The list of chats: its order, favourites, the filter, marks and pills; live, in all tabs, and after a reload."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.chat.test_live import connected
from tests.browser.conftest import Caller, Opener, Stage, new_stage


def room(page: Page, chat_id: str) -> Locator:
    """Return the chat's line in the list."""
    return page.locator(f"#sidebar .room[data-chat-id='{chat_id}']")


def stands_in(page: Page, chat_id: str, section: str) -> None:
    """Expect the chat to stand in this section of the list."""
    expect(page.locator(f"[data-section={section}] .room[data-chat-id='{chat_id}']")).to_have_count(1)


def away(page: Page) -> None:
    """Move the pointer out of the list."""
    page.mouse.move(900, 300)


def test_unread_chats_come_first_and_nothing_moves_below_the_pointer(
    enter: Opener, stage: Stage, callers: dict[str, Caller]
) -> None:
    other, third = new_stage(callers), new_stage(callers)
    john = connected(enter("john", stage.path))
    stage.jane.post(other.chat_id, "One")
    expect(room(john, other.chat_id)).to_have_class(re.compile("unread"))
    stands_in(john, other.chat_id, "work")
    tab = john.context.new_page()
    tab.goto(stage.path)
    connected(tab)
    john.locator("#rooms-menu > summary").click()
    john.get_by_label("Unread first").check()
    for page in (john, tab):  # at once, wherever it was chosen
        stands_in(page, other.chat_id, "unread")
    expect(tab.locator("[name=room-order][value=unread]")).to_be_checked()
    tab.close()
    away(john)
    john.reload()
    stands_in(connected(john), other.chat_id, "unread")
    room(john, other.chat_id).hover()
    stage.jane.post(third.chat_id, "Two")
    expect(room(john, third.chat_id).locator(".count")).to_be_visible()
    stands_in(john, third.chat_id, "work")
    room(john, other.chat_id).click()
    expect(john.locator("#chat-header h1")).to_contain_text(other.title)
    expect(room(john, other.chat_id).locator(".count")).to_be_hidden()
    away(john)
    expect(john.locator("[data-section=unread] .room").first).to_have_attribute("data-chat-id", third.chat_id)
    stands_in(john, other.chat_id, "unread")  # as long as it is open
    room(john, stage.chat_id).click()
    expect(john.locator("#chat-header h1")).to_contain_text(stage.title)
    away(john)
    stands_in(john, other.chat_id, "work")
    # A folded section still shows what is unread, after a reload as well.
    john.locator("[data-section=unread] .fold").click()
    expect(room(john, third.chat_id)).to_be_visible()
    john.locator("[data-section=work] .fold").click()
    expect(room(john, other.chat_id)).to_be_hidden()
    expect(room(john, stage.chat_id)).to_be_visible()  # the open one
    john.reload()
    expect(room(john, other.chat_id)).to_be_hidden()
    expect(john.get_by_role("button", name="Work")).to_have_attribute("aria-expanded", "false")


def test_favourites_follow_in_all_tabs(enter: Opener, stage: Stage) -> None:
    one = connected(enter("john", "/notifications/"))
    two = one.context.new_page()
    two.goto(stage.path)
    connected(two)
    room(one, stage.chat_id).hover()
    star = one.get_by_role("button", name=f"{stage.title} is a favourite")
    expect(star).to_have_attribute("aria-pressed", "false")
    star.click()
    for tab in (one, two):
        stands_in(tab, stage.chat_id, "favourites")
    assert stage.john.call("GET", f"/chats/{stage.chat_id}")["is_favourite"]
    two.locator("#chat-menu > summary").click()
    two.get_by_role("button", name="Remove from favourites").click()
    for tab in (one, two):
        stands_in(tab, stage.chat_id, "work")
    plain = enter("john", stage.path, java_script_enabled=False)
    plain.locator("#chat-menu > summary").click()
    plain.get_by_role("button", name="Add to favourites").click()
    stands_in(plain, stage.chat_id, "favourites")
    for tab in (one, two):
        stands_in(tab, stage.chat_id, "favourites")
    two.locator("#chat-menu > summary").click()
    expect(two.get_by_role("button", name="Remove from favourites")).to_be_visible()


def test_drafts_and_unsent_messages_are_marked_in_all_tabs(enter: Opener, stage: Stage) -> None:
    one = connected(enter("john", stage.path, outage=True))
    two = one.context.new_page()
    two.goto("/notifications/")
    connected(two)
    mark = room(two, stage.chat_id).locator(".room-mark")
    one.locator("textarea[name=body]").fill("Half a thought")
    expect(mark).to_have_text("Draft")
    two.reload()
    connected(two)
    expect(mark).to_have_text("Draft")
    one.context.set_offline(True)
    one.locator("textarea[name=body]").press("Enter")
    expect(mark).to_have_text("Not sent")
    expect(room(one, stage.chat_id).locator(".room-mark")).to_have_text("Not sent")
    one.context.set_offline(False)
    expect(mark).to_have_count(0)


def test_the_filter_finds_chats_by_their_words(enter: Opener, stage: Stage) -> None:
    stage.john.call("PATCH", f"/chats/{stage.chat_id}", {"title": f"Über die Ärzte {stage.title} und was dazu gehört"})
    john = connected(enter("john", "/notifications/"))
    expect(room(john, stage.chat_id).locator(".room-name")).to_have_attribute("title", re.compile("gehört$"))
    field = john.get_by_label("Filter chats by name")
    field.fill(f"arz uber {stage.title.split()[1]}")
    expect(john.locator("#sidebar .room:visible")).to_have_count(1)
    field.press("ArrowDown")
    expect(room(john, stage.chat_id)).to_be_focused()
    john.keyboard.press("Escape")
    expect(field).to_be_focused()
    expect(field).to_have_value("")
    expect(room(john, stage.chat_id)).to_be_visible()
    field.fill("nothing like it")
    expect(john.get_by_text("No chat here has this name.")).to_be_visible()
    expect(john.locator("#sidebar .room:visible")).to_have_count(0)
    field.fill(f"arzte {stage.title}")
    field.press("Enter")
    expect(john.locator("#chat-header h1")).to_contain_text("Über die Ärzte")
    expect(room(john, stage.chat_id)).to_have_attribute("aria-current", "page")
    expect(field).to_have_value("")


def test_pills_tell_of_unread_chats_out_of_sight(enter: Opener, stage: Stage) -> None:
    members = {"workspace_id": stage.workspace_id, "kind": "task", "member_ids": [stage.jane.id]}
    last = ""
    for number in range(12):
        last = stage.john.call("POST", "/chats", {**members, "title": f"Row {number}, {stage.title}"})["id"]
    # Everything that other tests left unread would be counted, too.
    path = f"/chats?workspace={stage.workspace_id}&limit=100"
    while path:
        page = stage.john.call("GET", path)
        for chat in page["results"]:
            stage.john.call("POST", f"/chats/{chat['id']}/read", {"seq": chat["seq"]})
        path = (page["next"] or "").partition("/api/v1")[2]
    john = connected(enter("john", "/notifications/", viewport={"width": 1100, "height": 420}))
    above, below = (john.locator(f".more-unread[data-where={where}]") for where in ("above", "below"))
    expect(below).to_be_hidden()
    stage.jane.post(last, "@john far below")
    expect(below).to_have_text("1 more unread ↓")
    expect(below).to_have_class(re.compile("mentions"))
    expect(above).to_be_hidden()
    below.click()
    expect(room(john, last)).to_be_in_viewport()
    expect(room(john, last)).to_be_focused()
    expect(below).to_be_hidden()
    john.locator("#sidebar").evaluate("(pane) => pane.scrollTo(0, pane.scrollHeight)")
    general = next(chat for chat in stage.john.call("GET", "/chats")["results"] if chat["title"] == "general")
    stage.jane.post(general["id"], "High above")
    expect(above).to_have_text("1 more unread ↑")


def test_a_phone_and_the_menu_tell_of_what_is_unread(enter: Opener, stage: Stage, callers: dict[str, Caller]) -> None:
    other = new_stage(callers)
    john = connected(enter("john", stage.path, viewport={"width": 375, "height": 700}))
    back = john.locator("#main [data-drawer-open=sidebar]")
    stage.jane.post(other.chat_id, "@john look")
    expect(back.locator(".count.mentions")).to_be_visible()
    expect(back).to_have_accessible_description(re.compile(r"^\d+\+? unread$"))
    wide = connected(enter("john", stage.path))
    chip = wide.locator("#workspace-menu > summary")
    # However many notifications there are, the bell can be seen.
    wide.locator("#bell-badge").evaluate("(badge) => { badge.innerHTML = '<span class=badge>99+</span>'; }")
    badge, bell = (wide.locator(f"#bell {part}").first.bounding_box() for part in (".badge", "svg"))
    assert badge is not None
    assert bell is not None
    assert badge["x"] >= bell["x"] + bell["width"] / 2
    assert badge["height"] < 20
    elsewhere = stage.jane.call("POST", "/workspaces", {"name": f"Lab of {stage.title}"})["id"]
    stage.jane.call("POST", f"/workspaces/{elsewhere}/members", {"username": "john"})
    expect(wide.locator("#workspace-choices")).to_contain_text(f"Lab of {stage.title}")
    wanted = {"workspace_id": elsewhere, "kind": "discussion", "title": "lab", "member_ids": [stage.john.id]}
    lab = stage.jane.call("POST", "/chats", wanted)["id"]
    stage.jane.post(lab, "Anybody?")
    expect(chip).to_contain_text("unread in other workspaces")
    chip.click()
    entry = wide.locator(f"#workspace-{elsewhere}")
    expect(entry).to_contain_text("1 unread")
    stage.jane.post(lab, "@john?")
    expect(entry.locator(".count.mentions")).to_contain_text("@ 1")
    stage.john.call("POST", f"/chats/{lab}/read", {"seq": 2})
    expect(entry.locator(".count")).to_have_count(0)
    stage.jane.call("DELETE", f"/workspaces/{elsewhere}")
