"""The endpoint that tells who of a chat's members is online."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from chats.api.base import ApiView
from chats.api.document.schema import reads
from chats.api.input.fields import QueryIds
from chats.selectors.access import access_chat
from presence.exceptions import RegistryUnavailable
from presence.selectors import MemberPresencePayload, presence_payload, read_presence

ROWS_MAX = 1_000
IDS_MAX = 200


class Disabled(APIException):
    """Presence is switched off, for everybody."""

    status_code = 404
    default_code = "disabled"
    default_detail = _("Presence is switched off.")


class Unavailable(APIException):
    """It is not known who is online."""

    status_code = 503
    default_code = "unavailable"
    default_detail = _("It is not known now who is online. Try again in a second.")
    wait = 1  # seconds, for Retry-After


class PresenceQuery(serializers.Serializer[Any]):
    user_ids = QueryIds(most=IDS_MAX, required=False, help_text="Only these members; ids with commas between them.")


class ChatPresenceList(ApiView):
    @reads("getChatPresence", list[MemberPresencePayload], ids=("chat_id",), query=PresenceQuery, refuses=[503])
    def get(self, request: Request, chat_id: UUID) -> Response:
        """Who of a chat's members is online: they come first, then by name.

        A plain list of at most 1,000 members, without pages. The headers `X-Total-Count` and `X-Online-Count` say how
        many members there are, and how many of them are online. 404 with the code `disabled` where presence is
        switched off; 503 while it is not known who is online, which is not to say that they are offline.
        """
        query = self.read_query(PresenceQuery)
        chat = access_chat(self.user, chat_id).chat
        if not settings.FLOWRA_PRESENCE_ENABLED:
            raise Disabled
        try:
            presence = read_presence(chat)
        except RegistryUnavailable as error:
            raise Unavailable from error
        wanted = query.get("user_ids")
        members = presence.members if wanted is None else presence.among(wanted)
        counts = {"X-Total-Count": str(len(presence.members)), "X-Online-Count": str(presence.online_count)}
        return Response([presence_payload(member) for member in members[:ROWS_MAX]], headers=counts)
