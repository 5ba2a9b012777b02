"""Endpoints of chats and their members."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework.request import Request
from rest_framework.response import Response

from chats import services
from chats.api.base import ApiView
from chats.api.document.schema import reads, writes
from chats.api.input import requests
from chats.api.input.pagination import by_id, by_text
from chats.models import ChatMember
from chats.payload_types import AddedMembersPayload, ChatPagePayload, MemberPagePayload, ViewerChatPayload
from chats.payloads import member_payload, viewer_chat_payloads
from chats.selectors.access import access_chat, access_workspace
from chats.selectors.chats import list_chats, list_members

_OLDEST = (by_id("chat_id"),)
_BY_PERSON = (by_text("user__name_key"), by_id("user_id"))
_CHAT = ("chat_id",)
_CREATE = PolymorphicProxySerializer(
    component_name="ChatCreate",
    serializers={"titled": requests.TitledChatCreate, "direct": requests.DirectChatCreate},
    resource_type_field_name=None,
)


def seen_chat(membership: ChatMember) -> ViewerChatPayload:
    """Return the chat as this membership's user sees it."""
    return viewer_chat_payloads([membership])[0]


class Chats(ApiView):
    @reads(
        "listChats",
        ChatPagePayload,
        query=requests.ChatQuery,
        refuses=[404],
    )
    def get(self, request: Request) -> Response:
        """The chats that the caller is in, oldest first."""
        query = self.read_query(requests.ChatQuery)
        workspace_id = query.get("workspace")
        if workspace_id is not None:
            access_workspace(self.user, workspace_id)
        rows = list_chats(self.user, workspace_id=workspace_id, kind=query.get("kind"))
        page = self.load(rows, _OLDEST, query)
        return Response(page.payload(request, viewer_chat_payloads(list(page.rows))))

    @writes(
        "createChat",
        {201: ViewerChatPayload, 200: ViewerChatPayload},
        body=_CREATE,
        refuses=[404],
    )
    def post(self, request: Request) -> Response:
        """Create a chat; 200 with the one that there is where two people have a direct chat already."""
        membership, created = services.create_chat(user=self.user, **self.read_body(requests.ChatCreate))
        return Response(seen_chat(membership), status=201 if created else 200)


class ChatDetail(ApiView):
    @reads("getChat", ViewerChatPayload, ids=_CHAT)
    def get(self, request: Request, chat_id: UUID) -> Response:
        """A chat."""
        return Response(seen_chat(access_chat(self.user, chat_id)))

    @writes(
        "renameChat",
        {200: ViewerChatPayload},
        ids=_CHAT,
        body=requests.ChatWrite,
        refuses=[409],
    )
    def patch(self, request: Request, chat_id: UUID) -> Response:
        """Rename a chat (its creator, workspace admins)."""
        body = self.read_body(requests.ChatWrite)
        return Response(seen_chat(services.rename_chat(user=self.user, chat_id=chat_id, title=body["title"])))

    @writes("deleteChat", {204: None}, ids=_CHAT)
    def delete(self, request: Request, chat_id: UUID) -> Response:
        """Delete a chat with its messages (its creator, workspace admins); a direct chat only goes from one's list."""
        services.delete_chat(user=self.user, chat_id=chat_id)
        return Response(status=204)


class OwnChatSettings(ApiView):
    @writes("changeChatSettings", {200: ViewerChatPayload}, ids=_CHAT, body=requests.ChatSettingsWrite)
    def patch(self, request: Request, chat_id: UUID) -> Response:
        """Change what is the caller's own in a chat; what is not named stays."""
        body = self.read_body(requests.ChatSettingsWrite)
        return Response(seen_chat(services.change_own_settings(user=self.user, chat_id=chat_id, **body)))


class ChatClose(ApiView):
    @writes("closeChat", {200: ViewerChatPayload}, ids=_CHAT)
    def post(self, request: Request, chat_id: UUID) -> Response:
        """Take no more messages (its creator, workspace admins)."""
        return Response(seen_chat(services.close_chat(user=self.user, chat_id=chat_id)))


class ChatReopen(ApiView):
    @writes("reopenChat", {200: ViewerChatPayload}, ids=_CHAT)
    def post(self, request: Request, chat_id: UUID) -> Response:
        """Take messages again (its creator, workspace admins)."""
        return Response(seen_chat(services.reopen_chat(user=self.user, chat_id=chat_id)))


class ChatMembers(ApiView):
    @reads("listChatMembers", MemberPagePayload, ids=_CHAT, query=requests.UserQuery)
    def get(self, request: Request, chat_id: UUID) -> Response:
        """A chat's members, by name."""
        query = self.read_query(requests.UserQuery)
        chat = access_chat(self.user, chat_id).chat
        return self.page(list_members(chat, query.get("search", "")), _BY_PERSON, member_payload, query)

    @writes(
        "addChatMembers",
        {201: AddedMembersPayload},
        ids=_CHAT,
        body=requests.ChatMembersCreate,
        refuses=[409],
    )
    def post(self, request: Request, chat_id: UUID) -> Response:
        """Add members of the workspace to a chat; whoever is in it already stays."""
        body = self.read_body(requests.ChatMembersCreate)
        user_ids = [*body.get("user_ids", []), *([body["user_id"]] if "user_id" in body else [])]
        members = services.add_chat_members(user=self.user, chat_id=chat_id, user_ids=user_ids)
        return Response({"results": [member_payload(member) for member in members]}, status=201)


class ChatMemberDetail(ApiView):
    @writes(
        "removeChatMember",
        {204: None},
        ids=("chat_id", "user_id"),
        refuses=[409],
    )
    def delete(self, request: Request, chat_id: UUID, user_id: UUID) -> Response:
        """Remove a member (the chat's creator, workspace admins), or leave."""
        services.remove_chat_member(user=self.user, chat_id=chat_id, user_id=user_id)
        return Response(status=204)
