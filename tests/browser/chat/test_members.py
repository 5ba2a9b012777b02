"""A chat of a thousand members: what its page weighs, its pages and its search."""

from __future__ import annotations

import dataclasses
import uuid

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chat.test_live import connected
from tests.browser.conftest import Opener
from tests.support.processes import Server

CROWD = """
from django.contrib.auth import get_user_model
from chats import services
from chats.models import ChatMember, WorkspaceMember
User = get_user_model()
suffix = {suffix!r}
owner, late = [User.objects.create_user(name + suffix, "", "demo", display_name=called)
    for name, called in (("owner", "Olga Owner"), ("late", "Zoë Zulu"))]
workspace = services.create_workspace(user=owner, name="Crowd").workspace
new = {{"workspace_id": workspace.pk, "kind": "discussion", "title": "Everybody", "member_ids": []}}
chat = services.create_chat(user=owner, **new)[0].chat
people = User.objects.bulk_create(
    User(username="p%03d%s" % (number, suffix), display_name="Person %03d" % number) for number in range(998)
)
people.append(late)
WorkspaceMember.objects.bulk_create(WorkspaceMember(workspace=workspace, user=person) for person in people)
ChatMember.objects.bulk_create(ChatMember(chat=chat, user=person) for person in people)
print(chat.pk)
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Crowd:
    """A chat of a thousand; `late` is the last of them by name."""

    owner: str
    late: str
    path: str


@pytest.fixture(scope="module")
def crowd(server: Server) -> Crowd:
    """Give a chat of a thousand members, in a workspace of its own."""
    suffix = uuid.uuid4().hex[:6]
    chat_id = server.manage("shell", "-v0", "-c", CROWD.format(suffix=suffix)).split()[-1]
    return Crowd(f"owner{suffix}", f"late{suffix}", f"/chats/{chat_id}/")


def rows(page: Page, count: int) -> None:
    """Wait until the list has this many rows."""
    expect(page.locator(".member-item")).to_have_count(count)


def scroll(page: Page, place: str) -> None:
    """Scroll the members to "0", or to their "scrollHeight"."""
    page.locator("#members").evaluate(f"(pane) => {{ pane.scrollTop = {place}; }}")


def test_a_thousand_members_are_light_and_all_can_be_reached(enter: Opener, crowd: Crowd) -> None:
    page = connected(enter(crowd.owner, crowd.path))
    assert page.evaluate("document.querySelectorAll('*').length") < 3000
    assert len(page.request.get(crowd.path).body()) < 150_000
    rows(page, 32)
    expect(page.locator(".member-count")).to_have_text("Members (1 online)")
    expect(page.locator(".member-item").first).to_contain_text("You")
    foot = page.locator(".member-foot [role=status]")
    expect(foot).to_have_text("32 of 1000")
    scroll(page, "pane.scrollHeight")
    rows(page, 64)
    expect(foot).to_have_text("64 of 1000")
    assert page.locator("#members").evaluate("(pane) => pane.scrollTop") > 500
    more = page.get_by_role("link", name="Show more")
    more.focus()
    page.keyboard.press("Enter")
    rows(page, 96)
    expect(more).to_be_focused()
    # The search finds who is not loaded; what it finds is said.
    field = page.get_by_role("searchbox", name="Search members")
    field.fill("zulu zoe")
    rows(page, 1)
    expect(page.locator(".member-item")).to_contain_text("Zoë Zulu")
    expect(foot).to_have_text("1 found")
    field.fill("nobody at all")
    rows(page, 0)
    expect(foot).to_have_text("Nobody found.")
    field.press("Escape")
    rows(page, 32)
    expect(field).to_have_value("")
    field.press_sequentially("person 99", delay=20)
    rows(page, 8)
    expect(field).to_be_focused()


def test_in_a_long_list_who_comes_online_comes_first(enter: Opener, crowd: Crowd) -> None:
    page = connected(enter(crowd.owner, crowd.path))
    rows(page, 32)
    late = connected(enter(crowd.late, "/notifications/"))
    expect(page.locator(".online-count")).to_have_text("2 online")
    expect(page.locator(".member-count")).to_have_text("Members (2 online)")
    expect(page.locator(".member-item", has_text="Zoë Zulu").locator(".presence-dot")).to_have_class(
        "presence-dot online"
    )
    rows(page, 32)
    expect(page.locator(".member-name").nth(1)).to_contain_text("Zoë Zulu")
    late.close()
    expect(page.locator(".online-count")).to_have_text("1 online", timeout=12_000)
    expect(page.locator(".member-item", has_text="Zoë Zulu")).to_contain_text("last seen")


def test_without_scripts_members_are_paged_and_searched(enter: Opener, crowd: Crowd) -> None:
    page = enter(crowd.owner, crowd.path, java_script_enabled=False)
    page.get_by_role("link", name="Show more").click()
    expect(page.locator(".member-foot")).to_contain_text("33 to 64 of 1000")
    page.get_by_role("searchbox", name="Search members").fill("zulu")
    page.get_by_role("button", name="Search", exact=True).click()
    rows(page, 1)
    page.get_by_role("link", name="Back to the chat").click()
    expect(page.locator("textarea[name=body]")).to_be_visible()
