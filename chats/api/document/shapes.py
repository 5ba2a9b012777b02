"""What the endpoints answer, for the OpenAPI document.

The answers themselves are made by chats/payloads.py; tests/api/document/test_schema.py holds the two together.
"""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from chats.api.input.fields import INVITE_ROLES
from chats.models import ChatKind, Notification, Role
from chats.selectors.unread import UNREAD_MAX

CHANGE_TYPES = [(kind, kind) for kind in ("chat.message.posted", "chat.message.edited", "chat.message.deleted")]


# Describes a payload and is never used to make one. (No docstring: the document would repeat it.)
class Shape(serializers.Serializer[Any]):
    pass


_UNREAD = f"Messages after `last_read_seq` that still stand; {UNREAD_MAX} means so many or more."
_MENTIONED = "Unread messages that mention the caller."


def counter(**kwargs: Any) -> serializers.IntegerField:
    """Return a field for a number that is never negative."""
    return serializers.IntegerField(min_value=0, **kwargs)


class User(Shape):
    id = serializers.UUIDField()
    username = serializers.CharField()
    display_name = serializers.CharField()


class Message(Shape):
    id = serializers.UUIDField()
    chat_id = serializers.UUIDField()
    seq = counter(help_text="Its place in the chat: 1, 2, 3 …; never changes.")
    revision = counter(help_text="The chat's revision that its last change made.")
    author = User()
    body = serializers.CharField(help_text="Markdown, as it was typed; empty once deleted.")
    html = serializers.CharField(help_text="The body as safe HTML.")
    reply_to = serializers.UUIDField(allow_null=True)
    client_id = serializers.UUIDField()
    created_at = serializers.DateTimeField()
    edited_at = serializers.DateTimeField(allow_null=True)
    deleted_at = serializers.DateTimeField(allow_null=True)


class Workspace(Shape):
    id = serializers.UUIDField()
    name = serializers.CharField()
    created_at = serializers.DateTimeField()
    role = serializers.ChoiceField(choices=Role.choices, help_text="The caller's.")


class Chat(Shape):
    """A chat as the caller sees it."""

    id = serializers.UUIDField()
    workspace_id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=ChatKind.choices)
    title = serializers.CharField(help_text="Empty for a direct chat.")
    label = serializers.CharField(  # type: ignore[assignment]  # the base's own `label` is gone once it is a field
        help_text='What to show: "Task: Update documentation", or the other\'s name.'
    )
    created_by = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()
    last_message_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)
    seq = counter(help_text="The last message's.")
    revision = counter()
    last_read_seq = counter()
    unread_count = counter(max_value=UNREAD_MAX, help_text=_UNREAD)
    mention_count = counter(help_text=_MENTIONED)
    peer = User(allow_null=True, help_text="The other person of a direct chat.")


class Member(Shape):
    user_id = serializers.UUIDField()
    username = serializers.CharField()
    display_name = serializers.CharField()
    joined_at = serializers.DateTimeField()


class WorkspaceMember(Member):
    role = serializers.ChoiceField(choices=Role.choices)


class WorkspaceName(Shape):
    id = serializers.UUIDField()
    name = serializers.CharField()


class Invitation(Shape):
    """What somebody is asked: to join a workspace."""

    id = serializers.UUIDField()
    workspace = WorkspaceName()
    invited_by = User()
    role = serializers.ChoiceField(choices=Role.choices)
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class SentInvitation(Invitation):
    username = serializers.CharField(help_text="As it was typed; empty where somebody was named by id.")


class BlockedUser(User):
    blocked_at = serializers.DateTimeField()


class NotificationItem(Shape):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=Notification.Kind.choices)
    actor = User(allow_null=True)
    workspace_id = serializers.UUIDField()
    chat_id = serializers.UUIDField(allow_null=True, help_text="Null for an invitation.")
    chat_label = serializers.CharField(help_text="What to call the chat; for an invitation the workspace's name.")
    message_id = serializers.UUIDField(allow_null=True)
    seq = counter(allow_null=True)
    excerpt = serializers.CharField()
    created_at = serializers.DateTimeField()
    read_at = serializers.DateTimeField(allow_null=True)


class Invite(Shape):
    id = serializers.UUIDField()
    workspace_id = serializers.UUIDField()
    token = serializers.CharField()
    role = serializers.ChoiceField(choices=INVITE_ROLES)
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    max_uses = counter(allow_null=True)
    use_count = counter()


class ReadState(Shape):
    chat_id = serializers.UUIDField()
    last_read_seq = counter()
    unread_count = counter(max_value=UNREAD_MAX, help_text=_UNREAD)
    mention_count = counter(help_text=_MENTIONED)


class Change(Shape):
    """The event that the socket's catch-up would send."""

    type = serializers.ChoiceField(choices=CHANGE_TYPES)
    chat_id = serializers.UUIDField()
    data = Message()  # type: ignore[assignment]  # as `label`


class Changes(Shape):
    revision = counter(help_text="The client's position from now on.")
    reset = serializers.BooleanField(help_text="Too much changed, or `since` is ahead of the chat: load it again.")
    more = serializers.BooleanField(
        required=False,
        help_text="There, and true, where the answer ends before its changes do: ask again, since `revision`.",
    )
    results = Change(many=True)


class UnreadNotifications(Shape):
    unread_count = counter()


class SearchResults(Shape):
    messages = Message(many=True)
    chats = Chat(many=True)
    people = User(many=True)


class AddedMembers(Shape):
    results = Member(many=True)


class Error(Shape):
    """A refusal; where single fields are wrong, each is there under its name with a list of sentences."""

    detail = serializers.CharField(help_text="For people.")
    code = serializers.CharField(help_text="For programs; never changes.")


class RateError(Error):
    retry_after = serializers.IntegerField(required=False, min_value=1, help_text="Seconds.")


class Page(Shape):
    next = serializers.URLField(allow_null=True, help_text="The page after this one.")
    previous = serializers.URLField(allow_null=True, help_text="The page before this one.")


class WorkspacePage(Page):
    results = Workspace(many=True)


class WorkspaceMemberPage(Page):
    results = WorkspaceMember(many=True)


class InvitePage(Page):
    results = Invite(many=True)


class InvitationPage(Page):
    results = Invitation(many=True)


class SentInvitationPage(Page):
    results = SentInvitation(many=True)


class BlockPage(Page):
    results = BlockedUser(many=True)


class UserPage(Page):
    results = User(many=True)


class ChatPage(Page):
    results = Chat(many=True)


class MemberPage(Page):
    results = Member(many=True)


class MessagePage(Page):
    """Messages in order of `seq`; `next` are newer ones, `previous` older ones."""

    results = Message(many=True)


class NotificationPage(Page):
    results = NotificationItem(many=True)
    unread_count = counter(help_text="All that were not read, not only this page's.")
