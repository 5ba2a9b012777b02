"""Opened without a network the page says so, shows what waits, and goes on by itself."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.chat.test_live import connected, write
from tests.browser.conftest import SETTINGS, Opener, Stage
from tests.browser.quality.test_quality import check_with_axe
from tests.support.processes import Server, wait_until

ALL_KEPT = """async () => {
  const found = {};
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      const url = new URL(request.url);
      found[url.pathname + url.search] = await (await cache.match(request)).text();
    }
  }
  return found;
}"""
IN_CHARGE = "navigator.serviceWorker.ready.then(() => true)"


def kept(page: Page) -> dict[str, Any]:
    """Return all that the caches hold, by path."""
    found: dict[str, Any] = page.evaluate(ALL_KEPT)
    return found


def test_opened_offline_it_shows_what_waits_and_goes_on(enter: Opener, stage: Stage) -> None:
    jane = connected(enter("jane", stage.path, outage=True))
    jane.evaluate(IN_CHARGE)
    stage.john.post(stage.chat_id, "A secret of john's")
    expect(jane.locator(".message", has_text="A secret")).to_be_visible()
    jane.reload()  # by way of the worker
    connected(jane)
    jane.context.set_offline(True)
    write(jane, "Written <b>in</b> the tunnel")
    expect(jane.locator(".message", has_text="the tunnel")).to_have_attribute("data-status", "pending")
    jane.on("dialog", lambda dialog: dialog.accept())
    jane.reload()
    expect(jane.get_by_role("heading", name="You are offline")).to_be_visible()
    expect(jane.locator("#waiting li")).to_have_text(["Written <b>in</b> the tunnel"])
    expect(jane.get_by_role("heading", name="One message waits to be sent")).to_be_visible()
    check_with_axe(jane)
    texts = kept(jane)
    assert [re.sub(r"\.[^/]*", "", path) for path in texts] == [
        "/offline/",
        "/static/img/flowra",
        "/static/js/theme-init",
        "/static/css/flowra",
        "/static/js/offline",
    ]
    everything = "".join(texts.values())
    for secret in ("A secret", "tunnel", "csrfmiddlewaretoken", "nonce", stage.jane.id, stage.chat_id, stage.title):
        assert secret not in everything
    jane.context.set_offline(False)
    expect(jane.locator(".message", has_text="the tunnel")).to_have_attribute("data-seq", "2")
    assert [*kept(jane)] == [*texts]


def test_after_a_sign_out_nothing_is_shown(enter: Opener, stage: Stage) -> None:
    """Even where the sign-in page, which the sign-out leads to, is not reached any more."""
    jane = connected(enter("jane", stage.path, outage=True))
    jane.evaluate(IN_CHARGE)
    jane.context.set_offline(True)
    write(jane, "Of nobody's business")
    expect(jane.locator(".message", has_text="nobody's business")).to_have_attribute("data-status", "pending")
    jane.context.add_cookies([{"name": "flowra_signed_out", "value": "1", "url": jane.url}])
    jane.on("dialog", lambda dialog: dialog.accept())
    jane.goto(stage.path)
    expect(jane.get_by_role("heading", name="You are offline")).to_be_visible()
    expect(jane.locator("#waiting")).to_be_hidden()
    jane.context.set_offline(False)
    jane.wait_for_url("**/chats/**")
    connected(jane)
    expect(jane.locator(".message", has_text="nobody's business")).to_have_count(0)


def test_switched_off_it_leaves_the_browser(enter: Opener) -> None:
    """A browser that has the worker is rid of it, and of all that it has kept, by the next page that it opens."""
    left = """async () => [
      (await navigator.serviceWorker.getRegistrations()).length, (await caches.keys()).length,
    ].join()"""
    with Server(SETTINGS, demo=True) as server:
        jane = connected(enter("jane", base_url=server.base_url, outage=True))
        jane.evaluate(IN_CHARGE)
        assert jane.evaluate(left) == "1,1"
        server.kill()
        server.env["FLOWRA_OFFLINE_PAGE"] = "false"
        server.start()
        connected(jane)
        jane.reload()
        wait_until(lambda: jane.evaluate(left) == "0,0", 20, "the worker to go")
        connected(jane)
        jane.reload()
        connected(jane)
