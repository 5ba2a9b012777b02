"""Endpoints of messages: read, post, edit, delete, catch up."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

from chats import services
from chats.api.base import ApiView
from chats.api.document.schema import reads, writes
from chats.api.input import requests
from chats.lib.ids import new_id
from chats.limits import count_change, count_post
from chats.models import Chat, Message
from chats.payload_types import ChangePayload, ChangesPayload, MessagePagePayload, MessagePayload, ReadStatePayload
from chats.payloads import message_payload, read_state_payload
from chats.selectors.access import access_chat, access_message
from chats.selectors.mentions import find_mentions
from chats.selectors.messages import PAGE_LIMIT, list_changes, list_messages

_CHAT = ("chat_id",)
_MESSAGE = ("chat_id", "message_id")


class Messages(ApiView):
    @reads(
        "listMessages",
        MessagePagePayload,
        ids=_CHAT,
        query=requests.MessageQuery,
    )
    def get(self, request: Request, chat_id: UUID) -> Response:
        """Messages in order of seq: the latest ones, or those before or after a place."""
        query = self.read_query(requests.MessageQuery)
        query["limit"] = min(query.get("limit", PAGE_LIMIT), PAGE_LIMIT)
        chat = access_chat(self.user, chat_id).chat
        return Response(_page(request, chat, list_messages(chat, **query)))

    @writes(
        "postMessage",
        {201: MessagePayload, 200: MessagePayload},
        ids=_CHAT,
        body=requests.MessageCreate,
        refuses=[409],
    )
    def post(self, request: Request, chat_id: UUID) -> Response:
        """Post a message; 200 with the first one where the client_id was used before."""
        body = self.read_body(requests.MessageCreate)
        count_post(user=self.user, chat_id=chat_id, client_id=body.get("client_id"))
        posted = services.post_message(
            user=self.user,
            chat_id=chat_id,
            body=body["body"],
            client_id=body.get("client_id") or new_id(),
            reply_to_id=body["reply_to"],
        )
        return Response(message_payload(posted.message), status=201 if posted.created else 200)


class MessageDetail(ApiView):
    @reads("getMessage", MessagePayload, ids=_MESSAGE)
    def get(self, request: Request, chat_id: UUID, message_id: UUID) -> Response:
        """A message."""
        return Response(message_payload(access_message(self.user, chat_id, message_id)))

    @writes(
        "editMessage",
        {200: MessagePayload},
        ids=_MESSAGE,
        body=requests.MessageWrite,
        refuses=[409],
    )
    def patch(self, request: Request, chat_id: UUID, message_id: UUID) -> Response:
        """Edit one's own message."""
        body = self.read_body(requests.MessageWrite)
        count_change(user=self.user)
        message = services.edit_message(user=self.user, chat_id=chat_id, message_id=message_id, body=body["body"])
        return Response(message_payload(message))

    @writes(
        "deleteMessage",
        {204: None},
        ids=_MESSAGE,
    )
    def delete(self, request: Request, chat_id: UUID, message_id: UUID) -> Response:
        """Empty a message, which keeps its place (its author, the chat's creator, workspace admins)."""
        count_change(user=self.user)
        services.delete_message(user=self.user, chat_id=chat_id, message_id=message_id)
        return Response(status=204)


class ChatChanges(ApiView):
    @reads(
        "listChanges",
        ChangesPayload,
        ids=_CHAT,
        query=requests.ChangesQuery,
    )
    def get(self, request: Request, chat_id: UUID) -> Response:
        """What changed after a revision, as the socket's catch-up sends it."""
        since = self.read_query(requests.ChangesQuery)["since"]
        chat = access_chat(self.user, chat_id).chat
        changes = list_changes(chat, since, settings.FLOWRA_CATCHUP_LIMIT)
        results = [_change(message, since) for message in changes.messages]
        answer: ChangesPayload = {"revision": changes.revision, "reset": changes.reset, "results": results}
        if changes.more:
            answer["more"] = True
        return Response(answer)


class MarkRead(ApiView):
    @writes(
        "markRead",
        {200: ReadStatePayload},
        ids=_CHAT,
        body=requests.ReadWrite,
    )
    def post(self, request: Request, chat_id: UUID) -> Response:
        """Note how far the caller has read; never falls, never passes the last message."""
        body = self.read_body(requests.ReadWrite)
        membership = services.mark_read(user=self.user, chat_id=chat_id, seq=body["seq"])
        return Response(read_state_payload(membership))


def _page(request: Request, chat: Chat, messages: Sequence[Message]) -> MessagePagePayload:
    """Return a page of messages. `seq` has no gaps, so its ends tell what lies beyond them."""
    find_mentions(messages)
    here = remove_query_param(remove_query_param(request.build_absolute_uri(), "before"), "after")
    older = newer = None
    if messages and messages[0].seq > 1:
        older = replace_query_param(here, "before", str(messages[0].seq))
    if messages and messages[-1].seq < chat.seq:
        newer = replace_query_param(here, "after", str(messages[-1].seq))
    return {"results": [message_payload(message) for message in messages], "next": newer, "previous": older}


def _change(message: Message, since: int) -> ChangePayload:
    changed = "edited" if message.deleted_at is None else "deleted"
    kind = "posted" if message.posted_revision > since else changed
    return {"type": f"chat.message.{kind}", "chat_id": str(message.chat_id), "data": message_payload(message)}
