"""Tables and constraints, a module for each concern; everybody imports from here."""

from chats.models.blocks import Block
from chats.models.chats import FAR_BEHIND, TITLE_MAX_LENGTH, Chat, ChatKind, ChatMember, direct_key
from chats.models.fields import SHOWN_HTML_BYTES
from chats.models.invitations import WorkspaceDeparture, WorkspaceInvitation, WorkspaceInvite, new_invite_token
from chats.models.messages import BODY_MAX_LENGTH, Mention, Message
from chats.models.notifications import Notification
from chats.models.search import SearchEntry, SearchProgress
from chats.models.workspaces import NAME_MAX_LENGTH, Role, Workspace, WorkspaceMember

__all__ = [
    "BODY_MAX_LENGTH",
    "FAR_BEHIND",
    "NAME_MAX_LENGTH",
    "SHOWN_HTML_BYTES",
    "TITLE_MAX_LENGTH",
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
