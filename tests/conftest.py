"""Fixtures that everybody shares; above all the cast: owner, member, outsider."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth import get_user_model

from chats import services
from chats.models import Chat, Workspace

if TYPE_CHECKING:
    from flowra.accounts.models import User

PASSWORD = "correct horse battery"


@dataclasses.dataclass(frozen=True, slots=True)
class Cast:
    """A workspace with two people in a chat, and somebody who has nothing to do with it."""

    owner: User
    member: User
    outsider: User
    workspace: Workspace
    chat: Chat


def make_user(username: str, display_name: str = "") -> User:
    """Create somebody who can sign in with PASSWORD."""
    return get_user_model().objects.create_user(
        username, f"{username}@example.org", PASSWORD, display_name=display_name or username.capitalize()
    )


def make_cast() -> Cast:
    """Create the cast: Olga owns the workspace, Mika is a member, Otto is outside."""
    owner, member, outsider = make_user("olga"), make_user("mika"), make_user("otto")
    workspace = services.create_workspace(user=owner, name="Acme").workspace
    services.add_workspace_member(user=owner, workspace_id=workspace.pk, member_id=member.pk)
    membership, _ = services.create_chat(
        user=owner, workspace_id=workspace.pk, kind="task", title="Update documentation", member_ids=[member.pk]
    )
    return Cast(owner, member, outsider, workspace, membership.chat)


@pytest.fixture
def cast(db: None) -> Cast:
    """Give the cast, rolled back after the test."""
    return make_cast()
