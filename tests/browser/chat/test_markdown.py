"""What Markdown makes, seen in a browser: directions, numbers, boxes, colours, and a button that copies code."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.chat.test_live import connected
from tests.browser.conftest import Opener, Stage
from tests.browser.quality.test_quality import check_with_axe

CLIPBOARD = ["clipboard-read", "clipboard-write"]
HEBREW = "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd"
CODE = "def name(x):  # why\n    return 'text' + str(1)\n"
EVERYTHING = f"""# Heading
### Smaller
Words with **bold**, *it*, ~~gone~~, `code`, :tada: and example.org/x

- [ ] to do
- [x] done

|left|middle|right|
|:-|:-:|--:|
|a|b|1|

> {HEBREW} quoted

999999999. nine digits
99999. five

{HEBREW} **{HEBREW}**

2024. {HEBREW}

```py
{CODE}```

```diff
- old
+ new
```"""
# How far left of its column anything of the message is painted, in pixels; the number of a list is no element.
INSIDE = """(body) => {
  const room = body.getBoundingClientRect();
  return [...body.querySelectorAll("ol > li")].map((item) => {
    const style = getComputedStyle(item);
    const canvas = document.createElement("canvas").getContext("2d");
    canvas.font = style.font;
    const counted = item.parentElement.start + [...item.parentElement.children].indexOf(item);
    const number = item.hasAttribute("value") ? item.value : counted;
    const box = item.getBoundingClientRect();
    const gap = style.direction === "rtl" ? room.right - box.right : box.left - room.left;
    return gap - canvas.measureText(`${number}. `).width;
  });
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_message_with_everything(enter: Opener, stage: Stage, scheme: str) -> None:
    stage.jane.post(stage.chat_id, EVERYTHING)
    page = connected(enter("john", stage.path, color_scheme=scheme, reduced_motion="reduce", permissions=CLIPBOARD))
    stage.bob.post(stage.chat_id, EVERYTHING)
    messages = page.locator(".message-body:has(h2)")
    expect(messages).to_have_count(2)
    for body in (messages.nth(0), messages.nth(1)):  # as the server rendered it, and live
        expect(body.locator("h2, h3")).to_have_text(["Heading", "Smaller"])
        expect(body.get_by_role("checkbox", name="done")).to_be_checked()
        expect(body.get_by_role("checkbox", name="to do")).not_to_be_checked()
        expect(body.get_by_role("checkbox", name="to do")).to_be_disabled()
        aligned = body.locator("td").evaluate_all("(cells) => cells.map((cell) => getComputedStyle(cell).textAlign)")
        assert aligned == ["left", "center", "right"]
        directions = "(blocks) => blocks.map((block) => getComputedStyle(block).direction)"
        assert body.locator("blockquote, blockquote p, p:has(strong):has-text('\u05e9'), ol > li").evaluate_all(
            directions
        ) == [
            "rtl",
            "rtl",
            "ltr",
            "ltr",
            "rtl",
            "rtl",
        ]
        assert min(body.evaluate(INSIDE)) >= 0
        assert body.locator(".hl-keyword").first.text_content() == "def "
        assert body.locator("pre").first.get_attribute("data-language") == "py"
    assert messages.evaluate_all("([first, second]) => first.isEqualNode(second)")
    check_with_axe(page)
    copy = messages.nth(1).get_by_role("button", name="Copy code").first
    copy.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#announcer")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == CODE
    check_with_axe(page)


def test_without_scripts_there_is_no_button(enter: Opener, stage: Stage) -> None:
    stage.jane.post(stage.chat_id, EVERYTHING)
    page = enter("john", stage.path, java_script_enabled=False)
    expect(page.locator("pre")).to_have_count(2)
    expect(page.locator(".copy-code")).to_have_count(0)
    assert page.locator("blockquote p").get_attribute("dir") == "auto"
