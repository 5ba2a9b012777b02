"""What sockets read from the database, each in one go; run through `run_in_db_thread`."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings

from chats.models import Chat, WorkspaceMember
from chats.selectors import Changes, chat_standing, list_changes
from realtime import auth

if TYPE_CHECKING:
    from flowra.accounts.models import User


@dataclasses.dataclass(frozen=True, slots=True)
class Caller:
    """Somebody whose credential was good when the socket was opened."""

    user: User
    credential: auth.Credential
    workspace_ids: set[UUID]


@dataclasses.dataclass(frozen=True, slots=True)
class ChatSnapshot:
    """A chat as one of its members may see it: `changes` since the revision they named, if they did."""

    access_version: int
    display_name: str
    changes: Changes


def read_caller(handshake: auth.Handshake) -> Caller | None:
    """Return who is calling, or None where the credential is not good."""
    found = auth.authenticate(handshake)
    if found is None:
        return None
    user, credential = found
    workspaces = WorkspaceMember.objects.order_by().filter(user_id=user.pk).values_list("workspace_id", flat=True)
    return Caller(user, credential, set(workspaces))


def read_chat(user: User, chat_id: UUID, since: int | None) -> ChatSnapshot:
    """Return the chat as `user` may see it; raises chats.exceptions.NotFound where they may not."""
    standing = chat_standing(user, chat_id)
    if since is None:
        changes = Changes(standing.revision, False, [])
    else:
        changes = list_changes(Chat(pk=chat_id, revision=standing.revision), since, settings.FLOWRA_CATCHUP_LIMIT)
    return ChatSnapshot(standing.access_version, standing.display_name, changes)
