"""Deleting chats and workspaces: hidden from everybody at once, their rows deleted later in small transactions.

Deleting a chat of 120,000 messages takes many seconds, too long to wait and to hold its rows. So only its memberships
are deleted, through which everything is fetched. The rest is marked by `deleted_at`, which the models' managers leave
out.

The first rows are deleted right after the commit, which is all for most chats; the rest by the servers
(realtime/background/deletions.py).
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

BATCH = 200  # rows of one transaction: about 25 ms, in which SQLite has no other writer
_STEPS_AFTER_COMMIT = 8  # transactions that the deleting request waits for
_CHATS_AT_ONCE = 500  # within the databases' number of parameters


def drop_chats(chats: Sequence[Chat]) -> None:
    """Hide chats whose rows the caller holds, and purge them later; their members are sent it."""
    _mark(chats)
    transaction.on_commit(_purge_a_little, robust=True)


def drop_workspace(workspace: Workspace) -> None:
    """Hide a workspace whose row the caller holds, with all its chats, and purge them later."""
    # In this order each statement waits for transactions that add what the next one deletes: accepting an invite locks
    # it and adds a member, creating a chat locks the members and adds the chat.
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
        # The two users of a direct chat may create another one.
        key = Case(When(kind=ChatKind.DIRECT, then=Cast(F("pk"), CharField())), default=None)
        Chat.objects.filter(pk__in=ids).update(deleted_at=database_now(), direct_key=key)


def _purge_a_little() -> None:
    for _ in range(_STEPS_AFTER_COMMIT):
        if not purge_some():
            break


def purge_some(size: int = BATCH) -> int:
    """Delete up to `size` rows of a chat or workspace marked as deleted; returns how many, 0 if there are none.

    Servers share the work: each works on a chat that no other has locked.
    """
    chats = Chat.with_deleted.filter(deleted_at__isnull=False).only("pk").order_by("deleted_at", "pk")
    workspaces = Workspace.with_deleted.filter(deleted_at__isnull=False).only("pk").order_by("deleted_at", "pk")
    if not chats.exists() and not workspaces.exists():  # nearly always; in SQLite every transaction is a writer
        return 0
    with transaction.atomic():
        chat = chats.select_for_update(skip_locked=True, no_key=True).first()
        if chat is not None:
            return _purge_chat(chat, size)
        workspace = workspaces.select_for_update(skip_locked=True).first()
        if workspace is None or Chat.with_deleted.filter(workspace=workspace).exists():
            return 0  # in the second case another server purges its last chat
        workspace.delete()
        return 1


def _purge_chat(chat: Chat, size: int) -> int:
    # The latest first: a reply is deleted before what it replies to, so no `reply_to` has to be set to null.
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
