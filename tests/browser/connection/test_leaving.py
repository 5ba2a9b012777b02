"""The page is left and comes back, from the browser's cache too; or its session ends elsewhere."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chat.test_live import BLANK, connected, write
from tests.browser.composer.test_outbox import KEPT
from tests.browser.conftest import ARGUMENTS, CHROMIUM, PASSWORD, Caller, Opener, Stage, new_stage, signed_in
from tests.browser.navigation.switching import go_to, room
from tests.browser.navigation.switching import shows as shows_chat
from tests.browser.support.watching import Watch, shows
from tests.support.freezing_proxy import FreezingProxy
from tests.support.processes import Server, wait_until

# Added last, so it sees what the page itself did when it was left.
NOTE_LEFT = """
addEventListener("pagehide", () => (window.left = watch.sockets.map(({ readyState }) => readyState)));
"""
NOTE_SHOWN = """
window.shown = [];
addEventListener("pageshow", ({ persisted }) => window.shown.push(persisted));
"""
CLOSING = 2
SIGNED_OUT = "Signed out - sign in again"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Give a server whose people may change their passwords."""
    with Server({"FLOWRA_RATE_LIMITS": "false"}, demo=True) as server:
        yield server


@pytest.fixture(scope="module")
def callers(server: Server) -> Iterator[dict[str, Caller]]:
    """Give the people of that server."""
    with signed_in(server) as people:
        yield people


@pytest.fixture(scope="module")
def chromium(chromium: Browser) -> Iterator[Browser]:
    """Give a browser with a back/forward cache, which Playwright switches off."""
    off = ["--disable-back-forward-cache"]
    browser = chromium.browser_type.launch(executable_path=CHROMIUM, args=ARGUMENTS, ignore_default_args=off)
    yield browser
    browser.close()


@pytest.fixture
def keeping(server: Server) -> Iterator[str]:
    """Give an address that lets browsers keep pages; ours says `no-store`, which not all of them take so strictly."""
    with FreezingProxy(server.port, change=(b"no-store, ", b"")) as proxy:
        yield proxy.base_url


def arrive(enter: Opener, stage: Stage, **options: Any) -> tuple[Page, Watch]:
    """Return Jane's page of the chat, with a session of its own."""
    page = enter("jane", "/notifications/", **options)
    watch = Watch(page)
    page.add_init_script(NOTE_SHOWN)
    page.goto(stage.path)
    connected(page)
    return page, watch


def sign_in(page: Page, username: str) -> None:
    """Fill in the form."""
    page.locator("[name=username]").fill(username)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=password]").press("Enter")


def go_back(page: Page) -> None:
    """Go back to a page that the browser has kept."""
    page.go_back(wait_until="commit")  # it is not loaded again
    wait_until(lambda: page.evaluate("window.shown") == [False, True], 5, "the page to be shown again")


def test_back_from_the_cache_it_is_live(enter: Opener, stage: Stage, keeping: str) -> None:
    page, watch = arrive(enter, stage, base_url=keeping, outage=True)
    page.evaluate(NOTE_LEFT)
    marker = watch.marker
    page.goto("/accounts/profile/")
    expect(page.locator("h1")).to_have_text("Your profile")
    stage.john.post(stage.chat_id, "Meanwhile")
    go_back(page)
    assert watch.marker == marker
    assert all(state >= CLOSING for state in page.evaluate("window.left")), "A socket was open when the page was left."
    expect(page.locator(".message .message-body")).to_have_text(["Meanwhile"])
    connected(page)
    stage.john.post(stage.chat_id, "Live")
    expect(page.locator(".message .message-body")).to_have_text(["Meanwhile", "Live"])
    write(page, "So am I")
    expect(page.locator(".message[data-seq='3']")).to_contain_text("So am I")
    assert watch.sockets == 2
    assert watch.most == 1
    assert watch.spoken == []  # leaving and coming back is no news of the connection
    assert watch.toasts == []


def test_back_from_the_cache_the_chats_opened_before_are_there(
    enter: Opener, stage: Stage, callers: dict[str, Caller], keeping: str
) -> None:
    first, second = new_stage(callers), new_stage(callers)
    page, watch = arrive(enter, stage, base_url=keeping, outage=True)
    go_to(page, first)
    go_to(page, second)
    page.locator("#composer-body").fill("Half a sentence")
    marker = watch.marker
    page.goto("/accounts/profile/")
    for number, chat in enumerate((stage, first, second)):
        chat.john.post(chat.chat_id, f"Meanwhile {number}")
    go_back(page)
    connected(page)
    shows_chat(page, second)
    expect(page.locator(".message .message-body")).to_have_text(["Meanwhile 2"])
    expect(page.locator("#composer-body")).to_have_value("Half a sentence")
    expect(room(page, first).locator(".count")).to_contain_text("1")
    for number, chat in ((1, first), (0, stage)):
        page.evaluate("history.back()")
        shows_chat(page, chat)
        expect(page.locator(".message .message-body")).to_have_text([f"Meanwhile {number}"])
    page.evaluate("history.go(2)")
    shows_chat(page, second)
    second.john.post(second.chat_id, "Live")
    expect(page.locator(".message .message-body")).to_have_text(["Meanwhile 2", "Live"])
    assert watch.marker == marker
    assert watch.most == 1


def test_signed_out_meanwhile_the_cache_shows_it(enter: Opener, stage: Stage, keeping: str) -> None:
    page, watch = arrive(enter, stage, base_url=keeping, outage=True)
    page.goto("/accounts/profile/")
    other = page.context.new_page()
    other.goto("/notifications/")
    sign_out(other)
    go_back(page)
    expect(page.locator("#ws-status")).to_have_accessible_name(SIGNED_OUT)
    assert watch.codes[-1] == 4401


def sign_out(page: Page, *, is_sure: bool = False) -> None:
    """Sign out by the menu; `is_sure` where messages wait, so that it asks."""
    page.locator("#user-menu > summary").click()
    page.get_by_role("button", name="Sign out").click()
    if is_sure:
        page.locator("#sign-out-dialog").get_by_role("button", name="Sign out").click()
    page.wait_for_url(re.compile("/accounts/login/"))


def is_signed_out(page: Page, watch: Watch) -> None:
    """Wait until the page says that its session has ended, and check that it leaves it at that."""
    shows(page, "disconnected")
    expect(page.locator("#ws-status")).to_have_accessible_name(SIGNED_OUT)
    expect(page.locator("#ws-status .tooltip")).to_have_text(SIGNED_OUT)
    assert watch.codes == [4401]
    assert watch.spoken == [SIGNED_OUT]
    expect(page.locator(".toast")).to_contain_text("Signed out - sign in again")
    sockets = watch.sockets
    page.evaluate("window.dispatchEvent(new Event('online')); document.dispatchEvent(new Event('visibilitychange'))")
    assert watch.sockets == sockets


def write_on(page: Page) -> None:
    """Send a message that has to wait, and begin another."""
    write(page, "Sent too late")
    pending = page.locator(".message[data-status=pending]")
    expect(pending).to_contain_text("Sent too late")
    expect(pending).to_contain_text("Waiting for the connection")
    page.locator("textarea[name=body]").fill("Not finished")


def returns(page: Page, stage: Stage) -> None:
    """Follow the dot to the form, sign in, and find everything as it was left; what waited goes out."""
    page.locator("#ws-status").click()
    expect(page).to_have_url(re.compile(rf"/accounts/login/\?next={re.escape(stage.path.replace('/', '%2F'))}$"))
    sign_in(page, "jane")
    page.wait_for_url(re.compile(f"{stage.path}$"))
    connected(page)
    message = page.locator(".message", has_text="Sent too late")
    expect(message).to_have_attribute("data-message-id", re.compile(".{36}"))
    expect(page.locator(".message[data-status]")).to_have_count(0)
    expect(page.locator(".message")).to_have_count(1)
    expect(page.locator("textarea[name=body]")).to_have_value("Not finished")
    rows = stage.john.call("GET", f"/chats/{stage.chat_id}/messages")["results"]
    assert [row["body"] for row in rows] == ["Sent too late"]


def test_signed_out_in_another_tab(enter: Opener, stage: Stage) -> None:
    page, watch = arrive(enter, stage)
    other = page.context.new_page()
    other.goto("/notifications/")
    page.locator("textarea[name=body]").fill("Begun before")
    sign_out(other)
    is_signed_out(page, watch)
    expect(page.locator("textarea[name=body]")).to_have_value("")
    write_on(page)
    returns(page, stage)


STORED = f"(async () => JSON.stringify([{{...localStorage}}, {{...sessionStorage}}, await ({KEPT})()]))()"


def holds_nothing(page: Page) -> bool:
    """Whether the browser keeps nothing of what was written."""
    return re.search(f"{BLANK}|Not finished", page.evaluate(STORED)) is None


@pytest.mark.parametrize("where", ["the page", "the administration"])
def test_signing_out_forgets_what_was_written_in_all_tabs(enter: Opener, stage: Stage, where: str) -> None:
    page, _watch = arrive(enter, stage, refused=True)
    other = page.context.new_page()
    other.goto("/notifications/")
    write(page, BLANK)  # refused, so it waits for a person
    expect(page.locator(".message[data-status=failed]")).to_have_count(1)
    page.locator("textarea[name=body]").fill("Not finished")
    assert BLANK in page.evaluate(STORED)
    assert "Not finished" in page.evaluate(STORED)
    if where == "the page":
        sign_out(other, is_sure=True)
    else:
        other.evaluate(ADMIN_SIGN_OUT)
        other.wait_for_url(re.compile("/accounts/login/"))
    for tab in (page, other):
        wait_until(functools.partial(holds_nothing, tab), 5, "what was written to be forgotten")
    # What it fetches when it is online again may lead it to the form, where there is no box.
    expect(page.locator("textarea[name=body]:not(:placeholder-shown)")).to_have_count(0)
    expect(page.locator(".message[data-status]")).to_have_count(0)
    sign_in(other, "jane")
    other.wait_for_url(lambda url: "/accounts/login/" not in url)
    other.goto(stage.path)
    expect(other.locator("textarea[name=body]")).to_have_value("")


# What the button of the administration does, without being staff.
ADMIN_SIGN_OUT = """() => {
  const form = document.querySelector("#user-menu form");
  form.action = "/admin/logout/";
  form.submit();
}"""


def test_signed_out_everywhere(enter: Opener, stage: Stage) -> None:
    page, watch = arrive(enter, stage)
    other = enter("jane", "/accounts/profile/")
    other.get_by_role("button", name="Sign out everywhere else").click()
    expect(other.locator(".note.success")).to_contain_text("signed out everywhere else")
    is_signed_out(page, watch)
    other.goto(stage.path)  # whoever asked for it stays
    connected(other)


def test_the_password_is_changed_elsewhere(enter: Opener, stage: Stage) -> None:
    page, watch = arrive(enter, stage)
    other = enter("jane", "/accounts/password/change/")
    changed = "a horse, a battery, a staple"
    other.locator("[name=old_password]").fill(PASSWORD)
    other.locator("[name=new_password1]").fill(changed)
    other.locator("[name=new_password2]").fill(changed)
    other.locator("[name=new_password2]").press("Enter")
    expect(other.locator(".note.success")).to_contain_text("Your password is changed")
    is_signed_out(page, watch)
