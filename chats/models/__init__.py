"""Tables and constraints, a module for each concern; everybody imports from here."""

from chats.models.blocks import Block
from chats.models.chats import (
    CHAT_MEMBERS_PER_CALL,
    FAR_BEHIND,
    TITLE_MAX_LENGTH,
    Chat,
    ChatKind,
    ChatMember,
    direct_key,
)
from chats.models.fields import SHOWN_HTML_BYTES, Role
from chats.models.invitations import (
    INVITE_DAYS,
    INVITE_DAYS_MAX,
    INVITE_USES_MAX,
    WorkspaceDeparture,
    WorkspaceInvitation,
    WorkspaceInvite,
    new_invite_token,
)
from chats.models.messages import BODY_MAX_LENGTH, Mention, Message
from chats.models.notifications import Notification
from chats.models.search import WORDS_TABLE, SearchEntry, SearchProgress
from chats.models.workspaces import NAME_MAX_LENGTH, Workspace, WorkspaceMember

__all__ = [
    "BODY_MAX_LENGTH",
    "CHAT_MEMBERS_PER_CALL",
    "FAR_BEHIND",
    "INVITE_DAYS",
    "INVITE_DAYS_MAX",
    "INVITE_USES_MAX",
    "NAME_MAX_LENGTH",
    "SHOWN_HTML_BYTES",
    "TITLE_MAX_LENGTH",
    "WORDS_TABLE",
    "Block",
    "Chat",
    "ChatKind",
    "ChatMember",
    "Mention",
    "Message",
    "Notification",
    "Role",
    "SearchEntry",
    "SearchProgress",
    "Workspace",
    "WorkspaceDeparture",
    "WorkspaceInvitation",
    "WorkspaceInvite",
    "WorkspaceMember",
    "direct_key",
    "new_invite_token",
]
