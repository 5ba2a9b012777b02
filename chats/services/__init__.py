"""Writes: one keyword-only function each. It validates, saves, publishes after the commit, and returns.

A service finds what it changes through the membership of the `user` who asks, which is the permission. Rows are locked
in this order: workspace, its memberships, chat (by id), message, user. Decisions are made on what is read under the
lock.
"""

from chats.services.after_restore import bump_revisions
from chats.services.blocks import block_user, unblock_user
from chats.services.chats import (
    add_chat_members,
    change_own_settings,
    close_chat,
    create_chat,
    delete_chat,
    remove_chat_member,
    rename_chat,
    reopen_chat,
)
from chats.services.deletion import purge_some
from chats.services.messages.changes import delete_message, edit_message, mark_read, preview_message
from chats.services.messages.notifications import mark_notifications_read
from chats.services.messages.posting import Posted, post_message
from chats.services.messages.rendering import render_batch
from chats.services.moderation import (
    moderate_add_chat_member,
    moderate_add_workspace_member,
    moderate_change_role,
    moderate_close_chat,
    moderate_delete_chat,
    moderate_delete_message,
    moderate_delete_workspace,
    moderate_remove_chat_member,
    moderate_remove_workspace_member,
    moderate_rename_chat,
    moderate_rename_workspace,
    moderate_reopen_chat,
)
from chats.services.workspaces.invitations import (
    accept_invitation,
    accept_invite,
    add_workspace_member,
    cancel_all_invitations,
    cancel_invitation,
    create_invite,
    decline_invitation,
    revoke_all_invites,
    revoke_invite,
)
from chats.services.workspaces.workspaces import (
    change_role,
    create_workspace,
    delete_workspace,
    remove_workspace_member,
    rename_workspace,
)

__all__ = [
    "Posted",
    "accept_invitation",
    "accept_invite",
    "add_chat_members",
    "add_workspace_member",
    "block_user",
    "bump_revisions",
    "cancel_all_invitations",
    "cancel_invitation",
    "change_own_settings",
    "change_role",
    "close_chat",
    "create_chat",
    "create_invite",
    "create_workspace",
    "decline_invitation",
    "delete_chat",
    "delete_message",
    "delete_workspace",
    "edit_message",
    "mark_notifications_read",
    "mark_read",
    "moderate_add_chat_member",
    "moderate_add_workspace_member",
    "moderate_change_role",
    "moderate_close_chat",
    "moderate_delete_chat",
    "moderate_delete_message",
    "moderate_delete_workspace",
    "moderate_remove_chat_member",
    "moderate_remove_workspace_member",
    "moderate_rename_chat",
    "moderate_rename_workspace",
    "moderate_reopen_chat",
    "post_message",
    "preview_message",
    "purge_some",
    "remove_chat_member",
    "remove_workspace_member",
    "rename_chat",
    "rename_workspace",
    "render_batch",
    "reopen_chat",
    "revoke_all_invites",
    "revoke_invite",
    "unblock_user",
]
