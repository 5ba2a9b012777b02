"""Telling who somebody is: their name to everybody they share a workspace with, all of it to themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chats import events
from chats.models import WorkspaceMember
from chats.payloads import me_payload, user_state_payload

if TYPE_CHECKING:
    from flowra.accounts.models import User


def tell_me_changed(user: User) -> None:
    """Have the user's own pages follow, in the transaction of the change."""
    events.publish_on_commit(events.MeChanged(user_id=user.pk, data=me_payload(user)))


def tell_user_changed(user: User) -> None:
    """Have everybody who shares a workspace with the user told their name, in the transaction of the change.

    It costs one row, one event for each workspace, and in each server process one query for 500 connected members.
    """
    memberships = WorkspaceMember.objects.order_by("workspace_id").filter(user_id=user.pk)
    workspace_ids = tuple(memberships.values_list("workspace_id", flat=True))
    data = user_state_payload(user)
    events.publish_on_commit(events.UserChanged(user_id=user.pk, workspace_ids=workspace_ids, data=data))
