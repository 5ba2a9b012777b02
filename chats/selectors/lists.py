"""Reads. Whatever is fetched for somebody is fetched through their membership, in the same query."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Left
from django.utils import timezone
from django.utils.translation import gettext as _

from chats.exceptions import Forbidden, NotFound
from chats.lib.sql import run
from chats.markdown.plain_text import EXCERPT_SOURCE
from chats.models import (
    Block,
    Chat,
    ChatKind,
    ChatMember,
    Message,
    Notification,
    Role,
    Workspace,
    WorkspaceInvitation,
    WorkspaceInvite,
    WorkspaceMember,
)
from chats.search.messages import search_messages as search_messages  # beside those that find chats and people
from chats.search.names import has_words
from chats.selectors.unread import UnreadCount, with_unread_counts

if TYPE_CHECKING:
    from flowra.accounts.models import User


@dataclasses.dataclass(frozen=True, slots=True)
class UnreadState:
    """How much of one chat one user has not read."""

    user_id: UUID
    chat_id: UUID
    last_read_seq: int
    unread_count: int
    mention_count: int


# --- Access: fetching and permission are one call -----------------------------------------------


def access_workspace(user: User, workspace_id: UUID, *, lock: bool = False) -> WorkspaceMember:
    """Return `user`'s membership with its `workspace`; raises NotFound to anybody else.

    Somebody who was deactivated is anybody else. `lock` holds the workspace's row until the end of the transaction.
    """
    if lock and not _hold(Workspace.objects.filter(pk=workspace_id, memberships__user_id=user.pk)):
        raise NotFound(_("There is no such workspace."))
    try:
        return WorkspaceMember.objects.select_related("workspace").get(
            workspace_id=workspace_id, user_id=user.pk, user__is_active=True
        )
    except WorkspaceMember.DoesNotExist:
        raise NotFound(_("There is no such workspace.")) from None


def access_chat(user: User, chat_id: UUID, *, lock: bool = False) -> ChatMember:
    """Return `user`'s membership with its `chat` and `user` as they are now; raises NotFound to anybody else.

    Somebody who was deactivated is anybody else. `lock` holds the chat's row until the end of the transaction: posts,
    edits, deletions and removals of members take it, and so happen one after the other.
    """
    if lock and not _hold(Chat.objects.filter(pk=chat_id, memberships__user_id=user.pk)):
        raise NotFound(_("There is no such chat."))
    try:
        return ChatMember.objects.select_related("chat", "user").get(
            chat_id=chat_id, user_id=user.pk, user__is_active=True
        )
    except ChatMember.DoesNotExist:
        raise NotFound(_("There is no such chat.")) from None


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """Where a chat stands, as one of its members may know, and how that member is called."""

    revision: int
    access_version: int
    is_direct: bool
    display_name: str


# What `access_chat` reads with the ORM in 0.5 ms; a thousand people who come back at once ask it a thousand times.
_STANDING = """
    SELECT chat.revision, chat.access_version, chat.kind, person.display_name, person.username
    FROM chats_chatmember AS mine
    JOIN chats_chat AS chat ON chat.id = mine.chat_id
    JOIN accounts_user AS person ON person.id = mine.user_id
    WHERE mine.chat_id = %s AND mine.user_id = %s AND person.is_active
"""


def chat_standing(user: User, chat_id: UUID) -> Standing:
    """Return the chat's counters; raises NotFound to whomever `access_chat` does."""
    row = run(_STANDING, chat_id, user.pk)
    if row is None:
        raise NotFound(_("There is no such chat."))
    revision, access_version, kind, display_name, username = row
    return Standing(revision, access_version, kind == ChatKind.DIRECT, display_name or username)


def _hold(rows: QuerySet[Any]) -> bool:
    """Lock the row, before anything about it is read; returns whether there is one.

    Not together with reading: PostgreSQL looks at the joined membership as it was before it waited for the lock, and
    so would let somebody in whom the holder of the lock has just removed.
    """
    return rows.select_for_update(of=("self",), no_key=True).values_list("pk").first() is not None


def access_message(user: User, chat_id: UUID, message_id: UUID) -> Message:
    """Return a message, with its author, of a chat that `user` is in; raises NotFound to anybody else."""
    try:
        return Message.objects.select_related("author", "chat").get(
            pk=message_id, chat_id=chat_id, chat__memberships__user_id=user.pk
        )
    except Message.DoesNotExist:
        raise NotFound(_("There is no such message.")) from None


def may_manage_workspace(membership: WorkspaceMember) -> bool:
    """Whether this member may invite, remove, change roles and rename."""
    return membership.role in (Role.OWNER, Role.ADMIN)


def may_manage_chat(membership: ChatMember) -> bool:
    """Whether this member may rename, close, reopen and delete the chat, and remove others from it.

    Nobody may with a direct chat: it belongs to both.
    """
    chat = membership.chat
    if chat.kind == ChatKind.DIRECT:
        return False
    return chat.created_by_id == membership.user_id or is_workspace_admin(membership.user_id, chat.workspace_id)


def is_workspace_admin(user_id: UUID, workspace_id: UUID) -> bool:
    """Whether the user is owner or admin of the workspace."""
    return WorkspaceMember.objects.filter(
        workspace_id=workspace_id, user_id=user_id, role__in=(Role.OWNER, Role.ADMIN)
    ).exists()


def direct_key(first: UUID, second: UUID) -> str:
    """Return what identifies the direct chat of these two in a workspace."""
    return ":".join(sorted((str(first), str(second))))


def is_blocked_within(chat: Chat) -> bool:
    """Whether `chat` is a direct one and one of its members blocks the other."""
    return (
        chat.kind == ChatKind.DIRECT
        and Block.objects.filter(blocker__chat_memberships__chat=chat, blocked__chat_memberships__chat=chat).exists()
    )


def blocked_pairs(user_ids: Collection[UUID]) -> set[str]:
    """Return the keys of the direct chats of these users of which one blocks the other."""
    rows = Block.objects.filter(Q(blocker_id__in=user_ids) | Q(blocked_id__in=user_ids))
    return {direct_key(*pair) for pair in rows.order_by().values_list("blocker_id", "blocked_id")}


def access_typing(user: User, chat_id: UUID) -> ChatMember:
    """Return the membership of somebody who may type in the chat; raises NotFound, Forbidden (one is blocked)."""
    membership = access_chat(user, chat_id)
    if is_blocked_within(membership.chat):
        raise Forbidden(_("One of you has blocked the other."))
    return membership


# --- Workspaces and people ----------------------------------------------------------------------


def list_workspaces(user: User) -> QuerySet[WorkspaceMember]:
    """Return `user`'s memberships, by the workspaces' names, with `workspace` loaded."""
    return (
        WorkspaceMember.objects.filter(user_id=user.pk)
        .select_related("workspace")
        .order_by("workspace__name_key", "id")
    )


def list_workspace_members(workspace: Workspace) -> QuerySet[WorkspaceMember]:
    """Return the workspace's members, by name, with `user` loaded."""
    return workspace.memberships.select_related("user").order_by("user__name_key", "user_id")


def list_invites(user: User, workspace_id: UUID) -> QuerySet[WorkspaceInvite]:
    """Return the workspace's invites, newest first; raises NotFound, and Forbidden to plain members."""
    membership = access_workspace(user, workspace_id)
    if not may_manage_workspace(membership):
        raise Forbidden(_("Only owners and admins see the invites."))
    return membership.workspace.invites.order_by("-created_at", "-id")


def list_people(user: User, search: str = "", *, workspace_id: UUID | None = None) -> QuerySet[User]:
    """Return the active users who share a workspace, or this one, with `user`, `user` included, by name.

    With `search` those whose name and username have all its words, each by its beginning.
    """
    places = WorkspaceMember.objects.filter(workspace__memberships__user_id=user.pk)
    if workspace_id is not None:
        places = places.filter(workspace_id=workspace_id)
    shared = places.values("user_id")
    people = get_user_model().objects.filter(pk__in=shared, is_active=True)
    if search:
        named = has_words(search, "name_key", "username")
        people = people.none() if named is None else people.filter(named)
    return people.order_by("name_key", "id")


def shared_workspaces(user: User, other_id: UUID) -> set[UUID]:
    """Return the ids of the workspaces that `user` and another are both in; empty for oneself."""
    if user.pk == other_id:
        return set()
    rows = WorkspaceMember.objects.filter(user_id=other_id, workspace__memberships__user_id=user.pk)
    return set(rows.values_list("workspace_id", flat=True))


def invites_by_token(token: str) -> QuerySet[WorkspaceInvite]:
    """Return the invite with this token, a query of one row or none; what no token looks like is not asked for."""
    looks_right = re.fullmatch(r"[A-Za-z0-9_-]+", token) is not None
    return WorkspaceInvite.objects.filter(token=token) if looks_right else WorkspaceInvite.objects.none()


def find_invite(token: str) -> WorkspaceInvite:
    """Return a usable invite with its `workspace` and `created_by`: whoever has the link may see it.

    Raises NotFound where it has expired, is used up, or never was.
    """
    invite = invites_by_token(token).select_related("workspace", "created_by").first()
    if invite is None or not invite.is_usable or not _may_its_maker_invite(invite):
        raise NotFound(_("This invite does not exist, has expired or is used up."))
    return invite


def _may_its_maker_invite(invite: WorkspaceInvite) -> bool:
    return (
        invite.created_by_id is not None
        and WorkspaceMember.objects.filter(
            workspace_id=invite.workspace_id,
            user_id=invite.created_by_id,
            user__is_active=True,
            role__in=(Role.OWNER, Role.ADMIN),
        ).exists()
    )


def list_own_invitations(user: User) -> QuerySet[WorkspaceInvitation]:
    """Return the open invitations to `user`, newest first, with `workspace` and `invited_by`; none of the blocked."""
    return (
        WorkspaceInvitation.objects.filter(user_id=user.pk, invited_by__is_active=True, **_open_invitations())
        .exclude(invited_by__in=Block.objects.filter(blocker_id=user.pk).values("blocked_id"))
        .select_related("workspace", "invited_by")
        .order_by("-created_at", "-id")
    )


def list_invitations(user: User, workspace_id: UUID) -> QuerySet[WorkspaceInvitation]:
    """Return the workspace's open invitations, newest first; raises NotFound, and Forbidden to plain members."""
    if not may_manage_workspace(access_workspace(user, workspace_id)):
        raise Forbidden(_("Only owners and admins see the invitations."))
    rows = WorkspaceInvitation.objects.filter(workspace_id=workspace_id, **_open_invitations())
    return rows.select_related("workspace", "invited_by").order_by("-created_at", "-id")


def _open_invitations(prefix: str = "") -> dict[str, Any]:
    return {f"{prefix}ended_at__isnull": True, f"{prefix}expires_at__gt": timezone.now()}


def list_blocks(user: User) -> QuerySet[Block]:
    """Return whom `user` blocks, the last one first, with `blocked` loaded."""
    return Block.objects.filter(blocker_id=user.pk).select_related("blocked").order_by("-created_at", "-id")


def blockers_of(user_id: UUID, among: Collection[UUID]) -> set[UUID]:
    """Return those of these users who block `user_id`."""
    return set(Block.objects.filter(blocked_id=user_id, blocker_id__in=among).values_list("blocker_id", flat=True))


# --- Chats --------------------------------------------------------------------------------------


def list_chats(
    user: User, *, workspace_id: UUID | None = None, kind: str | None = None, and_hidden: UUID | None = None
) -> QuerySet[ChatMember]:
    """Return `user`'s memberships of chats, oldest chat first, with `chat` loaded; see `peers_of`.

    Without the direct chats that they have taken off their list, but for one, `and_hidden`.
    """
    return _memberships(user, workspace_id=workspace_id, kind=kind).filter(
        Q(hidden_at__isnull=True) if and_hidden is None else Q(hidden_at__isnull=True) | Q(chat_id=and_hidden)
    )


def _memberships(user: User, *, workspace_id: UUID | None, kind: str | None = None) -> QuerySet[ChatMember]:
    rows = with_unread_counts(ChatMember.objects.filter(user_id=user.pk).select_related("chat"))
    if workspace_id is not None:
        rows = rows.filter(chat__workspace_id=workspace_id)
    if kind is not None:
        rows = rows.filter(chat__kind=kind)
    return rows.order_by("chat_id")


def peers_of(memberships: Iterable[ChatMember]) -> Mapping[UUID, User]:
    """Return, by chat id, the other person of each direct chat among `memberships`, in one query."""
    wanted: dict[UUID, UUID] = {}
    for membership in memberships:
        if membership.chat.kind == ChatKind.DIRECT and membership.chat.direct_key:
            first, second = (UUID(part) for part in membership.chat.direct_key.split(":"))
            wanted[membership.chat_id] = second if first == membership.user_id else first
    if not wanted:
        return {}
    people = get_user_model().objects.in_bulk(set(wanted.values()))
    return {chat_id: people[user_id] for chat_id, user_id in wanted.items() if user_id in people}


def list_members(chat: Chat, search: str = "") -> QuerySet[ChatMember]:
    """Return the chat's members, or those whose name has the words of `search`, by name, with `user` loaded."""
    members = chat.memberships.select_related("user").order_by("user__name_key", "user_id")
    if not search:
        return members
    named = has_words(search, "user__name_key", "user__username")
    return members.none() if named is None else members.filter(named)


def list_authors(chat: Chat, user_ids: Collection[UUID]) -> QuerySet[User]:
    """Return those of `user_ids` who have written in the chat, members or not."""
    wrote = Message.objects.filter(chat=chat, author=OuterRef("pk"))
    return get_user_model().objects.order_by().filter(Exists(wrote), pk__in=user_ids)


def members_among(chat_id: UUID, user_ids: Collection[UUID]) -> set[UUID]:
    """Return those of `user_ids` who are members of the chat."""
    return set(ChatMember.objects.filter(chat_id=chat_id, user_id__in=user_ids).values_list("user_id", flat=True))


def workspace_members_among(workspace_id: UUID, user_ids: Collection[UUID]) -> set[UUID]:
    """Return those of `user_ids` who are members of the workspace."""
    rows = WorkspaceMember.objects.order_by().filter(workspace_id=workspace_id, user_id__in=user_ids)
    return set(rows.values_list("user_id", flat=True))


def chat_versions(chat_ids: Collection[UUID]) -> dict[UUID, tuple[int, int]]:
    """Return (revision, access_version) of each of the chats that still exist."""
    rows = Chat.objects.filter(pk__in=chat_ids).values_list("pk", "revision", "access_version")
    return {chat_id: (revision, access_version) for chat_id, revision, access_version in rows}


def unread_counts(chat_ids: Collection[UUID], user_ids: Collection[UUID]) -> list[UnreadState]:
    """Return the counts of these users in these chats, where they are members."""
    rows = ChatMember.objects.filter(chat_id__in=chat_ids, user_id__in=user_ids)
    return [
        UnreadState(*row)
        for row in rows.order_by().values_list("user_id", "chat_id", "last_read_seq", UnreadCount(), "mention_count")
    ]


# --- Messages: one by one; many are read by chats/selectors/history.py -------------------------------------


def find_posted(user: User, chat_id: UUID, client_id: UUID) -> Message | None:
    """Return what `user` posted to the chat under this idempotency key, if anything."""
    return (
        Message.objects.select_related("author").filter(chat_id=chat_id, author_id=user.pk, client_id=client_id).first()
    )


# --- Notifications, and search for chats; messages are found by chats/search/messages.py ---------


def list_notifications(user: User) -> QuerySet[Notification]:
    """Return `user`'s notifications, newest first, with what a payload needs; only of chats they are in.

    Those of invitations are there while these are open. Of the message's body only what `excerpt` needs is loaded, and
    nothing of its HTML.
    """
    in_chat = ChatMember.objects.filter(user_id=user.pk, chat_id=OuterRef("chat_id"))
    invited = list_own_invitations(user).order_by().values("notification_id")
    return (
        Notification.objects.filter(Exists(in_chat) | Q(pk__in=invited), user_id=user.pk)
        .select_related("actor", "chat", "message", "invitation__workspace")
        .defer("message__body", "message__html")
        .annotate(beginning=Left("message__body", EXCERPT_SOURCE))
        .order_by("-created_at", "-id")
    )


def count_unread_notifications(user: User) -> int:
    """Return how many notifications `user` has not read, for the bell."""
    return unread_notification_counts([user.pk]).get(user.pk, 0)


def unread_notification_counts(user_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return how many of the notifications that `list_notifications` lists these users have not read, where any."""
    in_chat = ChatMember.objects.filter(user_id=OuterRef("user_id"), chat_id=OuterRef("chat_id"))
    blocked = Block.objects.filter(blocker_id=OuterRef("user_id"), blocked_id=OuterRef("invited_by_id"))
    invited = WorkspaceInvitation.objects.filter(
        ~Exists(blocked), notification_id=OuterRef("pk"), invited_by__is_active=True, **_open_invitations()
    )
    rows = Notification.objects.filter(Exists(in_chat) | Exists(invited), user_id__in=user_ids, read_at__isnull=True)
    return dict(rows.order_by().values_list("user_id").annotate(Count("pk")))


def search_chats(user: User, query: str, *, workspace_id: UUID | None = None) -> QuerySet[ChatMember]:
    """Return `user`'s memberships of the chats whose title, or whose other person's name, has all words of `query`."""
    rows = _memberships(user, workspace_id=workspace_id)
    titled, named = has_words(query, "chat__title_key"), has_words(query, "user__name_key", "user__username")
    if titled is None or named is None:
        return rows.none()
    peer = ChatMember.objects.filter(named).exclude(user_id=user.pk).values("chat_id")
    return rows.filter(titled | Q(chat__kind=ChatKind.DIRECT, chat_id__in=peer))
