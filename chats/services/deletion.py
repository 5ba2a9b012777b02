"""Deleting chats and workspaces: gone at once for everybody, their rows later on, in small transactions.

A chat of 120,000 messages takes many seconds to delete, and nobody should wait for that, nor hold its rows so long. So
its memberships go, with which everybody loses it: whatever is fetched for somebody is fetched through their membership.
What is left carries `deleted_at`, and the models' managers leave it out, for those who fetch without one.

A little of that is done right after the commit, which is all for most chats. The rest is the servers', whoever dropped
it (realtime/background/deletions.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.models import CASCADE, Case, CharField, F, When
from django.db.models.fields.reverse_related import ForeignObjectRel
from django.db.models.functions import Cast

from chats import events
from chats.lib.clock import database_now
from chats.models import Chat, ChatKind, ChatMember, Message, Notification, Workspace
from chats.services import publish

BATCH = 200  # rows of one transaction: some 25 ms, in which with SQLite nobody else writes
_STEPS_AFTER_COMMIT = 8  # transactions that whoever deletes something waits for
_CHATS_AT_ONCE = 500  # within what a database takes as parameters


def drop_chats(chats: Sequence[Chat]) -> None:
    """Delete chats whose rows the caller holds, as far as anybody can see; tells their members."""
    _mark(chats)
    transaction.on_commit(_purge_a_little, robust=True)


def drop_workspace(workspace: Workspace) -> None:
    """Delete a workspace whose row the caller holds, with all its chats, as far as anybody can see."""
    # In this order each statement waits for those who are about to add what the next one looks for: whoever accepts an
    # invite holds it and adds a member, whoever makes a chat holds the members and adds the chat.
    later = ("memberships", "chats")
    for relation in Workspace._meta.get_fields(include_hidden=True):
        if isinstance(relation, ForeignObjectRel) and relation.on_delete is CASCADE and relation.name not in later:
            relation.related_model._base_manager.filter(**{relation.field.name: workspace}).delete()
    members = workspace.memberships.select_for_update(of=("self",)).order_by("pk")
    member_ids = list(members.values_list("user_id", flat=True))
    workspace.memberships.all().delete()
    _mark(list(workspace.chats.select_for_update(no_key=True).order_by("pk")))
    Workspace.objects.filter(pk=workspace.pk).update(deleted_at=database_now())
    events.publish_on_commit(events.WorkspaceDeleted(workspace_id=workspace.pk))
    events.publish_on_commit(
        *(
            events.WorkspaceMemberRemoved(
                workspace_id=workspace.pk, workspace_name=workspace.name, user_id=user_id, data=None
            )
            for user_id in member_ids
        )
    )
    transaction.on_commit(_purge_a_little, robust=True)


def _mark(chats: Sequence[Chat]) -> None:
    publish.chats_deleted(chats)
    for start in range(0, len(chats), _CHATS_AT_ONCE):
        ids = [chat.pk for chat in chats[start : start + _CHATS_AT_ONCE]]
        ChatMember.objects.filter(chat_id__in=ids).delete()
        # The two of a direct chat may have another one from now on.
        key = Case(When(kind=ChatKind.DIRECT, then=Cast(F("pk"), CharField())), default=None)
        Chat.objects.filter(pk__in=ids).update(deleted_at=database_now(), direct_key=key)


def _purge_a_little() -> None:
    for _ in range(_STEPS_AFTER_COMMIT):
        if not purge_some():
            break


def purge_some(size: int = BATCH) -> int:
    """Delete up to `size` rows of what is left of a deleted chat or workspace; returns how many, 0 if nothing is left.

    Servers share the work: each takes a chat that no other is at.
    """
    chats = Chat.with_deleted.filter(deleted_at__isnull=False).only("pk").order_by("deleted_at", "pk")
    workspaces = Workspace.with_deleted.filter(deleted_at__isnull=False).only("pk").order_by("deleted_at", "pk")
    if not chats.exists() and not workspaces.exists():  # nearly always; with SQLite a transaction is a writer
        return 0
    with transaction.atomic():
        chat = chats.select_for_update(skip_locked=True, no_key=True).first()
        if chat is not None:
            return _purge_chat(chat, size)
        workspace = workspaces.select_for_update(skip_locked=True).first()
        if workspace is None or Chat.with_deleted.filter(workspace=workspace).exists():
            return 0  # in the second case another server is at its last chat
        workspace.delete()
        return 1


def _purge_chat(chat: Chat, size: int) -> int:
    # The latest first: an answer goes before what it answers, and need not be told that that is gone.
    keys = list(Message.objects.filter(chat=chat).order_by("-seq").values_list("pk", flat=True)[:size])
    if keys:
        Message.objects.filter(pk__in=keys).only("pk").delete()
        return len(keys)
    keys = list(Notification.objects.filter(chat=chat).order_by("pk").values_list("pk", flat=True)[:size])
    if keys:
        Notification.objects.filter(pk__in=keys).delete()
        return len(keys)
    chat.delete()
    return 1
