"""The keys of the composer in a real browser: input methods, formatting, mentions, code blocks, touch, files."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.chat.test_live import connected
from tests.browser.conftest import Opener, Stage

BOX = "textarea[name=body]"
PHONE = {"viewport": {"width": 375, "height": 700}, "has_touch": True, "is_mobile": True}
# The Enter that ends a composition, as Safari sends it: after `compositionend`, and not marked.
SAFARI_ENTER = """(field) => {
    field.dispatchEvent(new CompositionEvent("compositionstart", {bubbles: true}));
    field.dispatchEvent(new CompositionEvent("compositionend", {bubbles: true, data: "x"}));
    for (const key of ["Enter", "Tab", "Escape", "ArrowUp", "ArrowDown"]) {
        const event = new KeyboardEvent("keydown", {key, keyCode: 229, bubbles: true, cancelable: true});
        if (!field.dispatchEvent(event)) throw new Error(`${key} was taken from the input method`);
    }
}"""


def compose(page: Page, words: str) -> None:
    """Let an input method show what it would write, which is still underlined."""
    cdp = page.context.new_cdp_session(page)
    cdp.send("Input.imeSetComposition", {"text": words, "selectionStart": len(words), "selectionEnd": len(words)})
    cdp.detach()


def ime_keys(page: Page) -> None:
    """Press keys that an input method takes; a browser marks them, and gives them the code 229."""
    cdp = page.context.new_cdp_session(page)
    for key in ("Enter", "Tab", "Escape", "ArrowUp", "ArrowDown"):
        cdp.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", "key": key, "windowsVirtualKeyCode": 229})
        cdp.send("Input.dispatchKeyEvent", {"type": "keyUp", "key": key, "windowsVirtualKeyCode": 229})
    cdp.detach()


def select(field: Locator, start: int, end: int) -> None:
    """Select a part of the field."""
    field.evaluate("(field, [start, end]) => field.setSelectionRange(start, end)", [start, end])


def test_an_input_method_owns_its_keys_in_every_field(enter: Opener, stage: Stage) -> None:
    john = connected(enter("john", stage.path))
    box = john.locator(BOX)
    box.press_sequentially("mine")
    box.press("Enter")
    own = john.locator(".message[data-seq='1']")
    expect(own).to_be_visible()

    box.press_sequentially("hi ")
    compose(john, "にほん")
    expect(box).to_have_value("hi にほん")
    ime_keys(john)
    expect(box).to_have_value("hi にほん")
    john.keyboard.insert_text("日本")
    box.evaluate(SAFARI_ENTER)
    expect(box).to_have_value("hi 日本")

    box.fill("")
    box.press_sequentially("@b")
    chosen = john.get_by_role("option", name="Bob Wilson")
    expect(chosen).to_be_visible()
    compose(john, "o")
    ime_keys(john)
    john.keyboard.insert_text("o")
    box.evaluate(SAFARI_ENTER)
    expect(box).to_have_value("@bo")
    expect(chosen).to_have_attribute("aria-selected", "true")
    box.press("Enter")
    expect(box).to_have_value("@bob ")
    expect(john.locator(".message")).to_have_count(1)

    box.fill("")
    box.press("ArrowUp")
    edited = own.locator(".edit-box textarea")
    compose(john, "x")
    ime_keys(john)
    john.keyboard.insert_text("x")
    edited.evaluate(SAFARI_ENTER)
    expect(edited).to_have_value("minex")
    edited.press("Escape")

    john.keyboard.press("Control+k")
    jump = john.locator("#jump-input")
    compose(john, "releases")
    ime_keys(john)
    john.keyboard.insert_text("releases")
    expect(john.locator("#jump-results .jump-item.active")).to_contain_text("releases")
    jump.evaluate(SAFARI_ENTER)
    expect(jump).to_be_visible()
    assert john.url.endswith(stage.path)


def test_formatting_is_undone_and_toggled(enter: Opener, stage: Stage) -> None:
    john = connected(enter("john", stage.path))
    box = john.locator(BOX)
    box.press_sequentially("one two ")
    select(box, 4, 8)
    box.press("Control+b")
    expect(box).to_have_value("one **two** ")
    box.press("Control+b")
    expect(box).to_have_value("one two ")
    box.press("Control+i")
    expect(box).to_have_value("one *two* ")
    box.press("Control+z")
    expect(box).to_have_value("one two ")
    select(box, 4, 7)
    box.press("Control+Shift+C")
    expect(box).to_have_value("one `two` ")
    john.locator("#composer-code").click()
    expect(box).to_have_value("one two ")
    john.locator("#composer-bold").click()
    box.press("Control+z")
    expect(box).to_have_value("one two ")
    john.reload()
    expect(box).to_have_value("one two ")  # the draft follows

    box.fill("")
    box.press_sequentially("@wil")
    box.press("Tab")
    expect(box).to_have_value("@bob ")
    box.press("w")
    expect(john.locator("#mention-list")).to_be_hidden()
    box.press("Control+z")
    expect(box).to_have_value(re.compile("^@bob $|^@wil$"))
    box.press("Control+z")
    expect(box).to_have_value(re.compile("^@wil$|^$"))

    box.fill("")
    box.press_sequentially("a")
    box.press("Enter")
    expect(john.locator(".message[data-seq='1']")).to_be_visible()
    box.press("ArrowUp")
    edited = john.locator(".edit-box textarea")
    edited.press("Control+a")
    edited.press("Control+b")
    expect(edited).to_have_value("**a**")
    edited.press("Control+z")
    expect(edited).to_have_value("a")
    edited.press("Control+b")
    edited.press("Enter")
    expect(john.locator(".message strong")).to_have_text("a")


@pytest.mark.parametrize(("fence", "end"), [("```py", "```"), ("  ~~~~", "~~~~~")])
def test_enter_in_an_open_code_block_is_a_new_line(enter: Opener, stage: Stage, fence: str, end: str) -> None:
    john = connected(enter("john", stage.path))
    box = john.locator(BOX)
    for line in (fence, "one", "", "two"):
        box.press_sequentially(line)
        box.press("Enter")
    expect(box).to_have_value(f"{fence}\none\n\ntwo\n")
    box.press_sequentially(end)
    box.press("Enter")
    expect(john.locator(".message pre code")).to_have_text("one\n\ntwo\n")
    box.press_sequentially(fence)
    box.press("Enter")
    box.press_sequentially("open")
    box.press("Control+Enter")
    expect(john.locator(".message pre")).to_have_count(2)
    expect(box).to_have_value("")


def test_on_a_phone_enter_makes_a_line_and_the_button_sends(enter: Opener, stage: Stage) -> None:
    john = connected(enter("john", stage.path, **PHONE))
    box = john.locator(BOX)
    assert box.evaluate("(box) => [box.enterKeyHint, getComputedStyle(box).fontSize]") == ["enter", "16px"]
    box.press_sequentially("one")
    box.press("Enter")
    box.press_sequentially("two")
    expect(box).to_have_value("one\ntwo")
    john.get_by_role("button", name="Send", exact=True).tap()
    expect(john.locator(".message br")).to_have_count(1)
    small = "[...document.querySelectorAll('input:not([type=hidden], [type=radio]), textarea, select')]"
    sizes = f"{small}.map((field) => parseFloat(getComputedStyle(field).fontSize)).filter((size) => size < 16)"
    assert john.evaluate(sizes) == []
    assert enter(None, "/accounts/login/", **PHONE).evaluate(sizes) == []


TRANSFER = """(field, [type, kind, words]) => {
    const data = new DataTransfer();
    data.items.add(new File(["x"], "picture.png", {type: "image/png"}));
    if (words) data.setData("text/plain", words);
    const make = {
        paste: () => new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}),
        drop: () => new DragEvent(type, {dataTransfer: data, bubbles: true, cancelable: true}),
    };
    return field.dispatchEvent(make[kind]());
}"""


def test_files_get_an_answer(enter: Opener, stage: Stage) -> None:
    john = connected(enter("john", stage.path))
    box = john.locator(BOX)
    toast = john.locator(".toast", has_text="Files cannot be sent yet.")
    assert box.evaluate(TRANSFER, ["paste", "paste", "words"]), "the text is pasted"
    expect(toast).to_have_count(0)
    box.evaluate(TRANSFER, ["paste", "paste", ""])
    expect(toast).to_have_count(1)
    toast.get_by_role("button").click()
    assert not john.locator("#timeline").evaluate(TRANSFER, ["dragover", "drop", ""]), "else no drop would come"
    expect(toast).to_have_count(0)
    assert not john.locator("#timeline").evaluate(TRANSFER, ["drop", "drop", ""]), "the browser opens no file"
    expect(toast).to_have_count(1)


def test_a_preview_is_what_will_be_shown(enter: Opener, stage: Stage) -> None:
    john = connected(enter("john", stage.path))
    box = john.locator(BOX)
    panel = john.get_by_role("region", name="Preview")
    button = john.get_by_role("button", name="Preview")
    button.click()
    expect(panel).to_be_hidden()
    box.press_sequentially("**hi** @jane.Thanks `x`")
    button.click()
    expect(panel.locator("strong")).to_have_text("hi")
    expect(panel.locator(".mention")).to_have_text("@jane")
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(box).to_be_focused()
    box.press("!")
    expect(panel).to_be_hidden()
    box.press("Control+Shift+E")
    expect(panel).to_contain_text("hi @jane.Thanks x!")
    shown = panel.inner_html()
    box.press("Escape")
    expect(panel).to_be_hidden()
    box.press("Control+Shift+E")
    expect(panel).to_be_visible()
    box.press("Enter")
    expect(panel).to_be_hidden()
    expect(john.locator(".message[data-seq='1'] .message-body")).to_have_js_property("innerHTML", shown)


def test_members_whom_the_page_does_not_list_are_found(enter: Opener, stage: Stage) -> None:
    john = connected(enter("john", stage.path))
    john.evaluate("""() => {  // as in a chat of more people than are listed
        document.getElementById("member-list").dataset.total = "201";
        document.querySelector(".member-item[data-username=bob]").remove();
    }""")
    box = john.locator(BOX)
    box.press_sequentially("@j")
    jane = john.get_by_role("option", name="Jane Doe")
    expect(jane).to_be_visible()
    box.press("Escape")
    expect(jane).to_be_hidden()
    box.press("a")
    expect(jane).to_be_hidden()
    box.fill("")
    box.press_sequentially("@wil")
    expect(john.get_by_role("option", name="Bob Wilson")).to_be_visible()
    box.press("Enter")
    expect(box).to_have_value("@bob ")
