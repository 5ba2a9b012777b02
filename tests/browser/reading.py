"""Where the reader of a chat is."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.lines import saying


def place_of(page: Page, text: str) -> float:
    """Return where a message stands on the screen."""
    bounds = saying(page, text).bounding_box()
    assert bounds is not None
    return bounds["y"]


def distance_to_end(page: Page) -> float:
    """Return how far the reader is from the latest message, in px."""
    distance: float = page.evaluate("Math.abs(document.getElementById('timeline').scrollTop)")
    return distance


def scroll_up(page: Page, pixels: int) -> None:
    """Read what is further up."""
    page.evaluate("(pixels) => { document.getElementById('timeline').scrollTop = -pixels; }", pixels)
    expect(page.locator("#jump-latest")).to_be_visible()


def first_shown(page: Page) -> str:
    """Return the first line of the first message that is on the screen as a whole."""
    text: str = page.evaluate(
        """() => {
          const top = document.getElementById("timeline").getBoundingClientRect().top;
          const nodes = [...document.querySelectorAll(".message")];
          const node = nodes.find((one) => one.getBoundingClientRect().top >= top);
          return node.querySelector(".message-body p").textContent;
        }"""
    )
    return text
