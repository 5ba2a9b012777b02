"""What clients are sent of each model, by REST and by the socket alike; the shapes are in `chats/payload_types.py`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chats.payload_types import (
    BlockPayload,
    ChatCreatedPayload,
    ChatPayload,
    ChatSettingsPayload,
    InvitationPayload,
    InvitePayload,
    MemberPayload,
    MePayload,
    MessagePayload,
    NotificationPayload,
    ReadStatePayload,
    RolePayload,
    SentInvitationPayload,
    UserPayload,
    UserStatePayload,
    ViewerChatPayload,
    WorkspaceMemberPayload,
    WorkspaceNamePayload,
    WorkspacePayload,
)
from chats.selectors.chats import peers_of
from chats.selectors.mentions import find_mentions
from chats.selectors.unread import unread_count

if TYPE_CHECKING:
    from chats.models import (
        Block,
        Chat,
        ChatMember,
        Message,
        Notification,
        Workspace,
        WorkspaceInvitation,
        WorkspaceInvite,
        WorkspaceMember,
    )
    from flowra.accounts.models import User


def time_text(value: datetime) -> str:
    """Return `value` as "2026-11-22T21:00:00.000Z"."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def optional_time_text(value: datetime | None) -> str | None:
    """Return `time_text(value)`, or None for None."""
    return None if value is None else time_text(value)


def user_payload(user: User) -> UserPayload:
    """Return what anybody who shares a workspace may know of `user`."""
    return {"id": str(user.pk), "username": user.username, "display_name": user.get_full_name()}


def message_payload(message: Message) -> MessagePayload:
    """Return `message` as REST and the socket give it; needs `author` loaded.

    Who is mentioned takes a query, unless `find_mentions` was called or nobody is.
    """
    if message.mention_ids is None:
        find_mentions([message])
    return {
        "id": str(message.pk),
        "chat_id": str(message.chat_id),
        "seq": message.seq,
        "revision": message.revision,
        "author": user_payload(message.author),
        "body": message.body,
        "html": message.shown_html,
        "mentions": [str(user_id) for user_id in message.mention_ids or ()],
        "reply_to": None if message.reply_to_id is None else str(message.reply_to_id),
        "client_id": str(message.client_id),
        "created_at": time_text(message.created_at),
        "edited_at": optional_time_text(message.edited_at),
        "deleted_at": optional_time_text(message.deleted_at),
    }


def workspace_payload(membership: WorkspaceMember) -> WorkspacePayload:
    """Return the workspace as this member of it sees it; needs `workspace` loaded."""
    workspace: Workspace = membership.workspace
    return {
        "id": str(workspace.pk),
        "name": workspace.name,
        "created_at": time_text(workspace.created_at),
        "role": membership.role,
    }


def chat_payload(chat: Chat) -> ChatPayload:
    """Return `chat` without anything that differs from member to member."""
    return {
        "id": str(chat.pk),
        "workspace_id": str(chat.workspace_id),
        "kind": chat.kind,
        "title": chat.title,
        "label": str(chat),
        "created_by": None if chat.created_by_id is None else str(chat.created_by_id),
        "created_at": time_text(chat.created_at),
        "last_message_at": optional_time_text(chat.last_message_at),
        "closed_at": optional_time_text(chat.closed_at),
        "seq": chat.seq,
        "revision": chat.revision,
    }


def chat_created_payload(chat: Chat, *, is_favourite: bool = False) -> ChatCreatedPayload:
    """Return `chat` as the frame `chat.created` gives it; a new one is nobody's favourite yet."""
    return {**chat_payload(chat), "is_favourite": is_favourite}


def chat_settings_payload(membership: ChatMember) -> ChatSettingsPayload:
    """Return what this member has set for the chat, and how far they have read it."""
    return {"is_favourite": membership.is_favourite, "last_read_seq": membership.last_read_seq}


def viewer_chat_payload(membership: ChatMember, peer: User | None) -> ViewerChatPayload:
    """Return the chat as this member of it sees it; needs `chat` loaded.

    A direct chat has no title of its own: it is labelled with the name of its `peer`.
    """
    data = chat_payload(membership.chat)
    if peer is not None:
        data["label"] = peer.get_full_name()
    return {
        **data,
        "last_read_seq": membership.last_read_seq,
        "unread_count": unread_count(membership),
        "mention_count": membership.mention_count,
        "is_favourite": membership.is_favourite,
        "peer": None if peer is None else user_payload(peer),
    }


def viewer_chat_payloads(memberships: Sequence[ChatMember]) -> list[ViewerChatPayload]:
    """Return the chats as these memberships' users see them, with one query for all peers."""
    peers = peers_of(memberships)
    return [viewer_chat_payload(membership, peers.get(membership.chat_id)) for membership in memberships]


def read_state_payload(membership: ChatMember) -> ReadStatePayload:
    """Return how far this member has read the chat; needs `chat` loaded."""
    return {
        "chat_id": str(membership.chat_id),
        "last_read_seq": membership.last_read_seq,
        "unread_count": unread_count(membership),
        "mention_count": membership.mention_count,
    }


def member_payload(membership: ChatMember) -> MemberPayload:
    """Return a member of a chat; needs `user` loaded."""
    return {
        "user_id": str(membership.user_id),
        "username": membership.user.username,
        "display_name": membership.user.get_full_name(),
        "joined_at": time_text(membership.created_at),
    }


def workspace_member_payload(membership: WorkspaceMember) -> WorkspaceMemberPayload:
    """Return a member of a workspace; needs `user` loaded."""
    return {
        "user_id": str(membership.user_id),
        "username": membership.user.username,
        "display_name": membership.user.get_full_name(),
        "joined_at": time_text(membership.created_at),
        "role": membership.role,
    }


def notification_payload(notification: Notification) -> NotificationPayload:
    """Return `notification`; needs `actor`, `chat` and `message` loaded, or `beginning` in the place of its body.

    Of an invitation it needs that with its workspace, and as it is about no chat `chat_label` is the workspace's name.
    """
    message, chat = notification.message, notification.chat
    if chat is None:
        workspace = notification.invitation.workspace
        workspace_id, label = workspace.pk, workspace.name
    else:
        workspace_id, label = chat.workspace_id, str(chat)
    return {
        "id": str(notification.pk),
        "kind": notification.kind,
        "actor": None if notification.actor is None else user_payload(notification.actor),
        "workspace_id": str(workspace_id),
        "chat_id": None if chat is None else str(chat.pk),
        "chat_label": label,
        "message_id": None if message is None else str(message.pk),
        "seq": None if message is None else message.seq,
        "excerpt": notification.excerpt,
        "created_at": time_text(notification.created_at),
        "read_at": optional_time_text(notification.read_at),
    }


def invitation_payload(invitation: WorkspaceInvitation) -> InvitationPayload:
    """Return an invitation as the one who is invited sees it; needs `workspace` and `invited_by` loaded."""
    return {
        "id": str(invitation.pk),
        "workspace": {"id": str(invitation.workspace_id), "name": invitation.workspace.name},
        "invited_by": user_payload(invitation.invited_by),
        "role": invitation.role,
        "created_at": time_text(invitation.created_at),
        "expires_at": time_text(invitation.expires_at),
    }


def sent_invitation_payload(invitation: WorkspaceInvitation) -> SentInvitationPayload:
    """Return an invitation as the workspace's admins see it: of the person only what its maker typed."""
    return {**invitation_payload(invitation), "username": invitation.username}


def block_payload(block: Block) -> BlockPayload:
    """Return a block as the one who made it sees it; needs `blocked` loaded."""
    return {**user_payload(block.blocked), "blocked_at": time_text(block.created_at)}


def invite_payload(invite: WorkspaceInvite) -> InvitePayload:
    """Return `invite` as the workspace's admins see it."""
    return {
        "id": str(invite.pk),
        "workspace_id": str(invite.workspace_id),
        "token": invite.token,
        "role": invite.role,
        "created_at": time_text(invite.created_at),
        "expires_at": time_text(invite.expires_at),
        "max_uses": invite.max_uses,
        "use_count": invite.use_count,
    }


def user_state_payload(user: User) -> UserStatePayload:
    """Return what the frame `user.changed` says of `user`."""
    return {**user_payload(user), "is_bot": False}


def me_payload(user: User) -> MePayload:
    """Return what somebody sees of themselves."""
    return {**user_payload(user), "email": user.email}


def workspace_name_payload(workspace: Workspace) -> WorkspaceNamePayload:
    """Return the workspace without what differs from member to member."""
    return {"id": str(workspace.pk), "name": workspace.name}


def role_payload(membership: WorkspaceMember) -> RolePayload:
    """Return a member of a workspace and their role; needs `user` loaded."""
    user = membership.user
    return {
        "user_id": str(user.pk),
        "username": user.username,
        "display_name": user.get_full_name(),
        "role": membership.role,
    }
