"""Events made from rows as they are inside the transaction, published after its commit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chats import events
from chats.models import Chat, ChatMember, Message, Workspace, WorkspaceMember
from chats.payloads import (
    chat_created_payload,
    chat_payload,
    chat_settings_payload,
    me_payload,
    member_payload,
    message_payload,
    role_payload,
    user_state_payload,
)
from chats.selectors.unread import unread_count

if TYPE_CHECKING:
    from flowra.accounts.models import User


def message_changed(kind: type[events.MessageChanged], chat: Chat, message: Message) -> None:
    """Publish a message's new state, as an event of this `kind`; needs its `author` loaded."""
    events.publish_on_commit(kind(**_of(chat), revision=message.revision, data=message_payload(message)))


def chat_changed(kind: type[events.ChatChanged], chat: Chat) -> None:
    """Publish a chat's new state, as an event of this `kind`, one that needs no members."""
    events.publish_on_commit(kind(**_of(chat), data=chat_payload(chat)))


def chat_created(chat: Chat, member_ids: Iterable[UUID], labels: Mapping[UUID, str]) -> None:
    """Publish a new chat; for `labels` see ChatCreated."""
    data = chat_created_payload(chat)
    events.publish_on_commit(events.ChatCreated(**_of(chat), data=data, member_ids=tuple(member_ids), labels=labels))


def chats_deleted(chats: Iterable[Chat]) -> None:
    """Publish that chats are deleted, before they are: this reads their members."""
    events.publish_on_commit(
        *(
            events.ChatDeleted(
                **_of(chat),
                data=chat_payload(chat),
                member_ids=tuple(chat.memberships.values_list("user_id", flat=True)),
            )
            for chat in chats
        )
    )


def chat_hidden(membership: ChatMember) -> None:
    """Publish that a member hid a direct chat; needs `chat` loaded."""
    chat = membership.chat
    event = events.DirectChatHidden(chat_id=chat.pk, user_id=membership.user_id, data=chat_payload(chat))
    events.publish_on_commit(event)


def chat_shown(membership: ChatMember, label: str) -> None:
    """Publish that a hidden direct chat is shown again under `label`, and its counts; needs `chat` loaded."""
    chat = membership.chat
    data = chat_created_payload(chat, is_favourite=membership.is_favourite)
    data["label"] = label
    events.publish_on_commit(events.DirectChatShown(chat_id=chat.pk, user_id=membership.user_id, data=data))
    chat_read(membership)


def chat_settings_changed(membership: ChatMember) -> None:
    """Publish to a member's own sockets what they have set for a chat."""
    data = chat_settings_payload(membership)
    event = events.ChatSettingsChanged(chat_id=membership.chat_id, user_id=membership.user_id, data=data)
    events.publish_on_commit(event)


def chat_read(membership: ChatMember) -> None:
    """Publish how much of a chat a member has not read; needs `chat` loaded."""
    chat = membership.chat
    events.publish_on_commit(
        events.ChatRead(
            workspace_id=chat.workspace_id,
            chat_id=chat.pk,
            revision=chat.revision,
            user_id=membership.user_id,
            last_read_seq=membership.last_read_seq,
            unread_count=unread_count(membership),
            mention_count=membership.mention_count,
        )
    )


def members_added(chat: Chat, memberships: Sequence[ChatMember]) -> None:
    """Publish new members; needs `user` loaded."""
    events.publish_on_commit(
        *(events.MemberAdded(**_of(chat), user_id=row.user_id, data=member_payload(row)) for row in memberships)
    )


def member_removed(chat: Chat, membership: ChatMember) -> None:
    """Publish that somebody was removed or left; needs `user` loaded."""
    data = member_payload(membership)
    events.publish_on_commit(events.MemberRemoved(**_of(chat), user_id=membership.user_id, data=data))


def workspace_member_changed(
    kind: type[events.WorkspaceMemberEvent], workspace: Workspace, membership: WorkspaceMember
) -> None:
    """Publish a member's state in a workspace, as an event of this `kind`; needs `user` loaded."""
    events.publish_on_commit(
        kind(
            workspace_id=workspace.pk,
            workspace_name=workspace.name,
            user_id=membership.user_id,
            data=role_payload(membership),
        )
    )


def me_changed(user: User) -> None:
    """Publish a user's own profile to their own sockets."""
    events.publish_on_commit(events.MeChanged(user_id=user.pk, data=me_payload(user)))


def user_changed(user: User) -> None:
    """Publish somebody's new name to everybody they share a workspace with.

    It costs one row, one event for each workspace, and in each server process one query for 500 connected members.
    """
    memberships = WorkspaceMember.objects.order_by("workspace_id").filter(user_id=user.pk)
    workspace_ids = tuple(memberships.values_list("workspace_id", flat=True))
    data = user_state_payload(user)
    events.publish_on_commit(events.UserChanged(user_id=user.pk, workspace_ids=workspace_ids, data=data))


def _of(chat: Chat) -> dict[str, Any]:
    """Return the fields that every event of a chat has."""
    return {"workspace_id": chat.workspace_id, "chat_id": chat.pk, "access_version": chat.access_version}
