"""The text of a message without its marks: the page makes the same as the server."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Opener, Stage
from tests.chats.markdown.test_plain_text import CASES
from tests.support.markdown import render


def test_the_page_reads_as_the_server_does(enter: Opener, stage: Stage) -> None:
    page = enter("jane", stage.path)
    read = """async (all) => {
      const { excerptOfHtml } = await import("/static/js/chat/excerpt.js");
      return all.map(excerptOfHtml);
    }"""
    assert page.evaluate(read, [render(body) for body, _ in CASES]) == [text for _, text in CASES]


def test_a_quote_is_the_same_live_and_after_a_reload(enter: Opener, stage: Stage) -> None:
    page = enter("jane", stage.path)
    body = "**bold** and `code` " + "\N{PARTY POPPER}" * 200
    first = stage.john.post(stage.chat_id, body)
    expect(page.locator(".message strong")).to_have_text("bold")
    stage.john.post(stage.chat_id, "an answer", reply_to=first["id"])
    quote = page.locator(".message-reply:visible span")
    live = "bold and code " + "\N{PARTY POPPER}" * 126
    expect(quote).to_have_text(live)
    page.reload()
    expect(quote).to_have_text(live)
    page.locator(".message", has_text="bold").first.hover()
    page.locator(".message", has_text="bold").first.locator("[data-action=reply]").click()
    expect(page.locator(".reply-text")).to_contain_text(live)
