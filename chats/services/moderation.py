"""What staff may do to chats and workspaces without being members; open pages follow as with other changes.

The caller has checked that the user is staff, as the admin site does. Beside the errors named, each raises the
DoesNotExist of its model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils.translation import gettext as _

from chats.exceptions import Conflict, NotFound
from chats.models import Chat, ChatKind, ChatMember, Message, Workspace, WorkspaceMember
from chats.services.chats import (
    drop_members,
    ensure_chat_members,
    lock_newcomers,
    request_recheck,
    set_closed,
    set_title,
)
from chats.services.deletion import drop_chats, drop_workspace
from chats.services.messages.changes import empty_message
from chats.services.workspaces.workspaces import (
    drop_workspace_member,
    ensure_workspace_member,
    lock_member,
    set_name,
    set_role,
)

if TYPE_CHECKING:
    from flowra.accounts.models import User


@transaction.atomic
def moderate_delete_message(*, message_id: UUID) -> None:
    """Empty a message; raises Message.DoesNotExist."""
    chat_id = Message.objects.values_list("chat_id", flat=True).get(pk=message_id)
    chat = _lock_chat(chat_id)
    empty_message(chat, Message.objects.select_related("author").get(pk=message_id))


@transaction.atomic
def moderate_rename_chat(*, chat_id: UUID, title: str) -> None:
    """Give a chat another title. Raises Invalid; Conflict for a direct chat."""
    set_title(_lock_chat(chat_id), title)


@transaction.atomic
def moderate_close_chat(*, chat_id: UUID) -> None:
    """Close a chat; raises Chat.DoesNotExist."""
    set_closed(_lock_chat(chat_id), closed=True)


@transaction.atomic
def moderate_reopen_chat(*, chat_id: UUID) -> None:
    """Reopen a chat; raises Chat.DoesNotExist."""
    set_closed(_lock_chat(chat_id), closed=False)


@transaction.atomic
def moderate_delete_chat(*, chat_id: UUID) -> None:
    """Delete a chat and everything in it."""
    drop_chats([_lock_chat(chat_id)])


@transaction.atomic
def moderate_add_chat_member(*, actor: User, chat_id: UUID, user_id: UUID) -> ChatMember:
    """Add a member of the workspace to a chat in the name of `actor`; returns the membership, old or new.

    Raises Invalid where they are not in the workspace; Conflict for a direct chat.
    """
    people = lock_newcomers(Chat.objects.get(pk=chat_id), [user_id])
    return ensure_chat_members(_lock_chat(chat_id), people, actor=actor)[0]


@transaction.atomic
def moderate_remove_chat_member(*, chat_id: UUID, user_id: UUID) -> None:
    """Remove a member from a chat. Raises NotFound; Conflict for a direct chat."""
    chat = _lock_chat(chat_id)
    if chat.kind == ChatKind.DIRECT:
        raise Conflict(_("A direct chat has two members."))
    if not drop_members(chat, user_id=user_id):
        raise NotFound(_("There is no such member."))
    request_recheck(user_id)


@transaction.atomic
def moderate_add_workspace_member(*, workspace_id: UUID, user_id: UUID, role: str) -> WorkspaceMember:
    """Add somebody to a workspace; returns the membership, old or new."""
    workspace = _lock_workspace(workspace_id)
    return ensure_workspace_member(workspace=workspace, person=get_user_model().objects.get(pk=user_id), role=role)[0]


@transaction.atomic
def moderate_change_role(*, workspace_id: UUID, user_id: UUID, role: str) -> WorkspaceMember:
    """Give a member another role. Raises NotFound; Conflict for the last owner."""
    workspace = _lock_workspace(workspace_id)
    return set_role(workspace, lock_member(workspace, user_id), role)


@transaction.atomic
def moderate_remove_workspace_member(*, workspace_id: UUID, user_id: UUID) -> None:
    """Remove a member from a workspace and all its chats. Raises NotFound; Conflict for the last owner."""
    workspace = _lock_workspace(workspace_id)
    drop_workspace_member(workspace, lock_member(workspace, user_id))


@transaction.atomic
def moderate_rename_workspace(*, workspace_id: UUID, name: str) -> None:
    """Rename a workspace. Raises Invalid."""
    set_name(_lock_workspace(workspace_id), name)


@transaction.atomic
def moderate_delete_workspace(*, workspace_id: UUID) -> None:
    """Delete a workspace with all its chats."""
    drop_workspace(_lock_workspace(workspace_id))


def _lock_chat(chat_id: UUID) -> Chat:
    return Chat.objects.select_for_update(no_key=True).get(pk=chat_id)


def _lock_workspace(workspace_id: UUID) -> Workspace:
    return Workspace.objects.select_for_update(no_key=True).get(pk=workspace_id)
