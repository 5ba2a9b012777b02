"""Helpers for tests of the admin: addresses, actions, and another row of every model."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.db.models import Model
from django.test import Client

from chats import services
from chats.models import (
    Chat,
    ChatMember,
    Mention,
    Message,
    Notification,
    Workspace,
    WorkspaceInvite,
    WorkspaceMember,
)
from realtime.models import Notice
from tests.conftest import Cast, make_user

if TYPE_CHECKING:
    from flowra.accounts.models import User

MODELS = [
    Workspace, WorkspaceMember, Chat, ChatMember, Message, Mention, Notification, WorkspaceInvite, Notice
]  # fmt: skip


def url(model: type[Model], page: str = "changelist", pk: object = None) -> str:
    """Return the address of an admin page."""
    base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    return base if page == "changelist" else f"{base}{pk}/{page}/" if pk else f"{base}{page}/"


def run(client: Client, model: type[Model], action: str, *rows: Model) -> str:
    """Run an action on rows, confirmed if it asks, and return the page that follows."""
    data = {"action": action, "_selected_action": [row.pk for row in rows], "post": "yes"}
    return client.post(url(model), data, follow=True).content.decode()


def post(cast: Cast, body: str = "Hello", author: User | None = None, reply_to: Message | None = None) -> Message:
    """Post a message to the cast's chat."""
    return services.post_message(
        user=author or cast.owner,
        chat_id=cast.chat.pk,
        body=body,
        client_id=uuid.uuid4(),
        reply_to_id=reply_to.pk if reply_to else None,
    ).message


def fill(cast: Cast, number: int) -> None:
    """Make one more row of everything."""
    person = make_user(f"person{number}")
    services.moderate_add_workspace_member(workspace_id=cast.workspace.pk, user_id=person.pk, role="member")
    services.add_chat_members(user=cast.owner, chat_id=cast.chat.pk, user_ids=[person.pk])
    first = post(cast, f"Look, @person{number}")
    post(cast, "I do", person, first)
    services.create_invite(user=cast.owner, workspace_id=cast.workspace.pk)
    services.create_workspace(user=person, name=f"Workspace {number}")
    services.create_chat(user=cast.owner, workspace_id=cast.workspace.pk, kind="bug", title=f"Bug {number}")
    Notice.objects.create(text=f"Notice {number}", workspace=cast.workspace)
