"""Where the reader of a chat is."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.support.lines import saying


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


# Notes each message that comes into the log, and whether a screen reader would hear it; and each summary.
WATCH_LOG = """
() => {
  window.arrivals = [];
  window.summaries = [];
  const log = document.getElementById("messages");
  new MutationObserver((changes) => {
    for (const node of changes.flatMap(({ addedNodes }) => [...addedNodes])) {
      if (node.matches?.(".message")) window.arrivals.push(log.getAttribute("aria-live"));
    }
  }).observe(log, { childList: true });
  const summary = document.getElementById("summary");
  new MutationObserver(() => window.summaries.push(summary.textContent)).observe(summary, { childList: true });
}
"""


def heard(page: Page) -> tuple[list[str], list[str]]:
    """Return how the log spoke while messages came in since it was watched, and the summaries that were spoken."""
    return page.evaluate("window.arrivals"), page.evaluate("window.summaries")
