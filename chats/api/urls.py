"""The endpoints below /api/v1 that belong to the domain. Ids are text here, so that a wrong one is a 400."""

from django.urls import path

from chats.api import chats, invitations, messages, people, workspaces

_workspace = "workspaces/<str:workspace_id>"
_chat = "chats/<str:chat_id>"

urlpatterns = [
    path("users", people.Users.as_view()),
    path("workspaces", workspaces.Workspaces.as_view()),
    path(_workspace, workspaces.WorkspaceDetail.as_view()),
    path(f"{_workspace}/members", workspaces.WorkspaceMembers.as_view()),
    path(f"{_workspace}/members/<str:user_id>", workspaces.WorkspaceMemberDetail.as_view()),
    path(f"{_workspace}/invites", invitations.Invites.as_view()),
    path(f"{_workspace}/invites/<str:invite_id>", invitations.InviteDetail.as_view()),
    path("invites/<str:token>", invitations.InviteAccept.as_view()),
    path(f"{_workspace}/invitations", invitations.WorkspaceInvitations.as_view()),
    path(f"{_workspace}/invitations/<str:invitation_id>", invitations.WorkspaceInvitationDetail.as_view()),
    path("me/invitations", invitations.OwnInvitations.as_view()),
    path("me/invitations/<str:invitation_id>/accept", invitations.InvitationAccept.as_view()),
    path("me/invitations/<str:invitation_id>/decline", invitations.InvitationDecline.as_view()),
    path("me/blocks", people.Blocks.as_view()),
    path("me/blocks/<str:user_id>", people.BlockDetail.as_view()),
    path("chats", chats.Chats.as_view()),
    path(_chat, chats.ChatDetail.as_view()),
    path(f"{_chat}/me", chats.OwnChatSettings.as_view()),
    path(f"{_chat}/close", chats.ChatClose.as_view()),
    path(f"{_chat}/reopen", chats.ChatReopen.as_view()),
    path(f"{_chat}/members", chats.ChatMembers.as_view()),
    path(f"{_chat}/members/<str:user_id>", chats.ChatMemberDetail.as_view()),
    path(f"{_chat}/messages", messages.Messages.as_view()),
    path(f"{_chat}/messages/<str:message_id>", messages.MessageDetail.as_view()),
    path(f"{_chat}/changes", messages.ChatChanges.as_view()),
    path(f"{_chat}/read", messages.MarkRead.as_view()),
    path("notifications", people.Notifications.as_view()),
    path("notifications/read", people.MarkNotificationsRead.as_view()),
    path("search", people.Search.as_view()),
]
