"""A German browser: no page says anything in English."""

from __future__ import annotations

import gettext
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener, Stage
from tests.support.processes import ROOT, Server

CATALOGUE = ROOT / "locale/de/LC_MESSAGES/django.mo"
FILLED = re.compile(r"%\(\w+\)[sd]|\{\w+\}|<[^>]+>")
# What stands on the page, and what is said of things on it; people's own words are not asked about.
SAID = """() => {
  const said = [document.title.replace(/ · Flowra$/, "")];
  const theirs = ".message-body, .message-author, .message-reply, [data-name-of], [dir=auto], bdi, kbd, script, style";
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    if (node.parentElement.closest(theirs) === null) said.push(node.data);
  }
  for (const node of document.querySelectorAll("[aria-label], [title], [placeholder]")) {
    for (const name of ["aria-label", "title", "placeholder"]) said.push(node.getAttribute(name) ?? "");
  }
  return said.map((words) => words.trim().replace(/\\s+/g, " ")).filter((words) => words !== "");
}"""


def english_sentences(path: Path = CATALOGUE) -> list[re.Pattern[str]]:
    """Return the catalogue's sentences that are other in German, with anything where something is filled in."""
    with path.open("rb") as file:
        messages: dict[str | tuple[str, int], str] = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    found = []
    for key, german in messages.items():
        english = key if isinstance(key, str) else key[0]
        if re.search("[a-z]{2}", FILLED.sub("", english)) and english != german:
            found.append(re.compile(".+".join(map(re.escape, FILLED.split(english)))))
    return found


def check(page: Page, path: str, english: list[re.Pattern[str]]) -> None:
    """Open a page and fail with what it says in English."""
    page.goto(path)
    expect(page.locator("html")).to_have_attribute("lang", "de")
    said = page.evaluate(SAID)
    assert [words for words in said for sentence in english if sentence.fullmatch(words)] == [], path


def test_no_page_speaks_english(enter: Opener, server: Server, stage: Stage) -> None:
    english = english_sentences()
    stage.jane.post(stage.chat_id, "@john hallo")
    own = stage.john.post(stage.chat_id, "hallo")["id"]
    invite = stage.john.call("POST", f"/workspaces/{stage.workspace_id}/invites", {})
    page = enter("john", locale="de-DE")
    chat, workspace = stage.path, f"/workspaces/{stage.workspace_id}/"
    paths = [chat, f"{chat}?before=2", f"{chat}messages/{own}/edit/", f"{chat}messages/{own}/delete/"]
    paths += [f"{chat}{part}" for part in ("members/", "members/add/", "rename/", "delete/", "leave/")]
    paths += [f"{chat}members/{stage.jane.id}/remove/", "/search/?q=stage", "/search/?q=zzzz", "/notifications/"]
    paths += [
        f"{workspace}{part}"
        for part in ("settings/?tab=links", "settings/?tab=general", "chats/new/", "direct/new/", "delete/")
    ]
    paths += [f"{workspace}invites/{invite['id']}/revoke/", f"{workspace}members/{stage.jane.id}/remove/"]
    paths += ["/workspaces/new/", f"/invites/{invite['token']}/", "/accounts/profile/", "/accounts/password/change/"]
    for path in [*paths, "/invitations/", "/blocks/"]:
        check(page, path, english)
    page.goto(chat)
    expect(page.locator("#ws-status")).to_have_attribute("data-state", "connected")
    check(page, chat, english)
    page.goto(f"{workspace}settings/")
    nobody = enter(None, "/accounts/login/", locale="de-DE")
    for path in (
        "/accounts/login/",
        "/accounts/signup/",
        "/accounts/password/reset/",
        "/accounts/password/reset/sent/",
    ):
        check(nobody, path, english)
    nobody.goto("/accounts/login/")
    nobody.locator("[name=username]").fill("john")
    nobody.locator("[name=password]").fill("wrong")
    nobody.locator("[name=password]").press("Enter")
    expect(nobody.locator(".errors")).to_contain_text("Benutzername oder Passwort ist falsch")
