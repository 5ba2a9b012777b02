"""The pages' addresses."""

from django.urls import path

from chats.views import chat_page, consent, icon, invites, manage, messages, people, workspaces

app_name = "chats"

urlpatterns = [
    path("", chat_page.home, name="home"),
    path("favicon.ico", icon.favicon, name="favicon"),
    path("sidebar/", chat_page.sidebar, name="sidebar"),
    path("search/", people.search, name="search"),
    path("notifications/", people.notifications, name="notifications"),
    path("notifications/bell/", people.bell, name="bell"),
    path("notifications/read/", people.read_notifications, name="notifications_read"),
    path("notifications/<uuid:notification_id>/", people.open_notification, name="notification_open"),
    path("chats/<uuid:chat_id>/", chat_page.detail, name="detail"),
    path("chats/<uuid:chat_id>/header/", chat_page.header, name="header"),
    path("chats/<uuid:chat_id>/names/", chat_page.names, name="names"),
    path("chats/<uuid:chat_id>/members/", chat_page.members, name="members"),
    path("chats/<uuid:chat_id>/members/add/", manage.add_members, name="members_add"),
    path("chats/<uuid:chat_id>/members/<uuid:user_id>/remove/", manage.remove_member, name="member_remove"),
    path("chats/<uuid:chat_id>/rename/", manage.rename, name="rename"),
    path("chats/<uuid:chat_id>/close/", manage.close, name="close"),
    path("chats/<uuid:chat_id>/reopen/", manage.reopen, name="reopen"),
    path("chats/<uuid:chat_id>/leave/", manage.leave, name="leave"),
    path("chats/<uuid:chat_id>/delete/", manage.delete, name="delete"),
    path("chats/<uuid:chat_id>/read/", messages.read, name="read"),
    path("chats/<uuid:chat_id>/messages/", messages.post, name="post"),
    path("chats/<uuid:chat_id>/preview/", messages.preview, name="preview"),
    path("chats/<uuid:chat_id>/messages/<uuid:message_id>/edit/", messages.edit, name="message_edit"),
    path("chats/<uuid:chat_id>/messages/<uuid:message_id>/delete/", messages.delete, name="message_delete"),
    path("people/<uuid:user_id>/chat/", manage.direct_with, name="direct_with"),
    path("people/<uuid:user_id>/block/", consent.block, name="block"),
    path("people/<uuid:user_id>/unblock/", consent.unblock, name="unblock"),
    path("blocks/", consent.blocks, name="blocks"),
    path("invitations/", consent.invitations, name="invitations"),
    path("invitations/<uuid:invitation_id>/accept/", consent.accept, name="invitation_accept"),
    path("invitations/<uuid:invitation_id>/decline/", consent.decline, name="invitation_decline"),
    path("workspaces/new/", workspaces.create, name="workspace_create"),
    path("workspaces/<uuid:workspace_id>/", workspaces.detail, name="workspace"),
    path("workspaces/<uuid:workspace_id>/chats/new/", manage.create, name="create"),
    path("workspaces/<uuid:workspace_id>/direct/new/", manage.create_direct, name="create_direct"),
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
        consent.cancel,
        name="invitation_cancel",
    ),
    path("workspaces/<uuid:workspace_id>/invites/new/", invites.create, name="invite_create"),
    path("workspaces/<uuid:workspace_id>/invites/<uuid:invite_id>/revoke/", invites.revoke, name="invite_revoke"),
    path("invites/<str:token>/", invites.show, name="invite"),
    path("invites/<str:token>/accept/", invites.accept, name="invite_accept"),
]
