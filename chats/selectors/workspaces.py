"""Workspaces, and the people in them."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import QuerySet

from chats.models import (
    Workspace,
    WorkspaceMember,
)
from chats.search.names import has_words

if TYPE_CHECKING:
    from flowra.accounts.models import User


def list_workspaces(user: User) -> QuerySet[WorkspaceMember]:
    """Return `user`'s memberships, by the workspaces' names, with `workspace` loaded."""
    return (
        WorkspaceMember.objects.filter(user_id=user.pk)
        .select_related("workspace")
        .order_by("workspace__name_key", "id")
    )


def list_workspace_members(workspace: Workspace, search: str = "") -> QuerySet[WorkspaceMember]:
    """Return the workspace's members, or those whose name has the words of `search`, by name, with `user` loaded."""
    members = workspace.memberships.select_related("user").order_by("user__name_key", "user_id")
    if not search:
        return members
    named = has_words(search, "user__name_key", "user__username")
    return members.none() if named is None else members.filter(named)


def list_people(user: User, search: str = "", *, workspace_id: UUID | None = None) -> QuerySet[User]:
    """Return the active users who share a workspace, or this one, with `user`, `user` included, by name.

    With `search` those with all its words, or their beginnings, in name or username.
    """
    colleagues = WorkspaceMember.objects.filter(workspace__memberships__user_id=user.pk)
    if workspace_id is not None:
        colleagues = colleagues.filter(workspace_id=workspace_id)
    shared = colleagues.values("user_id")
    people = get_user_model().objects.filter(pk__in=shared, is_active=True)
    if search:
        named = has_words(search, "name_key", "username")
        people = people.none() if named is None else people.filter(named)
    return people.order_by("name_key", "id")


def shared_workspaces(user: User, other_id: UUID) -> set[UUID]:
    """Return the ids of the workspaces that `user` and another are both in; empty for oneself."""
    if user.pk == other_id:
        return set()
    rows = WorkspaceMember.objects.filter(user_id=other_id, workspace__memberships__user_id=user.pk)
    return set(rows.values_list("workspace_id", flat=True))


def workspace_members_among(workspace_id: UUID, user_ids: Collection[UUID]) -> set[UUID]:
    """Return those of `user_ids` who are members of the workspace."""
    rows = WorkspaceMember.objects.order_by().filter(workspace_id=workspace_id, user_id__in=user_ids)
    return set(rows.values_list("user_id", flat=True))
