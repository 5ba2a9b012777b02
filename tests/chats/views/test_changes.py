"""Forms: posting and editing without scripts, chats, workspaces, invites, the bell and the search."""

from __future__ import annotations

import html
import uuid
from typing import Any

import pytest
from django.urls import reverse

from chats import services
from chats.models import Chat, Message, Notification, WorkspaceInvite, WorkspaceMember
from chats.selectors.notifications import count_unread_notifications
from flowra.accounts.models import User
from tests.chats.views.test_views import say, sign_in
from tests.conftest import Cast, make_user

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


# --- Messages -----------------------------------------------------------------------------------


def test_posting_twice_stores_one_message(cast: Cast) -> None:
    client = sign_in(cast.owner)
    data = {"body": "Once\r\nonly", "client_id": str(uuid.uuid4()), "reply_to": ""}
    for _ in range(2):
        answer = client.post(reverse("chats:post", args=[cast.chat.pk]), data)
        assert answer.headers["Location"] == f"/chats/{cast.chat.pk}/?at=1#message-1"
    assert [message.body for message in Message.objects.all()] == ["Once\nonly"]


@pytest.mark.parametrize("body", ["", "   ", "\u200b", "x" * 10_001])
def test_what_cannot_be_posted_stays_in_the_box(cast: Cast, body: str) -> None:
    client = sign_in(cast.owner)
    answer = client.post(
        reverse("chats:post", args=[cast.chat.pk]), {"body": body, "client_id": str(uuid.uuid4()), "reply_to": ""}
    )
    assert answer.status_code == 422
    assert answer.context["composer"].body == body
    assert answer.context["composer"].error
    assert not Message.objects.exists()


def test_a_broken_form_is_answered(cast: Cast) -> None:
    client = sign_in(cast.owner)
    answer = client.post(reverse("chats:post", args=[cast.chat.pk]), {"body": "x", "client_id": "../etc/passwd"})
    assert answer.status_code == 422
    assert answer.context["composer"].body == "x"


def test_ten_thousand_characters_with_line_breaks_fit(cast: Cast) -> None:
    body = "line\n" * 2_000
    client = sign_in(cast.owner)
    data = {"body": body.replace("\n", "\r\n"), "client_id": str(uuid.uuid4())}
    assert client.post(reverse("chats:post", args=[cast.chat.pk]), data).status_code == 302
    assert Message.objects.get().body == body


def test_replying_without_scripts(cast: Cast) -> None:
    asked = say(cast, cast.member, "Who?")
    client = sign_in(cast.owner)
    page = client.get(f"{reverse('chats:detail', args=[cast.chat.pk])}?reply_to={asked}")
    assert page.context["composer"].reply_to.pk == asked
    data = {"body": "Me", "client_id": str(uuid.uuid4()), "reply_to": str(asked)}
    client.post(reverse("chats:post", args=[cast.chat.pk]), data)
    assert Message.objects.get(body="Me").reply_to_id == asked


def test_only_authors_edit(cast: Cast) -> None:
    message_id = say(cast, cast.member, "frist")
    path = reverse("chats:message_edit", args=[cast.chat.pk, message_id])
    assert sign_in(cast.owner).get(path).status_code == 403
    assert sign_in(cast.owner).post(path, {"body": "mine now"}).status_code == 403
    author = sign_in(cast.member)
    assert author.post(path, {"body": "\u200b"}).status_code == 422
    assert author.post(path, {"body": "first"}).headers["Location"].endswith("#message-1")
    assert Message.objects.get().body == "first"


def test_deleting_asks_first(cast: Cast) -> None:
    message_id = say(cast, cast.member, "oops")
    path = reverse("chats:message_delete", args=[cast.chat.pk, message_id])
    other = say(cast, cast.owner, "not yours")
    assert sign_in(cast.member).post(reverse("chats:message_delete", args=[cast.chat.pk, other])).status_code == 403
    author = sign_in(cast.member)
    assert "This cannot be undone" in author.get(path).content.decode()
    assert Message.objects.get(pk=message_id).deleted_at is None
    author.post(path)
    assert Message.objects.get(pk=message_id).deleted_at is not None


def test_changing_too_fast_is_told_and_nothing_is_lost(cast: Cast, settings: Any) -> None:
    settings.FLOWRA_RATE_LIMITS = True
    settings.FLOWRA_POSTS_PER_SECOND, settings.FLOWRA_POSTS_BURST = 0.1, 1
    message_id = say(cast, cast.member, "frist")
    author = sign_in(cast.member)
    edit = reverse("chats:message_edit", args=[cast.chat.pk, message_id])
    assert author.post(edit, {"body": "first"}).status_code == 302
    again = author.post(edit, {"body": "once more"})
    assert (again.status_code, int(again.headers["Retry-After"]) <= 10) == (429, True)
    assert "too fast" in again.content.decode()
    assert "once more" in again.content.decode()
    deletion = author.post(reverse("chats:message_delete", args=[cast.chat.pk, message_id]))
    assert (deletion.status_code, int(deletion.headers["Retry-After"]) <= 10) == (429, True)
    assert "too fast" in deletion.content.decode()
    assert Message.objects.get().body == "first"
    assert author.get(edit).status_code == 200


# --- Chats --------------------------------------------------------------------------------------


def test_making_a_chat(cast: Cast) -> None:
    client = sign_in(cast.member)
    path = reverse("chats:create", args=[cast.workspace.pk])
    data = {"kind": "bug", "title": "<b>It</b> breaks", "member_ids": [str(cast.owner.pk)]}
    answer = client.post(path, data)
    chat = Chat.objects.get(title="<b>It</b> breaks")
    assert answer.headers["Location"] == f"/chats/{chat.pk}/"
    assert chat.memberships.count() == 2
    assert "&lt;b&gt;It&lt;/b&gt; breaks" in client.get(f"/chats/{chat.pk}/").content.decode()
    dialog = client.post(path, {**data, "title": "In a dialog"}, headers=HTMX)
    assert dialog.headers["HX-Redirect"].startswith("/chats/")


def test_a_chat_that_cannot_be_is_explained(cast: Cast) -> None:
    client = sign_in(cast.member)
    path = reverse("chats:create", args=[cast.workspace.pk])
    for data in ({"kind": "direct", "title": "x"}, {"kind": "task", "title": ""}, {"kind": "task", "title": "\u200b"}):
        answer = client.post(path, data, headers=HTMX)
        assert answer.status_code == 422
        assert "errorlist" in answer.content.decode()
    stranger = {"kind": "task", "title": "x", "member_ids": [str(cast.outsider.pk)]}
    assert client.post(path, stranger).status_code == 422


def test_direct_chats_are_found_again(cast: Cast) -> None:
    client = sign_in(cast.member)
    path = reverse("chats:create_direct", args=[cast.workspace.pk])
    first = client.post(path, {"member_ids": str(cast.owner.pk)}).headers["Location"]
    assert client.post(reverse("chats:direct_with", args=[cast.owner.pk])).headers["Location"] == first
    assert client.post(reverse("chats:direct_with", args=[cast.outsider.pk])).status_code == 404
    assert client.post(reverse("chats:direct_with", args=[cast.member.pk])).status_code == 404


def test_renaming_closing_and_deleting_are_for_those_who_may(cast: Cast) -> None:
    member, owner = sign_in(cast.member), sign_in(cast.owner)
    for name in ("rename", "close", "reopen", "delete"):
        path = reverse(f"chats:{name}", args=[cast.chat.pk])
        assert member.post(path, {"title": "x"}).status_code == 403, name
    owner.post(reverse("chats:rename", args=[cast.chat.pk]), {"title": "Renamed"})
    owner.post(reverse("chats:close", args=[cast.chat.pk]))
    chat = Chat.objects.get()
    assert (chat.title, chat.is_closed) == ("Renamed", True)
    assert "This chat is archived" in member.get(f"/chats/{chat.pk}/").content.decode()
    owner.post(reverse("chats:reopen", args=[cast.chat.pk]))
    assert not Chat.objects.get().is_closed
    owner.post(reverse("chats:delete", args=[cast.chat.pk]))
    assert not Chat.objects.exists()


def test_adding_removing_and_leaving(cast: Cast) -> None:
    services.moderate_add_workspace_member(workspace_id=cast.workspace.pk, user_id=cast.outsider.pk, role="member")
    member = sign_in(cast.member)
    path = reverse("chats:members_add", args=[cast.chat.pk])
    assert [value for value, _name in member.get(path).context["form"].fields["user_ids"].choices] == [
        str(cast.outsider.pk)
    ]
    member.post(path, {"user_ids": [str(cast.outsider.pk)]})
    assert cast.chat.memberships.count() == 3
    assert "Everybody in this workspace is here already" in member.get(path).content.decode()
    remove = reverse("chats:member_remove", args=[cast.chat.pk, cast.outsider.pk])
    assert member.post(remove).status_code == 403
    sign_in(cast.owner).post(remove)
    member.post(reverse("chats:leave", args=[cast.chat.pk]))
    assert [row.user_id for row in cast.chat.memberships.all()] == [cast.owner.pk]


def test_what_cannot_be_taken_back_asks_and_names_it(cast: Cast) -> None:
    invite = services.create_invite(user=cast.owner, workspace_id=cast.workspace.pk)
    owner, name, chat, place = sign_in(cast.owner), cast.member.get_full_name(), str(cast.chat), cast.workspace.name
    questions = {
        reverse("chats:member_remove", args=[cast.chat.pk, cast.member.pk]): f"Remove {name} from “{chat}”?",
        reverse("chats:leave", args=[cast.chat.pk]): f"Leave “{chat}”?",
        reverse("chats:delete", args=[cast.chat.pk]): f"Delete “{chat}”?",
        reverse("chats:workspace_member_remove", args=[cast.workspace.pk, cast.member.pk]): (
            f"Remove {name} from the workspace “{place}”?"
        ),
        reverse("chats:workspace_member_remove", args=[cast.workspace.pk, cast.owner.pk]): (
            f"Leave the workspace “{place}”?"
        ),
        reverse("chats:invite_revoke", args=[cast.workspace.pk, invite.pk]): f"Revoke this invite link to “{place}”?",
        reverse("chats:workspace_delete", args=[cast.workspace.pk]): f"Delete the workspace “{place}”?",
        reverse("chats:close", args=[cast.chat.pk]): f"Archive “{chat}”?",
        reverse("chats:block", args=[cast.member.pk]): f"Block {name}?",
    }
    for path, question in questions.items():
        page = owner.get(path)
        assert html.escape(question) in page.content.decode(), path
        fragment = owner.get(path, headers=HTMX).content.decode()
        assert html.escape(question) in fragment
        assert "<html" not in fragment
        assert fragment.index("autofocus") < fragment.index("button-danger")  # Enter does no harm
    assert WorkspaceInvite.objects.exists()
    assert cast.chat.memberships.count() == 2
    nobody = uuid.uuid4()
    assert owner.get(reverse("chats:member_remove", args=[cast.chat.pk, nobody])).status_code == 404
    assert owner.get(reverse("chats:workspace_member_remove", args=[cast.workspace.pk, nobody])).status_code == 404
    assert owner.get(reverse("chats:invite_revoke", args=[cast.workspace.pk, nobody])).status_code == 404
    assert owner.get(reverse("chats:invitation_cancel", args=[cast.workspace.pk, nobody])).status_code == 404
    assert owner.get(reverse("chats:block", args=[cast.outsider.pk])).status_code == 404  # no stranger is named
    assert not Chat.objects.get(pk=cast.chat.pk).is_closed
    for path in questions:
        assert sign_in(cast.outsider).get(path).status_code == 404, path


def test_giving_up_ones_own_role_asks(cast: Cast) -> None:
    WorkspaceMember.objects.filter(user=cast.member).update(role="owner")
    owner = sign_in(cast.owner)
    path = reverse("chats:workspace_member_role", args=[cast.workspace.pk, cast.owner.pk])
    page = owner.post(path, {"role": "member"})
    assert page.status_code == 200
    assert "Give up your role" in page.content.decode()
    assert WorkspaceMember.objects.get(user=cast.owner).role == "owner"
    owner.post(path, {"role": "member", "confirmed": "1"})
    assert WorkspaceMember.objects.get(user=cast.owner).role == "member"


# --- Workspaces and invites ---------------------------------------------------------------------


def test_making_and_renaming_a_workspace(cast: Cast) -> None:
    client = sign_in(cast.outsider)
    answer = client.post(reverse("chats:workspace_create"), {"name": "New place"})
    workspace_id = WorkspaceMember.objects.get(user=cast.outsider).workspace_id
    assert answer.headers["Location"] == reverse("chats:workspace", args=[workspace_id])
    rename = reverse("chats:workspace_rename", args=[workspace_id])
    assert client.post(rename, {"name": "\u200b"}).status_code == 422
    settings = reverse("chats:workspace_settings", args=[workspace_id])
    assert client.post(rename, {"name": "Better place"}).headers["Location"] == f"{settings}?tab=general"
    assert 'value="Better place"' in client.get(settings, {"tab": "general"}).content.decode()


def test_roles_change_hands(cast: Cast) -> None:
    owner = sign_in(cast.owner)
    role = reverse("chats:workspace_member_role", args=[cast.workspace.pk, cast.member.pk])
    assert sign_in(cast.member).post(role, {"role": "owner"}).status_code == 403
    owner.post(role, {"role": "admin"})
    assert WorkspaceMember.objects.get(user=cast.member).role == "admin"
    leave = reverse("chats:workspace_member_remove", args=[cast.workspace.pk, cast.owner.pk])
    answer = owner.post(leave, follow=True)
    assert "needs an owner" in answer.content.decode()
    add = reverse("chats:workspace_member_add", args=[cast.workspace.pk])
    assert owner.post(add, {"username": "nobody-here"}).status_code == 422
    owner.post(add, {"username": "@Otto"})
    invitation = cast.outsider.invitations.get()
    sign_in(cast.outsider).post(reverse("chats:invitation_accept", args=[invitation.pk]))
    assert WorkspaceMember.objects.filter(user=cast.outsider, workspace=cast.workspace).exists()
    owner.post(reverse("chats:workspace_member_remove", args=[cast.workspace.pk, cast.outsider.pk]))
    assert not WorkspaceMember.objects.filter(user=cast.outsider, workspace=cast.workspace).exists()


def test_deleting_a_workspace_is_for_owners(cast: Cast) -> None:
    path = reverse("chats:workspace_delete", args=[cast.workspace.pk])
    assert sign_in(cast.member).post(path).status_code == 403
    assert sign_in(cast.owner).post(path).headers["Location"] == "/"
    assert not WorkspaceMember.objects.exists()


def test_an_invite_leads_people_in(cast: Cast) -> None:
    owner = sign_in(cast.owner)
    create = reverse("chats:invite_create", args=[cast.workspace.pk])
    assert sign_in(cast.member).post(create, {"role": "member", "days": "7"}).status_code == 403
    owner.post(create, {"role": "member", "days": "7", "max_uses": "1"})
    invite = WorkspaceInvite.objects.get()
    path = reverse("chats:invite", args=[invite.token])
    page = owner.get(reverse("chats:workspace_settings", args=[cast.workspace.pk]), {"tab": "links"}).content.decode()
    assert f"http://testserver{path}" in page
    nobody = sign_in(make_user("nell"))
    nobody.logout()
    page = nobody.get(path).content.decode()
    assert "Join Acme" in page
    assert f"/accounts/signup/?next=%2Finvites%2F{invite.token}%2F" in page
    assert nobody.post(reverse("chats:invite_accept", args=[invite.token])).status_code == 302
    outsider = sign_in(cast.outsider)
    answer = outsider.post(reverse("chats:invite_accept", args=[invite.token]))
    assert answer.headers["Location"] == reverse("chats:workspace", args=[cast.workspace.pk])
    assert WorkspaceMember.objects.filter(user=cast.outsider, workspace=cast.workspace).exists()
    assert outsider.get(path).status_code == 404
    assert outsider.get("/invites/%2e%2e%00/").status_code == 404


def test_an_invite_can_be_taken_back(cast: Cast) -> None:
    invite = services.create_invite(user=cast.owner, workspace_id=cast.workspace.pk)
    path = reverse("chats:invite_revoke", args=[cast.workspace.pk, invite.pk])
    assert sign_in(cast.member).post(path).status_code == 403
    sign_in(cast.owner).post(path)
    assert "no longer valid" in sign_in(cast.outsider).get(f"/invites/{invite.token}/").content.decode()


# --- The bell and the search --------------------------------------------------------------------


def test_the_bell(cast: Cast) -> None:
    say(cast, cast.owner, "@mika <i>look</i>")
    client = sign_in(cast.member)
    assert client.get(reverse("chats:bell")).content.decode().count("badge") == 1
    menu = client.get(reverse("chats:notifications"), headers=HTMX).content.decode()
    assert "mentioned you in" in menu
    assert "<html" not in menu
    assert "<i>look" not in menu
    mention = Notification.objects.get(user=cast.member, kind="mention")
    opened = client.post(reverse("chats:notification_open", args=[mention.pk]))
    assert opened.headers["Location"] == f"/chats/{cast.chat.pk}/?at=1#message-1"
    answer = client.post(reverse("chats:notifications_read"), headers=HTMX)
    assert answer.headers["HX-Trigger"] == "bell.refresh"
    assert count_unread_notifications(cast.member) == 0
    assert sign_in(cast.outsider).post(reverse("chats:notification_open", args=[mention.pk])).headers[
        "Location"
    ] == reverse("chats:notifications")


def test_the_search_finds_what_one_may_see(cast: Cast) -> None:
    say(cast, cast.owner, "the needle in the haystack")
    for path, headers in (("/search/?q=needle", HTMX), ("/search/?q=needle", {})):
        assert "haystack" in sign_in(cast.member).get(path, headers=headers).content.decode()
        assert "haystack" not in sign_in(cast.outsider).get(path, headers=headers).content.decode()
    assert "Olga" in sign_in(cast.member).get("/search/?q=olg").content.decode()
    assert "Nothing found" in sign_in(cast.outsider).get("/search/?q=olg").content.decode()
    for query in ("%25", "'; DROP TABLE x; --", "\u202e", "x" * 500):
        assert sign_in(cast.member).get("/search/", {"q": query}).status_code == 200


def test_large_workspaces_are_shown_in_pages_and_people_named(cast: Cast) -> None:
    people = User.objects.bulk_create(
        User(username=f"p{number:03}", display_name=f"Person {number:03}") for number in range(260)
    )
    WorkspaceMember.objects.bulk_create(WorkspaceMember(workspace=cast.workspace, user=person) for person in people)
    owner = sign_in(cast.owner)
    settings = reverse("chats:workspace_settings", args=[cast.workspace.pk])
    first, last = owner.get(settings).content.decode(), owner.get(settings, {"page": 6}).content.decode()
    assert ("(262)" in first, "Person 259" in first, "Person 259" in last) == (True, False, True)
    assert len(first) < 150_000

    add = reverse("chats:members_add", args=[cast.chat.pk])
    form = owner.get(add).content.decode()
    assert ("Person 000" in form, "Person 259" in form, 'name="usernames"' in form) == (True, False, True)
    refused = owner.post(add, {"usernames": "@p259 @nobody-here @otto"})
    assert refused.status_code == 422
    assert "nobody-here, otto" in refused.content.decode()
    owner.post(add, {"usernames": "@P259, p258", "user_ids": [str(people[0].pk)]})
    assert cast.chat.memberships.count() == 5
    direct = reverse("chats:create_direct", args=[cast.workspace.pk])
    assert owner.post(direct, {"usernames": "p259 p258"}).status_code == 422
    assert owner.post(direct, {"usernames": " "}).status_code == 422
    assert owner.post(direct, {"usernames": "p259"}).status_code == 302
