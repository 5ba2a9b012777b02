"""One person and their page: history, keys, drawers, themes, and no scripts at all."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.chat.test_live import connected, write
from tests.browser.conftest import Opener, Stage


def fill(stage: Stage, count: int) -> None:
    """Post `count` messages, by turns."""
    for number in range(1, count + 1):
        (stage.john, stage.jane)[number % 2].post(stage.chat_id, f"Message number {number}.")


def scroll_up(page: Page, pixels: int) -> None:
    """Scroll the timeline up at once; a wheel would glide there."""
    page.locator("#timeline").evaluate("(timeline, pixels) => { timeline.scrollTop -= pixels }", pixels)


def test_older_messages_come_on_scrolling_up(enter: Opener, stage: Stage) -> None:
    fill(stage, 120)
    john = connected(enter("john", stage.path))
    expect(john.locator(".message").last).to_be_in_viewport()
    assert john.locator(".message").count() < 120
    for _ in range(12):
        scroll_up(john, 4000)
        if john.locator("#older").count() == 0:
            break
        expect(john.locator("#older.loading")).to_have_count(0)
    expect(john.locator(".message")).to_have_count(120)
    expect(john.locator("#older")).to_have_count(0)
    seqs = john.locator(".message").evaluate_all("nodes => nodes.map((node) => Number(node.dataset.seq))")
    assert seqs == list(range(1, 121))
    expect(john.locator("#messages")).to_have_attribute("aria-live", "polite")


def test_nobody_is_scrolled_away(enter: Opener, stage: Stage) -> None:
    fill(stage, 45)
    john = connected(enter("john", stage.path))
    scroll_up(john, 700)
    expect(john.locator("#jump-latest")).to_have_text("Jump to the latest")
    watched = john.evaluate(
        "() => { const top = document.getElementById('timeline').getBoundingClientRect().top;"
        "const node = [...document.querySelectorAll('.message')].find((m) => m.getBoundingClientRect().top > top + 60);"
        "window.watched = node; return node.getBoundingClientRect().top }"
    )
    stage.jane.post(stage.chat_id, "News\n\nof several\n\nlines")
    stage.jane.post(stage.chat_id, "And more")
    expect(john.locator("#jump-latest")).to_have_text("2 new messages")
    assert abs(john.evaluate("window.watched.getBoundingClientRect().top") - watched) < 2
    john.locator("#jump-latest").click()
    expect(john.locator(".message", has_text="And more")).to_be_in_viewport()
    expect(john.locator("#jump-latest")).to_be_hidden()


def test_a_link_to_an_old_message_opens_around_it(enter: Opener, stage: Stage) -> None:
    fill(stage, 160)
    john = connected(enter("john", f"{stage.path}?at=20#message-20"))
    expect(john.locator("#message-20")).to_be_in_viewport()
    john.locator("#jump-latest").click()
    expect(john.locator("#message-160")).to_be_in_viewport()


def test_drafts_stay_with_their_chat(enter: Opener, stage: Stage) -> None:
    john = connected(enter("john", stage.path))
    john.locator("textarea[name=body]").fill("half a thou")
    john.locator(".room", has_text="general").click()
    expect(john.locator("textarea[name=body]")).to_have_value("")
    john.goto(stage.path)
    expect(john.locator("textarea[name=body]")).to_have_value("half a thou")
    john.locator("textarea[name=body]").press("Enter")
    expect(john.locator(".message[data-seq='1']")).to_be_visible()
    john.reload()
    expect(john.locator("textarea[name=body]")).to_have_value("")


def test_what_is_too_long_stays_whole_in_the_box_until_it_fits(enter: Opener, stage: Stage) -> None:
    john = connected(enter("john", stage.path))
    box = john.locator("textarea[name=body]")
    box.focus()
    john.keyboard.insert_text("\U0001f600" * 10_002)  # as pasting does: a browser would cut it off without a word
    box.press("Enter")
    fault = john.locator("#composer [role=alert]")
    expect(fault).to_contain_text("up to 10,000 characters; this one has 2 too many")
    assert john.evaluate("[...document.getElementById('composer-body').value].length") == 10_002
    box.press("Backspace")
    expect(fault).to_be_visible()
    box.press("Backspace")
    expect(fault).to_have_count(0)
    box.press("Enter")
    expect(box).to_have_value("")
    expect(john.locator(".message[data-seq='1']")).to_be_visible()


def test_names_are_completed(enter: Opener, stage: Stage) -> None:
    john = connected(enter("john", stage.path))
    box = john.locator("textarea[name=body]")
    box.press_sequentially("Ask @wil")
    expect(john.get_by_role("option", name="Bob Wilson")).to_have_attribute("aria-selected", "true")
    box.press("Enter")
    expect(box).to_have_value("Ask @bob ")
    box.press("Shift+Enter")
    box.press_sequentially("please")
    box.press("Enter")
    expect(john.locator(".message .mention")).to_have_text("@bob")
    expect(john.locator(".message br")).to_have_count(1)


def test_keys_jump_and_help(enter: Opener, stage: Stage) -> None:
    john = connected(enter("john", stage.path))
    john.locator("textarea[name=body]").press("?")
    expect(john.locator("textarea[name=body]")).to_have_value("?")
    expect(john.locator("#help-dialog")).to_be_hidden()
    john.locator("#timeline").focus()
    john.keyboard.press("?")
    expect(john.locator("#help-dialog")).to_be_visible()
    john.keyboard.press("Escape")
    expect(john.locator("#help-dialog")).to_be_hidden()
    john.keyboard.press("Control+k")
    john.keyboard.type("relea")
    expect(john.locator("#jump-results .jump-item.active")).to_contain_text("releases")
    john.keyboard.press("Enter")
    expect(john.locator("#chat-header h1")).to_have_text("releases")
    connected(john)
    john.keyboard.press("Alt+ArrowUp")
    expect(john.locator("#chat-header h1")).to_have_text("general")


def test_jumping_to_a_person_opens_the_direct_chat(enter: Opener, stage: Stage) -> None:
    john = connected(enter("john", stage.path))
    john.keyboard.press("Control+k")
    john.keyboard.type("maria")
    john.locator("#jump-results button", has_text="Maria Ortiz").click()
    expect(john.locator("#chat-header h1")).to_have_text("Maria Ortiz")
    assert stage.path not in john.url


def test_people_and_messages_are_found_as_one_types(enter: Opener, stage: Stage) -> None:
    said = f"Die Ärzte spielen **heute** bei {stage.title}"
    stage.jane.call("POST", f"/chats/{stage.chat_id}/messages", {"body": said})
    john = connected(enter("john", stage.path))
    john.keyboard.press("Control+k")
    john.keyboard.type(f"heut arz {stage.title}")
    expect(john.locator("#jump-results .jump-item.active")).to_contain_text(said.replace("**", ""))
    john.keyboard.press("Control+a")
    john.keyboard.type("ORTÍ mar")
    expect(john.locator("#jump-results .jump-item.active")).to_contain_text("Maria Ortiz")


def test_a_chat_is_made_in_a_dialog(enter: Opener, stage: Stage) -> None:
    john = connected(enter("john", stage.path))
    john.get_by_role("link", name="New chat").click()
    dialog = john.locator("#dialog")
    dialog.get_by_label("Kind").select_option("epic")
    dialog.get_by_label("Title").fill("\u200b")
    dialog.get_by_role("button", name="Create chat").click()
    expect(dialog.locator(".errorlist")).to_contain_text("must not be empty")
    dialog.get_by_label("Title").fill(f"Epic of {stage.title}")
    dialog.get_by_label("Jane Doe").check()
    dialog.get_by_role("button", name="Create chat").click()
    expect(john.locator("#chat-header h1")).to_have_text(f"Epic: Epic of {stage.title}")
    expect(john.locator(".member-item")).to_have_count(2)
    expect(john.locator("#timeline-empty")).to_be_visible()


def test_a_drawer_holds_the_focus(enter: Opener, stage: Stage) -> None:
    john = connected(enter("john", stage.path, viewport={"width": 390, "height": 760}))
    opener, members = john.get_by_role("link", name="Members"), john.locator("#members")
    expect(members).to_be_hidden()
    opener.click()
    expect(members).to_be_visible()
    for _ in range(12):
        john.keyboard.press("Tab")
        assert john.evaluate("document.getElementById('members').contains(document.activeElement)")
    john.keyboard.press("Escape")
    expect(members).to_be_hidden()
    expect(opener).to_be_focused()
    opener.click()
    expect(members).to_be_visible()
    john.mouse.click(20, 400)
    expect(members).to_be_hidden()


def test_a_phone_shows_the_list_or_the_chat_in_one_bar_each(enter: Opener, stage: Stage) -> None:
    john = enter("john", "/#sidebar", viewport={"width": 390, "height": 760})  # as an installed app starts
    chats, main, tools = john.locator("#sidebar"), john.locator("#main"), john.locator("#bell, #user-menu, .chip")
    expect(chats).to_be_visible()
    expect(main).to_be_hidden()
    expect(tools.and_(john.locator(":visible"))).to_have_count(3)
    john.locator(f"a.room[href='{stage.path}']").click()
    connected(john)
    expect(main).to_be_visible()
    expect(chats).to_be_hidden()
    expect(tools.and_(john.locator(":visible"))).to_have_count(0)
    expect(john.locator("#ws-status")).to_be_hidden()  # as one expects it
    john.go_back()
    expect(chats).to_be_visible()
    expect(main).to_be_hidden()
    john.go_forward()
    back = john.get_by_role("link", name="Chats", exact=True)
    back.click()
    expect(chats).to_be_visible()
    # What comes while one looks at the list is not read.
    stage.jane.post(stage.chat_id, "Are you there?")
    room = john.locator(f"a.room[href='{stage.path}']")
    expect(room).to_have_attribute("data-unread", "1")
    room.click()
    expect(main).to_be_visible()
    expect(room).to_have_attribute("data-unread", "0")
    john.go_back()
    expect(chats).to_be_visible()


def test_members_are_shown_where_there_is_room_until_one_chooses(enter: Opener, stage: Stage) -> None:
    john = connected(enter("john", stage.path, viewport={"width": 1280, "height": 720}))
    opener, members = john.get_by_role("link", name="Members", exact=True), john.locator("#members")
    expect(members).to_be_hidden()
    john.set_viewport_size({"width": 1440, "height": 720})
    expect(members).to_be_visible()
    john.set_viewport_size({"width": 1280, "height": 720})
    opener.click()
    expect(members).to_be_visible()
    john.reload()
    expect(members).to_be_visible()
    john.set_viewport_size({"width": 1440, "height": 720})
    john.locator("a.room[data-peer-id]").first.click()
    expect(john.locator(".peer-state")).to_be_attached()
    expect(members).to_be_hidden()
    opener.click()
    expect(members).to_be_visible()


def test_nothing_scrolls_sideways_on_a_narrow_screen(enter: Opener, stage: Stage) -> None:
    stage.john.post(stage.chat_id, "```\n" + "long line " * 30 + "\n```\n" + "x" * 300)
    john = connected(enter("john", stage.path, viewport={"width": 320, "height": 640}))
    expect(john.locator(".message")).to_have_count(1)
    for path in (stage.path, f"/workspaces/{stage.workspace_id}/settings/", "/notifications/", "/accounts/profile/"):
        john.goto(path)
        assert john.evaluate("document.documentElement.scrollWidth") <= 320, path
        assert john.evaluate("Math.max(...[...document.querySelectorAll('main')].map((m) => m.scrollWidth))") <= 320


def test_the_theme_follows_the_system_until_one_chooses(enter: Opener, stage: Stage) -> None:
    john = connected(enter("john", stage.path, color_scheme="light"))
    tab = john.context.new_page()
    tab.goto(stage.path)
    connected(tab)
    # The page, and what the browser paints around it.
    ground = "getComputedStyle(document.body).backgroundColor"
    frame = """[...document.querySelectorAll("meta[name='theme-color']")]
      .filter(({ media }) => matchMedia(media).matches).map(({ content }) => content).join()"""
    light, dark = ("rgb(255, 255, 255)", "#ffffff"), ("rgb(18, 21, 27)", "#12151b")

    def seen(page: Page) -> tuple[str, str]:
        return page.evaluate(ground), page.evaluate(frame)

    assert seen(john) == light
    john.emulate_media(color_scheme="dark")
    assert seen(john) == dark
    john.locator("#user-menu > summary").click()
    john.locator("#user-menu").get_by_text("Light", exact=True).check(force=True)
    assert seen(john) == light
    john.locator("#user-menu").get_by_text("Dark", exact=True).check(force=True)
    expect(tab.locator("html")).to_have_attribute("data-theme", "dark")
    assert seen(tab) == dark
    john.locator("#user-menu").get_by_text("Light", exact=True).check(force=True)
    john.reload()
    assert seen(john) == light


def test_without_scripts_one_reads_and_writes(enter: Opener, stage: Stage) -> None:
    stage.jane.post(stage.chat_id, "Does this work with *everything* switched off?")
    john = enter("john", stage.path, java_script_enabled=False)
    expect(john.locator(".message em")).to_have_text("everything")
    expect(john.locator(".new-line")).to_be_visible()
    john.locator("textarea[name=body]").fill("It does.")
    john.get_by_role("button", name="Send").click()
    expect(john.locator(".message", has_text="It does.")).to_be_visible()
    expect(john.locator(".message")).to_have_count(2)
    john.locator(".message", has_text="It does.").hover()
    john.locator(".message", has_text="It does.").get_by_role("link", name="Edit").click()
    john.get_by_label("Message", exact=True).fill("It does indeed.")
    john.get_by_role("button", name="Save").click()
    expect(john.locator(".message", has_text="It does indeed.")).to_contain_text("(edited)")
    asked = john.locator(".message", has_text="switched off?")
    asked.hover()
    asked.get_by_role("link", name="Reply").click()
    expect(john.locator("#reply-bar")).to_contain_text("Replying to Jane Doe")
    john.locator("textarea[name=body]").fill("See?")
    john.get_by_role("button", name="Send").click()
    expect(john.locator(".message", has_text="See?").locator(".message-reply")).to_contain_text("Jane Doe")
    john.locator(".message", has_text="See?").hover()
    john.locator(".message", has_text="See?").get_by_role("link", name="Delete").click()
    john.get_by_role("button", name="Delete").click()
    expect(john.locator(".message.deleted")).to_have_count(1)


def test_signing_out_ends_it(enter: Opener, stage: Stage) -> None:
    john = enter("john", stage.path)
    john.locator("#user-menu > summary").click()
    john.get_by_role("button", name="Sign out").click()
    expect(john).to_have_url(re.compile("/accounts/login/"))
    john.goto(stage.path)
    expect(john).to_have_url(re.compile("/accounts/login/"))


def test_markup_typed_is_text_shown(enter: Opener, stage: Stage) -> None:
    john = connected(enter("john", stage.path))
    write(john, "<img src=x onerror=alert(1)> & <b>bold</b>")
    expect(john.locator(".message[data-seq='1'] .message-body")).to_have_text(
        "<img src=x onerror=alert(1)> & <b>bold</b>"
    )
    expect(john.locator(".message img")).to_have_count(0)


def test_a_member_is_removed_with_a_click(enter: Opener, stage: Stage) -> None:
    john = connected(enter("john", stage.path))
    john.locator(".member-item", has_text="Bob Wilson").hover()
    john.get_by_role("link", name="Remove Bob Wilson from this chat").click()
    expect(john.get_by_role("button", name="Cancel")).to_be_focused()
    john.keyboard.press("Escape")
    expect(john.locator(".member-item")).to_have_count(3)
    john.get_by_role("link", name="Remove Bob Wilson from this chat").click()
    john.get_by_role("button", name="Remove Bob Wilson", exact=True).click()
    expect(john.locator(".member-item")).to_have_count(2)
    expect(john.locator(".member-item", has_text="Bob Wilson")).to_have_count(0)
