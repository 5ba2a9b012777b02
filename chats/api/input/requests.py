"""Bodies and query parameters of the endpoints.

Each field is checked by itself; services check what concerns several fields or rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from chats.api.input.fields import (
    DIRECT_KIND,
    MAX_COUNTER,
    TITLED_KINDS,
    BodyBoolean,
    BodyInteger,
    IdField,
    OneOf,
    QueryBoolean,
    QueryInteger,
    TextField,
    TypedText,
)
from chats.api.input.pagination import PageQuery
from chats.models import (
    BODY_MAX_LENGTH,
    CHAT_MEMBERS_PER_CALL,
    INVITE_DAYS,
    INVITE_DAYS_MAX,
    INVITE_USES_MAX,
    NAME_MAX_LENGTH,
    TITLE_MAX_LENGTH,
    ChatKind,
    Role,
)
from chats.payload_types import INVITE_ROLES

SEARCH_MAX_LENGTH = 100
USERNAME_MAX_LENGTH = 40
NOTIFICATIONS_PER_CALL = 500


# A body with at least one of the fields `needs_one`. (No docstring, because the document would repeat it.)
class NeedsOne(serializers.Serializer[Any]):
    needs_one: ClassVar[tuple[str, ...]]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return `attrs`; raises ValidationError where all of the fields are missing."""
        if not any(name in attrs for name in self.needs_one):
            raise serializers.ValidationError({self.needs_one[0]: f"Give {' or '.join(self.needs_one)}."})
        return attrs


# A body in which no other name may stand, so that nobody takes for done what this version does not know. (No docstring,
# as above.)
class KnownOnly(serializers.Serializer[Any]):
    def to_internal_value(self, data: Any) -> Any:
        """Return the checked fields; raises ValidationError."""
        unknown = set(data) - set(self.fields) if isinstance(data, Mapping) else set()
        if unknown:
            raise serializers.ValidationError(dict.fromkeys(sorted(unknown)[:10], "There is no such setting."))
        return super().to_internal_value(data)


class UserQuery(PageQuery):
    search = TextField(
        longest=SEARCH_MAX_LENGTH,
        required_text=False,
        required=False,
        help_text="Words of the name or username, or their beginnings, in any order.",
    )


class ChatQuery(PageQuery):
    workspace = IdField(required=False)
    kind = OneOf(choices=ChatKind.choices, required=False)


class MessageQuery(serializers.Serializer[Any]):
    before = QueryInteger(
        required=False, min_value=0, max_value=MAX_COUNTER, help_text="The latest messages with a smaller `seq`."
    )
    after = QueryInteger(
        required=False, min_value=0, max_value=MAX_COUNTER, help_text="The first messages with a larger `seq`."
    )
    limit = QueryInteger(
        required=False,
        min_value=1,
        help_text="Messages on a page, which are fewer where they are long; more than 100 are cut to 100.",
    )


class ChangesQuery(serializers.Serializer[Any]):
    since = QueryInteger(min_value=0, max_value=MAX_COUNTER, help_text="The revision that the client has seen.")


class NotificationQuery(PageQuery):
    unread = QueryBoolean(required=False, default=False, help_text="Only those that were not read.")


class SearchQuery(serializers.Serializer[Any]):
    q = TextField(longest=SEARCH_MAX_LENGTH, help_text="Words, or their beginnings, in any order.")
    workspace = IdField(required=False)


class WorkspaceWrite(serializers.Serializer[Any]):
    name = TextField(longest=NAME_MAX_LENGTH, line=True)


class WorkspaceMemberCreate(NeedsOne):
    """Somebody named by `user_id` or by `username`."""

    needs_one = ("user_id", "username")
    user_id = IdField(required=False)
    username = TextField(longest=USERNAME_MAX_LENGTH, required=False)
    role = OneOf(choices=Role.choices, required=False, default=Role.MEMBER)


class RoleWrite(serializers.Serializer[Any]):
    role = OneOf(choices=Role.choices)


class InviteCreate(serializers.Serializer[Any]):
    role = OneOf(choices=INVITE_ROLES, required=False, default=Role.MEMBER)
    days = BodyInteger(required=False, default=INVITE_DAYS, min_value=1, max_value=INVITE_DAYS_MAX)
    max_uses = BodyInteger(required=False, default=None, allow_null=True, min_value=1, max_value=INVITE_USES_MAX)


class ChatCreate(serializers.Serializer[Any]):
    """A chat of any kind: `title` is for all kinds but `direct`, which has exactly one other member instead."""

    workspace_id = IdField()
    kind = OneOf(choices=ChatKind.choices)
    title = TypedText(required=False, default="")
    member_ids = serializers.ListField(
        child=IdField(), required=False, default=list, max_length=CHAT_MEMBERS_PER_CALL, allow_empty=True
    )


class TitledChatCreate(serializers.Serializer[Any]):
    """Describes ChatCreate for chats with a title."""

    workspace_id = IdField()
    kind = OneOf(choices=TITLED_KINDS)
    title = TextField(longest=TITLE_MAX_LENGTH, line=True)
    member_ids = serializers.ListField(child=IdField(), required=False, max_length=CHAT_MEMBERS_PER_CALL)


class DirectChatCreate(serializers.Serializer[Any]):
    """Describes ChatCreate for a chat of two."""

    workspace_id = IdField()
    kind = OneOf(choices=DIRECT_KIND)
    member_ids = serializers.ListField(child=IdField(), min_length=1, max_length=1)


class ChatWrite(serializers.Serializer[Any]):
    title = TextField(longest=TITLE_MAX_LENGTH, line=True)


class ChatSettingsWrite(KnownOnly):
    is_favourite = BodyBoolean(required=False)


class ChatMembersCreate(NeedsOne):
    """People named by `user_ids`, or one by `user_id`."""

    needs_one = ("user_ids", "user_id")
    user_ids = serializers.ListField(child=IdField(), required=False, min_length=1, max_length=CHAT_MEMBERS_PER_CALL)
    user_id = IdField(required=False)


class MessageCreate(serializers.Serializer[Any]):
    # The service checks it, because a repeated `client_id` returns the first message whatever the body.
    body = TypedText(longest=BODY_MAX_LENGTH)
    client_id = IdField(
        required=False, allow_null=True, help_text="The idempotency key; the server makes one if need be."
    )
    reply_to = IdField(required=False, default=None, allow_null=True)


class MessageWrite(serializers.Serializer[Any]):
    body = TypedText(longest=BODY_MAX_LENGTH)


class ReadWrite(serializers.Serializer[Any]):
    seq = BodyInteger(min_value=0, max_value=MAX_COUNTER)


@extend_schema_serializer(component_name="NotificationsRead")
class NotificationsReadBody(NeedsOne):
    """Some by `ids`, or with `all` all."""

    needs_one = ("ids", "all")
    ids = serializers.ListField(child=IdField(), required=False, max_length=NOTIFICATIONS_PER_CALL)
    all = BodyBoolean(required=False)
