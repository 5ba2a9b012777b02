"""Actions of a member, a line each, which test_interleavings.py runs while somebody is removed."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from chats import services
from chats.models import (
    Block,
    Chat,
    ChatMember,
    Mention,
    Message,
    Notification,
    Role,
    Workspace,
    WorkspaceDeparture,
    WorkspaceInvitation,
    WorkspaceInvite,
    WorkspaceMember,
    direct_key,
)
from flowra.accounts.models import User
from flowra.accounts.services import deactivate_user

WRITTEN = uuid4()  # the `client_id` of a message that is there already


class World:
    """A workspace whose member Mika, an admin and the maker of a chat, is about to be removed.

    Olga owns it and is in the chat. Nils is in the chat, Tara only in the workspace. Otto is outside and
    invited by Mika, Uma outside.
    """

    def __init__(self) -> None:
        self.number = number = uuid4().hex[:12]
        names = ("olga", "mika", "nils", "tara", "otto", "uma")
        people = [User(username=f"{name}-{number}", display_name=name.capitalize()) for name in names]
        self.olga, self.mika, self.nils, self.tara, self.otto, self.uma = people
        self.names = dict(zip([person.pk for person in people], names, strict=True))
        get_user_model().objects.bulk_create(people)
        self.workspace = Workspace.objects.create(name="Acme", created_by=self.olga)
        roles = {self.olga: Role.OWNER, self.mika: Role.ADMIN, self.nils: Role.MEMBER, self.tara: Role.MEMBER}
        WorkspaceMember.objects.bulk_create(
            [WorkspaceMember(workspace=self.workspace, user=person, role=role) for person, role in roles.items()]
        )
        self.chat = self._make_chat("Docs", self.mika, [self.olga, self.mika, self.nils])
        self.side = self._make_chat("Side", self.olga, [self.olga, self.tara])
        self.direct = self._make_chat(
            "", self.olga, [self.olga, self.mika], kind="direct", direct_key=direct_key(self.olga.pk, self.mika.pk)
        )
        self.mine = self._write(self.mika, 1, "first", WRITTEN)
        self.theirs = self._write(self.olga, 2, f"second, @{self.mika.username}", uuid4())
        Mention.objects.create(message=self.theirs, user=self.mika)
        ChatMember.objects.filter(chat=self.chat, user=self.mika).update(last_read_seq=1, mention_count=1)
        Notification.objects.create(
            user=self.mika, kind="mention", actor=self.olga, chat=self.chat, message=self.theirs
        )
        soon = {"expires_at": timezone.now() + datetime.timedelta(days=1)}
        self.link = WorkspaceInvite.objects.create(workspace=self.workspace, created_by=self.mika, role="admin", **soon)
        self.invitation = WorkspaceInvitation.objects.create(
            workspace=self.workspace, user=self.otto, invited_by=self.mika, **soon
        )

    def _make_chat(self, title: str, maker: User, people: list[User], **more: Any) -> Chat:
        counters = {} if more else {"seq": 2, "revision": 2}
        fields = {"kind": "task", **counters, **more}
        chat = Chat.objects.create(workspace=self.workspace, title=title, created_by=maker, **fields)
        ChatMember.objects.bulk_create([ChatMember(chat=chat, user=person) for person in people])
        return chat

    def _write(self, author: User, number: int, body: str, client_id: UUID) -> Message:
        place = {"seq": number, "revision": number, "posted_revision": number, "chat": self.chat}
        return Message.objects.create(author=author, body=body, client_id=client_id, **place)

    def post(self, user: User, body: str, *, chat: Chat | None = None, **more: Any) -> Message:
        """Post to the chat, or another one."""
        fields = {"client_id": uuid4(), **more}
        return services.post_message(user=user, chat_id=(chat or self.chat).pk, body=body, **fields).message

    def outcome(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return all that there is, in words that are the same in each world."""
        chats = Chat.with_deleted.filter(workspace=self.workspace)
        kept = Chat.objects.filter(workspace=self.workspace)
        inside = {"workspace": self.workspace}
        people = list(self.names)
        found: dict[str, Any] = {
            "workspace": Workspace.objects.filter(pk=self.workspace.pk).values_list("name"),
            "people": User.objects.filter(pk__in=people).values_list("pk", "is_active"),
            "members": WorkspaceMember.objects.filter(**inside).values_list("user", "role"),
            "chats": kept.values_list("title", "kind", "created_by", "closed_at", "seq", "revision", "access_version"),
            "in chats": ChatMember.objects.filter(chat__in=chats).values_list(
                "chat__title", "user", "last_read_seq", "mention_count", "hidden_at", "is_favourite"
            ),
            "messages": Message.objects.filter(chat__in=kept).values_list("author", "seq", "revision", "body"),
            # What is left of a deleted chat goes some time later.
            "notifications": Notification.objects.filter(
                Q(chat__isnull=True) | Q(chat__in=kept), user__in=people
            ).values_list("user", "kind", "actor", "chat__title", "read_at"),
            "links": WorkspaceInvite.objects.filter(**inside).values_list("created_by", "role", "use_count"),
            "invitations": WorkspaceInvitation.objects.filter(**inside).values_list(
                "user", "invited_by", "role", "ended_at"
            ),
            "departures": WorkspaceDeparture.objects.filter(**inside).values_list("user", "refused_at", "removed_at"),
            "blocks": Block.objects.filter(blocker__in=people).values_list("blocker", "blocked"),
        }
        return {name: sorted(tuple(map(self._in_words, row)) for row in rows) for name, rows in found.items()}

    def _in_words(self, value: Any) -> str:
        if isinstance(value, UUID):
            return self.names.get(value, "somebody")
        if isinstance(value, datetime.datetime):
            return "some time"
        return "" if value is None else str(value).replace(self.number, "")

    def is_rid_of_mika(self) -> bool:
        """Whether Mika is in no chat of a workspace that they are not in."""
        inside = WorkspaceMember.objects.filter(workspace=self.workspace, user=self.mika).exists()
        return inside or not ChatMember.objects.filter(chat__workspace=self.workspace, user=self.mika).exists()


@dataclasses.dataclass(frozen=True, slots=True)
class Doing:
    """Something that is done in a world; `name` is what tests are called by.

    With `any_order` it may come out as if it had been done before what was in fact committed first: it changes nothing
    that the other would have kept it from.
    """

    name: str
    do: Callable[[World], object]
    any_order: bool = False

    @property
    def is_about_the_chat(self) -> bool:
        """Whether it is tried with removals from the chat alone, too; the rest is about the workspace."""
        return "chat" in self.name or self.name in ABOUT_THE_CHAT


def _chat(do: Callable[..., object], who: str, **more: Any) -> Callable[[World], object]:
    return lambda world: do(user=getattr(world, who), chat_id=world.chat.pk, **_of(world, more))


def _space(do: Callable[..., object], who: str, **more: Any) -> Callable[[World], object]:
    return lambda world: do(user=getattr(world, who), workspace_id=world.workspace.pk, **_of(world, more))


def _of(world: World, fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value(world) if callable(value) else value for name, value in fields.items()}


def _id(name: str) -> Callable[[World], UUID]:
    return lambda world: getattr(world, name).pk


def _ids(*names: str) -> Callable[[World], list[UUID]]:
    return lambda world: [getattr(world, name).pk for name in names]


def _post(who: str, body: str = "late", chat: str = "chat", **more: Any) -> Callable[[World], object]:
    return lambda world: world.post(
        getattr(world, who), body.format(world), chat=getattr(world, chat), **_of(world, more)
    )


ABOUT_THE_CHAT = {
    *("posts", "posts once more", "answers and mentions", "edits", "deletes a message", "deletes another's message"),
    *("reads", "adds themselves", "adds others", "is added once more", "is mentioned", "is answered"),
    *("has a mention deleted", "has a mention edited", "is removed twice", "marks a favourite"),
}

# Who is removed, how. The last ones end what Mika may do, but not that they are there.
REMOVALS = [
    Doing("removed from the chat", _chat(services.remove_chat_member, "olga", user_id=_id("mika"))),
    Doing("removed from the workspace", _space(services.remove_workspace_member, "olga", member_id=_id("mika"))),
    Doing("leaves the chat", _chat(services.remove_chat_member, "mika", user_id=_id("mika"))),
    Doing("leaves the workspace", _space(services.remove_workspace_member, "mika", member_id=_id("mika"))),
    Doing("made a plain member", _space(services.change_role, "olga", member_id=_id("mika"), role="member")),
    Doing("deactivated", transaction.atomic(lambda world: deactivate_user(world.mika)), any_order=True),
    Doing("blocked", lambda world: services.block_user(user=world.olga, user_id=world.mika.pk), any_order=True),
    Doing("chat deleted", _chat(services.delete_chat, "olga")),
    Doing("workspace deleted", _space(services.delete_workspace, "olga")),
]

# What Mika does meanwhile.
BY_MIKA = [
    Doing("posts", _post("mika")),
    Doing("posts to the direct chat", _post("mika", chat="direct")),
    Doing("posts once more", _post("mika", client_id=WRITTEN), any_order=True),
    Doing("answers and mentions", _post("mika", "@{0.olga.username} @{0.nils.username}", reply_to_id=_id("theirs"))),
    Doing(
        "edits",
        _chat(services.edit_message, "mika", message_id=_id("mine"), body=lambda world: f"@{world.nils.username}"),
    ),
    Doing("deletes a message", _chat(services.delete_message, "mika", message_id=_id("mine"))),
    Doing("deletes another's message", _chat(services.delete_message, "mika", message_id=_id("theirs"))),
    Doing("reads", _chat(services.mark_read, "mika", seq=2)),
    Doing("marks a favourite", _chat(services.change_own_settings, "mika", is_favourite=True)),
    Doing("makes a chat", _space(services.create_chat, "mika", kind="task", title="New", member_ids=_ids("nils"))),
    Doing("makes a direct chat", _space(services.create_chat, "mika", kind="direct", member_ids=_ids("nils"))),
    Doing("finds a direct chat", _space(services.create_chat, "mika", kind="direct", member_ids=_ids("olga"))),
    Doing("hides a direct chat", lambda world: services.delete_chat(user=world.mika, chat_id=world.direct.pk)),
    Doing("renames the chat", _chat(services.rename_chat, "mika", title="Mine")),
    Doing("closes the chat", _chat(services.close_chat, "mika")),
    Doing("deletes the chat", _chat(services.delete_chat, "mika")),
    Doing("adds themselves", _chat(services.add_chat_members, "mika", user_ids=_ids("mika", "tara"))),
    Doing("adds others", _chat(services.add_chat_members, "mika", user_ids=_ids("tara"))),
    Doing("removes others from the chat", _chat(services.remove_chat_member, "mika", user_id=_id("nils"))),
    Doing("leaves the chat, too", _chat(services.remove_chat_member, "mika", user_id=_id("mika"))),
    Doing("leaves the workspace, too", _space(services.remove_workspace_member, "mika", member_id=_id("mika"))),
    Doing("renames the workspace", _space(services.rename_workspace, "mika", name="Mine")),
    Doing("invites", _space(services.add_workspace_member, "mika", member_id=_id("uma"))),
    Doing("makes a link", _space(services.create_invite, "mika", role="admin")),
    Doing("revokes a link", _space(services.revoke_invite, "mika", invite_id=_id("link"))),
    Doing("revokes all links", _space(services.revoke_all_invites, "mika")),
    Doing("takes an invitation back", _space(services.cancel_invitation, "mika", invitation_id=_id("invitation"))),
    Doing("takes all invitations back", _space(services.cancel_all_invitations, "mika")),
    Doing("gives a role", _space(services.change_role, "mika", member_id=_id("nils"), role="admin")),
    Doing("removes others", _space(services.remove_workspace_member, "mika", member_id=_id("nils"))),
    Doing("comes by their own link", lambda world: services.accept_invite(user=world.mika, token=world.link.token)),
    Doing("blocks", lambda world: services.block_user(user=world.mika, user_id=world.olga.pk), any_order=True),
    Doing("reads notifications", lambda world: services.mark_notifications_read(user=world.mika, ids=None)),
]

# What others do meanwhile that is about Mika.
BY_OTHERS = [
    Doing(
        "is added to another chat",
        lambda world: services.add_chat_members(user=world.olga, chat_id=world.side.pk, user_ids=[world.mika.pk]),
    ),
    Doing("is added once more", _chat(services.add_chat_members, "olga", user_ids=_ids("mika"))),
    Doing(
        "is added by staff",
        lambda world: services.moderate_add_chat_member(actor=world.uma, chat_id=world.side.pk, user_id=world.mika.pk),
    ),
    Doing("is in a new chat", _space(services.create_chat, "olga", kind="bug", title="New", member_ids=_ids("mika"))),
    Doing("is in a new direct chat", _space(services.create_chat, "tara", kind="direct", member_ids=_ids("mika"))),
    Doing("is made an owner", _space(services.change_role, "olga", member_id=_id("mika"), role="owner")),
    Doing("is added to the workspace", _space(services.add_workspace_member, "olga", member_id=_id("mika"))),
    Doing(
        "is added to the workspace by staff",
        lambda world: services.moderate_add_workspace_member(
            workspace_id=world.workspace.pk, user_id=world.mika.pk, role="member"
        ),
    ),
    Doing("is mentioned", _post("nils", "@{0.mika.username}")),
    Doing("is answered", _post("nils", reply_to_id=_id("mine"))),
    Doing("is written to", _post("olga", chat="direct")),
    Doing("has a message deleted", _chat(services.delete_message, "olga", message_id=_id("mine"))),
    Doing("has a mention deleted", _chat(services.delete_message, "olga", message_id=_id("theirs"))),
    Doing("has a mention edited", _chat(services.edit_message, "olga", message_id=_id("theirs"), body="no name")),
    Doing("has their link used", lambda world: services.accept_invite(user=world.uma, token=world.link.token)),
    Doing(
        "has their invitation accepted",
        lambda world: services.accept_invitation(user=world.otto, invitation_id=world.invitation.pk),
    ),
    Doing(
        "has their invitation declined",
        lambda world: services.decline_invitation(user=world.otto, invitation_id=world.invitation.pk),
    ),
    Doing("is removed twice", _chat(services.remove_chat_member, "olga", user_id=_id("mika"))),
    Doing(
        "is removed from the workspace, too", _space(services.remove_workspace_member, "olga", member_id=_id("mika"))
    ),
    Doing(
        "is removed by staff, too",
        lambda world: services.moderate_remove_workspace_member(workspace_id=world.workspace.pk, user_id=world.mika.pk),
    ),
    Doing("loses the chat", _chat(services.delete_chat, "olga")),
    Doing("loses the workspace", _space(services.delete_workspace, "olga")),
    Doing("is unblocked", lambda world: services.unblock_user(user=world.olga, user_id=world.mika.pk)),
]
