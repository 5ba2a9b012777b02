"""The shapes of what clients are sent: the one source of the code's types, the OpenAPI and the AsyncAPI document.

Keys are those of docs/api.md. `chats/payloads.py` makes the values.
"""

from __future__ import annotations

from typing import Annotated, NotRequired, TypedDict

from msgspec import Meta

from chats.models import ChatKind, Notification, Role
from chats.selectors.unread import UNREAD_MAX


def one_of(choices: list[tuple[str, str]]) -> Meta:
    """Return what restricts a text to the values of `choices`, each with its label."""
    return Meta(extra_json_schema={"enum": [value for value, _label in choices]}, extra={"choices": choices})


Id = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
Url = Annotated[str, Meta(extra_json_schema={"format": "uri"})]
Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]  # RFC 3339 in UTC, with milliseconds
Counter = Annotated[int, Meta(ge=0)]
INVITE_ROLES = [(str(role.value), role.label) for role in (Role.ADMIN, Role.MEMBER)]
CHANGE_TYPES = [(kind, kind) for kind in ("chat.message.posted", "chat.message.edited", "chat.message.deleted")]

_Unread = Annotated[
    int,
    Meta(
        ge=0,
        le=UNREAD_MAX,
        description=f"Messages after `last_read_seq` that still stand; {UNREAD_MAX} means so many or more.",
    ),
]
_Mentions = Annotated[Counter, Meta(description="Unread messages that mention the caller.")]
_Favourite = Annotated[bool, Meta(description="Whether the caller has marked the chat as a favourite.")]
_Role = Annotated[str, one_of(Role.choices)]


# --- People and workspaces ----------------------------------------------------------------------


class UserPayload(TypedDict):
    id: Id
    username: str
    display_name: str


class UserStatePayload(UserPayload):
    """Somebody as their colleagues see them; `is_bot` is false for everybody so far."""

    is_bot: bool


class MePayload(UserPayload):
    email: str


class BlockPayload(UserPayload):
    blocked_at: Time


class WorkspaceNamePayload(TypedDict):
    id: Id
    name: str


class WorkspacePayload(WorkspaceNamePayload):
    created_at: Time
    role: Annotated[_Role, Meta(description="The caller's.")]


class MemberPayload(TypedDict):
    user_id: Id
    username: str
    display_name: str
    joined_at: Time


class WorkspaceMemberPayload(MemberPayload):
    role: _Role


class RolePayload(TypedDict):
    user_id: Id
    username: str
    display_name: str
    role: _Role


class InvitationPayload(TypedDict):
    """What somebody is asked: to join a workspace."""

    id: Id
    workspace: WorkspaceNamePayload
    invited_by: UserPayload
    role: _Role
    created_at: Time
    expires_at: Time


class SentInvitationPayload(InvitationPayload):
    """What somebody is asked: to join a workspace."""

    username: Annotated[str, Meta(description="As it was typed; empty where somebody was named by id.")]


class InvitePayload(TypedDict):
    id: Id
    workspace_id: Id
    token: str
    role: Annotated[str, one_of(INVITE_ROLES)]
    created_at: Time
    expires_at: Time
    max_uses: Counter | None
    use_count: Counter


# --- Chats and messages -------------------------------------------------------------------------


class ChatPayload(TypedDict):
    id: Id
    workspace_id: Id
    kind: Annotated[str, one_of(ChatKind.choices)]
    title: Annotated[str, Meta(description="Empty for a direct chat.")]
    label: Annotated[str, Meta(description='What to show: "Task: Update documentation", or the other\'s name.')]
    created_by: Id | None
    created_at: Time
    last_message_at: Time | None
    closed_at: Time | None
    seq: Annotated[Counter, Meta(description="The last message's.")]
    revision: Counter


class ChatCreatedPayload(ChatPayload):
    """A chat as it comes to the list of one of its members."""

    is_favourite: _Favourite


class ViewerChatPayload(ChatPayload):
    """A chat as the caller sees it."""

    last_read_seq: Counter
    unread_count: _Unread
    mention_count: _Mentions
    is_favourite: _Favourite
    peer: Annotated[UserPayload | None, Meta(description="The other person of a direct chat.")]


class MessagePayload(TypedDict):
    id: Id
    chat_id: Id
    seq: Annotated[Counter, Meta(description="Its place in the chat: 1, 2, 3 …; never changes.")]
    revision: Annotated[Counter, Meta(description="The chat's revision that its last change made.")]
    author: UserPayload
    body: Annotated[str, Meta(description="Markdown, as it was typed; empty once deleted.")]
    html: Annotated[str, Meta(description="The body as safe HTML.")]
    mentions: Annotated[list[Id], Meta(description="Those whom it mentions, but for quotes: in order, each once.")]
    reply_to: Id | None
    client_id: Id
    created_at: Time
    edited_at: Time | None
    deleted_at: Time | None


class ChatSettingsPayload(TypedDict):
    """What one member's own is in a chat."""

    is_favourite: _Favourite
    last_read_seq: Counter


class ReadStatePayload(TypedDict):
    chat_id: Id
    last_read_seq: Counter
    unread_count: _Unread
    mention_count: _Mentions


class ChangePayload(TypedDict):
    """The event that the socket's catch-up would send."""

    type: Annotated[str, one_of(CHANGE_TYPES)]
    chat_id: Id
    data: MessagePayload


class ChangesPayload(TypedDict):
    revision: Annotated[Counter, Meta(description="The client's position from now on.")]
    reset: Annotated[bool, Meta(description="Too much changed, or `since` is ahead of the chat: load it again.")]
    more: NotRequired[
        Annotated[
            bool,
            Meta(
                description="There, and true, where the answer ends before its changes do: ask again, since `revision`."
            ),
        ]
    ]
    results: list[ChangePayload]


class NotificationPayload(TypedDict):
    id: Id
    kind: Annotated[str, one_of(Notification.Kind.choices)]
    actor: UserPayload | None
    workspace_id: Id
    chat_id: Annotated[Id | None, Meta(description="Null for an invitation.")]
    chat_label: Annotated[str, Meta(description="What to call the chat; for an invitation the workspace's name.")]
    message_id: Id | None
    seq: Counter | None
    excerpt: str
    created_at: Time
    read_at: Time | None


class UnreadNotificationsPayload(TypedDict):
    unread_count: Counter


class AddedMembersPayload(TypedDict):
    results: list[MemberPayload]


class SearchResultsPayload(TypedDict):
    messages: list[MessagePayload]
    chats: list[ViewerChatPayload]
    people: list[UserPayload]


# --- Refusals, and pages of lists ---------------------------------------------------------------


class ErrorPayload(TypedDict):
    """A refusal; where single fields are wrong, each is there under its name with a list of sentences."""

    detail: Annotated[str, Meta(description="For people.")]
    code: Annotated[str, Meta(description="For programs; never changes.")]


class RateErrorPayload(ErrorPayload):
    """A refusal; where single fields are wrong, each is there under its name with a list of sentences."""

    retry_after: NotRequired[Annotated[int, Meta(ge=1, description="Seconds.")]]


class PagePayload(TypedDict):
    next: Annotated[Url | None, Meta(description="The page after this one.")]
    previous: Annotated[Url | None, Meta(description="The page before this one.")]


class WorkspacePagePayload(PagePayload):
    results: list[WorkspacePayload]


class WorkspaceMemberPagePayload(PagePayload):
    results: list[WorkspaceMemberPayload]


class InvitePagePayload(PagePayload):
    results: list[InvitePayload]


class InvitationPagePayload(PagePayload):
    results: list[InvitationPayload]


class SentInvitationPagePayload(PagePayload):
    results: list[SentInvitationPayload]


class BlockPagePayload(PagePayload):
    results: list[BlockPayload]


class UserPagePayload(PagePayload):
    results: list[UserPayload]


class ChatPagePayload(PagePayload):
    results: list[ViewerChatPayload]


class MemberPagePayload(PagePayload):
    results: list[MemberPayload]


class MessagePagePayload(PagePayload):
    """Messages in order of `seq`; `next` are newer ones, `previous` older ones."""

    results: list[MessagePayload]


class NotificationPagePayload(PagePayload):
    results: list[NotificationPayload]
    unread_count: Annotated[Counter, Meta(description="All that were not read, not only this page's.")]
