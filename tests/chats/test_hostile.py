"""What somebody with bad intentions tries on the pages: scripts in every text, forged forms, foreign ids, frames."""

from __future__ import annotations

import html.parser
import re
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse

from chats import services
from flowra.accounts.models import User
from realtime.background.notices import make_notice
from tests.conftest import PASSWORD, Cast
from tests.support.processes import ROOT

PAYLOADS = (
    "<xss-probe onxss=1>",
    "\"'><xss-probe onxss=1>",
    "</title></textarea></script><xss-probe onxss=1>",
    "[x](javascript:xss) <img src=x onxss=1>",
    "{{ 7|add:42 }}{% xss %}",
)
STATIC = ROOT / "static" / "js"
FORMS = ("accounts/login", "accounts/signup", "accounts/password/reset")
# Whose page no membership is needed for: one's own lists, making something new, and links that are the permission.
NOT_BY_MEMBERSHIP = {
    "home", "favicon", "sidebar", "search", "notifications", "bell", "notifications_read", "workspace_create", "invite",
    "invite_accept", "invitations", "blocks",
}  # fmt: skip


class Probe(html.parser.HTMLParser):
    """Notes elements and attributes that only a payload could have made."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one element."""
        names = [name for name, _value in attrs]
        targets = [value or "" for name, value in attrs if name in ("href", "src", "action", "hx-get", "hx-post")]
        if tag == "xss-probe" or "onxss" in names or any(value.startswith("javascript:") for value in targets):
            self.found.append(f"<{tag} {attrs}>")


def pages() -> list[URLPattern]:
    """Return every page of chats."""
    resolver = next(part for part in get_resolver().url_patterns if getattr(part, "app_name", "") == "chats")
    return [route for route in getattr(resolver, "url_patterns", []) if isinstance(route, URLPattern)]


def address(page: URLPattern, ids: dict[str, Any]) -> str:
    """Return a page's path with these ids."""
    wanted = page.pattern.converters
    return reverse(f"chats:{page.name}", kwargs={name: ids[name] for name in wanted})


@pytest.fixture
def ids(cast: Cast) -> dict[str, Any]:
    """Give ids of things that are there."""
    posted = services.post_message(user=cast.owner, chat_id=cast.chat.pk, body="hello @mika", client_id=uuid4())
    invite = services.create_invite(user=cast.owner, workspace_id=cast.workspace.pk)
    return {
        "workspace_id": cast.workspace.pk,
        "chat_id": cast.chat.pk,
        "message_id": posted.message.pk,
        "user_id": cast.member.pk,
        "invite_id": invite.pk,
        "notification_id": cast.member.notifications.all()[0].pk,
        "invitation_id": uuid4(),
        "token": "unknown",
    }


# Where scripts may make elements of text, and of what: bodies that the server rendered and cleaned, its own fragments,
# and what htmx swaps. A new place has to be looked at before it comes in here.
MAKES_ELEMENTS = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|setHTMLUnsafe|srcdoc"
    r"|DOMParser|\beval\(|new Function|setAttribute\(\s*[\"'](?:on|href|src)"
)
KNOWN_PLACES = {
    "chat/excerpt.js": 1,  # a document of its own, read for its text
    "chat/message-view.js": 1,  # `html` of a message, cleaned by chats/markdown/html.py
    "composer/preview.js": 1,  # a message's `html`, not stored yet
    "net/fetch-page.js": 1,  # pages of the server's, and parts of them
    "shell/dialogs.js": 1,  # htmx's word for how to swap a fragment
}


def test_scripts_make_text_of_text() -> None:
    found = {
        path.relative_to(STATIC).as_posix(): len(MAKES_ELEMENTS.findall(path.read_text()))
        for path in STATIC.rglob("*.js")
    }
    assert len(found) > 40
    assert {name: number for name, number in found.items() if number} == KNOWN_PLACES


@pytest.mark.parametrize("route", pages(), ids=lambda route: route.name)
def test_a_form_without_its_token_changes_nothing(cast: Cast, ids: dict[str, Any], route: URLPattern) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.owner)
    status = client.post(address(route, ids), {"body": "x", "title": "x", "name": "x"}).status_code
    assert status in (403, 405)  # 405: a page that takes no forms


@pytest.mark.parametrize(
    "route", [route for route in pages() if route.name not in NOT_BY_MEMBERSHIP], ids=lambda route: route.name
)
def test_who_is_no_member_finds_nothing_by_its_id(
    client: Client, cast: Cast, ids: dict[str, Any], route: URLPattern
) -> None:
    client.force_login(cast.outsider)
    form = {"body": "x", "title": "x", "name": "x", "seq": "1", "client_id": str(uuid4())}
    paths = [address(route, ids), address(route, {name: uuid4() for name in ids})]
    answers = [(client.get(path).status_code, client.post(path, form).status_code) for path in paths]
    assert answers[0] == answers[1]  # as one that is not there
    assert 200 not in answers[0]
    cast.workspace.refresh_from_db()
    cast.chat.refresh_from_db()
    assert (cast.workspace.name, cast.chat.title, cast.chat.seq) == ("Acme", "Update documentation", 1)
    assert (cast.workspace.memberships.count(), cast.chat.memberships.count(), cast.workspace.invites.count()) == (
        2,
        2,
        1,
    )


@pytest.fixture
def hostile(cast: Cast) -> Cast:
    """Give the cast, with payloads in everything that is text."""
    User.objects.update(display_name=PAYLOADS[1])
    for payload in PAYLOADS:
        workspace = services.create_workspace(user=cast.owner, name=payload).workspace
        services.moderate_add_workspace_member(workspace_id=workspace.pk, user_id=cast.member.pk, role="member")
        membership, _ = services.create_chat(
            user=cast.owner, workspace_id=workspace.pk, kind="task", title=payload, member_ids=[cast.member.pk]
        )
        for body in (payload, f"@mika {payload}", f"`{payload}`", f"> {payload}", f"[{payload}](https://a.example)"):
            posted = services.post_message(user=cast.owner, chat_id=membership.chat_id, body=body, client_id=uuid4())
        services.post_message(
            user=cast.member, chat_id=membership.chat_id, body=payload, client_id=uuid4(), reply_to_id=posted.message.pk
        )
        make_notice(text=payload, level="info", workspace=workspace)
    return cast


@pytest.mark.slow
def test_nothing_typed_becomes_markup_on_any_page(client: Client, hostile: Cast) -> None:
    looked_at = 0
    for user in (hostile.owner, hostile.member):
        client.force_login(user)
        for membership in user.chat_memberships.select_related("chat"):
            chat = membership.chat
            message = chat.messages.order_by("-seq").first()
            ids = {"chat_id": chat.pk, "workspace_id": chat.workspace_id, "message_id": message and message.pk}
            for page in pages():
                if set(page.pattern.converters) <= {name for name, value in ids.items() if value}:
                    looked_at += is_clean(client, address(page, ids))
    for payload in PAYLOADS:  # reflected
        looked_at += is_clean(client, "/search/", q=payload)
        looked_at += is_clean(client, "/accounts/login/", next=payload)
        looked_at += is_clean(Client(), "/accounts/signup/", next=f"/{payload}")
    assert looked_at > 50


@pytest.mark.slow
def test_nothing_typed_becomes_markup_in_the_admin(admin_client: Client, hostile: Cast) -> None:
    looked_at = 0
    for model in admin.site._registry:
        name = f"{model._meta.app_label}/{model._meta.model_name}"
        looked_at += is_clean(admin_client, f"/admin/{name}/", q=PAYLOADS[1])
        for row in model._default_manager.all()[:12]:
            looked_at += is_clean(admin_client, f"/admin/{name}/{row.pk}/change/")
            looked_at += is_clean(admin_client, f"/admin/{name}/{row.pk}/delete/")
    assert looked_at > 60
    assert is_clean(admin_client, "/admin/")  # with the log of what staff did


def is_clean(client: Client, path: str, **query: str) -> bool:
    """Whether there is a page to look at; raises AssertionError where a payload has become more than text."""
    response = client.get(path, query, follow=True)
    if response.status_code != 200 or "html" not in response.headers.get("Content-Type", ""):
        return False
    page = response.content.decode()
    probe = Probe()
    probe.feed(page)
    assert probe.found == [], path
    assert ">49<" not in page, path
    return True


@pytest.mark.parametrize(
    "form",
    [
        {"username": PAYLOADS[1], "password": PAYLOADS[1]},
        {
            "username": PAYLOADS[2],
            "display_name": PAYLOADS[1],
            "email": PAYLOADS[1],
            "password1": "x",
            "password2": "x",
        },
    ],
)
@pytest.mark.parametrize(
    "path", ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/admin/login/"]
)
def test_what_a_form_gives_back_is_text(client: Client, db: None, path: str, form: dict[str, str]) -> None:
    probe = Probe()
    probe.feed(client.post(path, form).content.decode())
    assert probe.found == []


@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/admin/login/", "/api/v1/me", "/api/v1/docs", "/nowhere/"])
def test_nobody_puts_a_page_into_a_frame(client: Client, cast: Cast, path: str) -> None:
    for signed_in in (False, True):
        if signed_in:
            client.force_login(cast.owner)
        headers = client.get(path, follow=True).headers
        assert headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_session_that_was_planted_is_worth_nothing_after_the_sign_in(cast: Cast) -> None:
    attacker, victim = Client(), Client()
    planted = attacker.session
    planted["x"] = 1
    planted.save()
    victim.cookies["sessionid"] = attacker.cookies["sessionid"] = planted.session_key or ""
    victim.post("/accounts/login/", {"username": "olga", "password": PASSWORD})
    assert victim.get("/accounts/profile/").status_code == 200
    assert attacker.get("/accounts/profile/").status_code == 302
