"""Endpoints of what concerns the caller across chats: people, blocks, notifications, search."""

from __future__ import annotations

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from chats import services
from chats.api.base import ApiView
from chats.api.document.schema import reads, writes
from chats.api.input import requests
from chats.api.input.pagination import PageQuery, by_id, by_text, by_time
from chats.payload_types import (
    BlockPagePayload,
    NotificationPagePayload,
    SearchResultsPayload,
    UnreadNotificationsPayload,
    UserPagePayload,
)
from chats.payloads import block_payload, message_payload, notification_payload, user_payload, viewer_chat_payloads
from chats.selectors.access import access_workspace
from chats.selectors.blocks import list_blocks
from chats.selectors.chats import search_chats
from chats.selectors.mentions import find_mentions
from chats.selectors.messages import load_fitting
from chats.selectors.notifications import count_unread_notifications, list_notifications
from chats.selectors.search import search_messages
from chats.selectors.workspaces import list_people

SEARCH_LIMIT = 20  # of each kind

_BY_NAME = (by_text("name_key"), by_id("id"))
_NEWEST = (by_time("-created_at"), by_id("-id"))


class Users(ApiView):
    @reads("listUsers", UserPagePayload, query=requests.UserQuery)
    def get(self, request: Request) -> Response:
        """The people one shares a workspace with, by name."""
        query = self.read_query(requests.UserQuery)
        return self.page(list_people(self.user, query.get("search", "")), _BY_NAME, user_payload, query)


class Blocks(ApiView):
    @reads("listBlocks", BlockPagePayload, query=PageQuery)
    def get(self, request: Request) -> Response:
        """Whom the caller blocks, the last one first."""
        return self.page(list_blocks(self.user), _NEWEST, block_payload, self.page_query())


class BlockDetail(ApiView):
    @writes("blockUser", {204: None}, ids=("user_id",), refuses=[409])
    def put(self, request: Request, user_id: UUID) -> Response:
        """Block somebody whom the caller shares a workspace or a direct chat with, or who invited them."""
        services.block_user(user=self.user, user_id=user_id)
        return Response(status=204)

    @writes("unblockUser", {204: None}, ids=("user_id",))
    def delete(self, request: Request, user_id: UUID) -> Response:
        """Block somebody no more."""
        services.unblock_user(user=self.user, user_id=user_id)
        return Response(status=204)


class Notifications(ApiView):
    @reads(
        "listNotifications",
        NotificationPagePayload,
        query=requests.NotificationQuery,
    )
    def get(self, request: Request) -> Response:
        """The caller's notifications, newest first."""
        query = self.read_query(requests.NotificationQuery)
        rows = list_notifications(self.user)
        if query["unread"]:
            rows = rows.filter(read_at__isnull=True)
        page = self.load(rows, _NEWEST, query)
        data = page.payload(request, [notification_payload(row) for row in page.rows])
        return Response({**data, "unread_count": count_unread_notifications(self.user)})


class MarkNotificationsRead(ApiView):
    @writes(
        "markNotificationsRead",
        {200: UnreadNotificationsPayload},
        body=requests.NotificationsReadBody,
    )
    def post(self, request: Request) -> Response:
        """Mark some notifications, or all, as read."""
        body = self.read_body(requests.NotificationsReadBody)
        ids = None if body.get("all") else body.get("ids", [])
        services.mark_notifications_read(user=self.user, ids=ids)
        return Response({"unread_count": count_unread_notifications(self.user)})


class Search(ApiView):
    throttle_scope = "search"

    @reads(
        "search",
        SearchResultsPayload,
        query=requests.SearchQuery,
        refuses=[404],
    )
    def get(self, request: Request) -> Response:
        """Messages, chats and people that have all words of a text, each by its beginning; at most 20 of each."""
        query = self.read_query(requests.SearchQuery)
        workspace_id = query.get("workspace")
        if workspace_id is not None:
            access_workspace(self.user, workspace_id)
        found = search_messages(self.user, query["q"], workspace_id=workspace_id, limit=SEARCH_LIMIT)
        messages = load_fitting(found, SEARCH_LIMIT)
        find_mentions(messages)
        chats = list(search_chats(self.user, query["q"], workspace_id=workspace_id)[:SEARCH_LIMIT])
        people = list_people(self.user, query["q"], workspace_id=workspace_id)[:SEARCH_LIMIT]
        return Response(
            {
                "messages": [message_payload(message) for message in messages],
                "chats": viewer_chat_payloads(chats),
                "people": [user_payload(person) for person in people],
            }
        )
