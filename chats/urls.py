"""The pages' addresses."""

from django.urls import path

from chats.views import blocks, chat_page, chats, icon, invitations, messages, navbar, workspaces

app_name = "chats"

urlpatterns = [
    path("", chat_page.home, name="home"),
    path("favicon.ico", icon.favicon, name="favicon"),
    path("sidebar/", chat_page.sidebar, name="sidebar"),
    path("search/", navbar.search, name="search"),
    path("notifications/", navbar.notifications, name="notifications"),
    path("notifications/bell/", navbar.bell, name="bell"),
    path("notifications/read/", navbar.read_notifications, name="notifications_read"),
    path("notifications/<uuid:notification_id>/", navbar.open_notification, name="notification_open"),
    path("chats/<uuid:chat_id>/", chat_page.detail, name="detail"),
    path("chats/<uuid:chat_id>/lines/", chat_page.lines, name="lines"),
    path("chats/<uuid:chat_id>/header/", chat_page.header, name="header"),
    path("chats/<uuid:chat_id>/names/", chat_page.names, name="names"),
    path("chats/<uuid:chat_id>/members/", chat_page.members, name="members"),
    path("chats/<uuid:chat_id>/members/add/", chats.add_members, name="members_add"),
    path("chats/<uuid:chat_id>/members/<uuid:user_id>/remove/", chats.remove_member, name="member_remove"),
    path("chats/<uuid:chat_id>/favourite/", navbar.favourite, name="favourite"),
    path("chats/<uuid:chat_id>/rename/", chats.rename, name="rename"),
    path("chats/<uuid:chat_id>/close/", chats.close, name="close"),
    path("chats/<uuid:chat_id>/reopen/", chats.reopen, name="reopen"),
    path("chats/<uuid:chat_id>/leave/", chats.leave, name="leave"),
    path("chats/<uuid:chat_id>/delete/", chats.delete, name="delete"),
    path("chats/<uuid:chat_id>/read/", messages.read, name="read"),
    path("chats/<uuid:chat_id>/messages/", messages.post, name="post"),
    path("chats/<uuid:chat_id>/preview/", messages.preview, name="preview"),
    path("chats/<uuid:chat_id>/messages/<uuid:message_id>/edit/", messages.edit, name="message_edit"),
    path("chats/<uuid:chat_id>/messages/<uuid:message_id>/delete/", messages.delete, name="message_delete"),
    path("people/<uuid:user_id>/chat/", chats.direct_with, name="direct_with"),
    path("people/<uuid:user_id>/block/", blocks.block, name="block"),
    path("people/<uuid:user_id>/unblock/", blocks.unblock, name="unblock"),
    path("blocks/", blocks.blocks, name="blocks"),
    path("invitations/", invitations.invitations, name="invitations"),
    path("invitations/<uuid:invitation_id>/accept/", invitations.accept, name="invitation_accept"),
    path("invitations/<uuid:invitation_id>/decline/", invitations.decline, name="invitation_decline"),
    path("workspaces/new/", workspaces.create, name="workspace_create"),
    path("workspaces/<uuid:workspace_id>/", workspaces.detail, name="workspace"),
    path("workspaces/<uuid:workspace_id>/chats/new/", chats.create, name="create"),
    path("workspaces/<uuid:workspace_id>/direct/new/", chats.create_direct, name="create_direct"),
    path("workspaces/<uuid:workspace_id>/settings/", workspaces.settings, name="workspace_settings"),
    path("workspaces/<uuid:workspace_id>/rename/", workspaces.rename, name="workspace_rename"),
    path("workspaces/<uuid:workspace_id>/delete/", workspaces.delete, name="workspace_delete"),
    path("workspaces/<uuid:workspace_id>/members/add/", workspaces.add_member, name="workspace_member_add"),
    path(
        "workspaces/<uuid:workspace_id>/members/<uuid:user_id>/role/",
        workspaces.change_role,
        name="workspace_member_role",
    ),
    path(
        "workspaces/<uuid:workspace_id>/members/<uuid:user_id>/remove/",
        workspaces.remove_member,
        name="workspace_member_remove",
    ),
    path(
        "workspaces/<uuid:workspace_id>/invitations/<uuid:invitation_id>/cancel/",
        invitations.cancel,
        name="invitation_cancel",
    ),
    path("workspaces/<uuid:workspace_id>/invites/new/", invitations.create_link, name="invite_create"),
    path(
        "workspaces/<uuid:workspace_id>/invites/<uuid:invite_id>/revoke/", invitations.revoke_link, name="invite_revoke"
    ),
    path("invites/<str:token>/", invitations.show_link, name="invite"),
    path("invites/<str:token>/accept/", invitations.accept_link, name="invite_accept"),
]
