"""Chats and who is in them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from chats import events
from chats.exceptions import Conflict, Forbidden, Invalid, NotFound
from chats.lib.clock import database_now
from chats.lib.text import clean_line
from chats.models import (
    CHAT_MEMBERS_PER_CALL,
    TITLE_MAX_LENGTH,
    Block,
    Chat,
    ChatKind,
    ChatMember,
    Notification,
    WorkspaceMember,
    direct_key,
)
from chats.selectors.access import access_chat, access_workspace, may_manage_chat
from chats.services import publish
from chats.services.deletion import drop_chats
from chats.services.direct import hide_direct, show_direct
from chats.services.messages.notifications import notify, without_blockers

if TYPE_CHECKING:
    from flowra.accounts.models import User


@transaction.atomic
def create_chat(
    *, user: User, workspace_id: UUID, kind: str, title: str = "", member_ids: Collection[UUID] = ()
) -> tuple[ChatMember, bool]:
    """Create a chat of `user` and `member_ids`; returns (the caller's membership, whether it is new).

    A direct chat has exactly one other member and no title. If the two have one already, it is returned.
    Raises NotFound, Invalid.
    """
    access_workspace(user, workspace_id)
    if kind not in ChatKind.values:
        raise Invalid(f"kind must be one of {', '.join(ChatKind.values)}.", field="kind")
    others = set(member_ids) - {user.pk}
    people = _lock_workspace_members(workspace_id, {user.pk, *others}, caller=user, field="member_ids")
    if kind == ChatKind.DIRECT:
        chat, created = _get_or_create_direct(user, workspace_id, others)
    else:
        title = clean_line(title, field="title", max_length=TITLE_MAX_LENGTH)
        chat = Chat.objects.create(workspace_id=workspace_id, kind=kind, title=title, created_by=user)
        created = True
    memberships = _insert_members(chat, people)
    if created:
        labels = _direct_labels(people) if kind == ChatKind.DIRECT else {}
        publish.chat_created(chat, [person.pk for person in people], labels)
    else:
        publish.members_added(chat, memberships)
    if kind == ChatKind.DIRECT:
        show_direct(chat, chat.memberships.filter(user_id=user.pk))
    else:
        _notify_added(user, chat, memberships)
    return access_chat(user, chat.pk), created


@transaction.atomic
def rename_chat(*, user: User, chat_id: UUID, title: str) -> ChatMember:
    """Give the chat another title. Raises NotFound, Forbidden (also for a direct chat), Invalid."""
    membership = _manage(user, chat_id)
    set_title(membership.chat, title)
    return membership


def set_title(chat: Chat, title: str) -> None:
    """Rename a chat whose row the caller holds. Raises Invalid; Conflict for a direct chat."""
    if chat.kind == ChatKind.DIRECT:
        raise Conflict(_("A direct chat has no title."))
    chat.title = clean_line(title, field="title", max_length=TITLE_MAX_LENGTH)
    chat.save(update_fields=["title"])
    publish.chat_changed(events.ChatRenamed, chat)


@transaction.atomic
def change_own_settings(*, user: User, chat_id: UUID, is_favourite: bool | None = None) -> ChatMember:
    """Change what is the caller's own in a chat: None leaves it as it is. The same again changes nothing.

    Raises NotFound.
    """
    membership = access_chat(user, chat_id)
    if is_favourite is None:
        return membership
    # Only this row, as in `mark_read`. What is published is what is stored, whatever other tabs do at the same time.
    held = ChatMember.objects.select_for_update(of=("self",), no_key=True).filter(pk=membership.pk).order_by()
    row = held.values_list("is_favourite", "last_read_seq").first()
    if row is None:
        raise NotFound(_("There is no such chat."))  # removed meanwhile
    was_favourite, membership.last_read_seq = row
    membership.is_favourite = is_favourite
    if was_favourite != is_favourite:
        membership.save(update_fields=["is_favourite"])
        publish.chat_settings_changed(membership)
    return membership


@transaction.atomic
def close_chat(*, user: User, chat_id: UUID) -> ChatMember:
    """Close the chat to new messages; closing again changes nothing. Raises NotFound, Forbidden."""
    membership = _manage(user, chat_id)
    set_closed(membership.chat, closed=True)
    return membership


@transaction.atomic
def reopen_chat(*, user: User, chat_id: UUID) -> ChatMember:
    """Open a closed chat to new messages; again it changes nothing. Raises NotFound, Forbidden."""
    membership = _manage(user, chat_id)
    set_closed(membership.chat, closed=False)
    return membership


def set_closed(chat: Chat, *, closed: bool) -> None:
    """Close or reopen a chat whose row the caller holds."""
    if chat.is_closed == closed:
        return
    chat.closed_at = timezone.now() if closed else None
    chat.save(update_fields=["closed_at"])
    publish.chat_changed(events.ChatClosed if closed else events.ChatReopened, chat)


@transaction.atomic
def delete_chat(*, user: User, chat_id: UUID) -> None:
    """Delete the chat and everything in it; of a direct chat only hide it from the caller.

    Raises NotFound, Forbidden.
    """
    membership = access_chat(user, chat_id, lock=True)
    if membership.chat.kind == ChatKind.DIRECT:
        hide_direct(membership)
        return
    drop_chats([_manage(user, chat_id).chat])


@transaction.atomic
def add_chat_members(*, user: User, chat_id: UUID, user_ids: Sequence[UUID]) -> list[ChatMember]:
    """Add members of the workspace to the chat; returns their memberships, old or new.

    Raises NotFound; Invalid where somebody is not in the workspace; Conflict for a direct chat.
    """
    if not user_ids:
        raise Invalid(_("Name at least one user."), field="user_ids")
    chat = access_chat(user, chat_id).chat
    people = lock_newcomers(chat, user_ids)
    # Checked again under the lock: the caller may have been removed while this waited for a row.
    return ensure_chat_members(access_chat(user, chat_id, lock=True).chat, people, actor=user)


def lock_newcomers(chat: Chat, user_ids: Collection[UUID]) -> list[User]:
    """Lock the memberships in the workspace of users who are to be added to a chat, and return the users.

    They are locked before the chat's row, as everywhere.

    Raises Invalid where somebody is not in the workspace; Conflict for a direct chat.
    """
    if chat.kind == ChatKind.DIRECT:
        raise Conflict(_("A direct chat has two members."))
    return _lock_workspace_members(chat.workspace_id, set(user_ids), field="user_ids")


def ensure_chat_members(chat: Chat, people: Sequence[User], *, actor: User) -> list[ChatMember]:
    """Add users from `lock_newcomers` to a chat whose row the caller holds; returns all their memberships."""
    added = _insert_members(chat, people)
    publish.members_added(chat, added)
    _notify_added(actor, chat, added)
    rows = chat.memberships.filter(user_id__in=[person.pk for person in people])
    return list(rows.select_related("user").order_by("user__name_key", "user_id"))


@transaction.atomic
def remove_chat_member(*, user: User, chat_id: UUID, user_id: UUID) -> None:
    """Remove somebody from the chat, or leave it.

    Raises NotFound, Forbidden; Conflict for a direct chat.
    """
    membership = access_chat(user, chat_id, lock=True)
    if user_id != user.pk and not may_manage_chat(membership):
        raise Forbidden(_("Only the chat's creator and workspace admins can remove members."))
    if membership.chat.kind == ChatKind.DIRECT:
        raise Conflict(_("A direct chat has two members."))
    if not drop_members(membership.chat, user_id=user_id):
        raise NotFound(_("There is no such member."))
    request_recheck(user_id)


def drop_members(chat: Chat, *, user_id: UUID) -> bool:
    """Remove a member from a chat whose row the caller holds; returns whether they were one.

    Because of the new `access_version` every process checks its subscribers before it delivers what is committed later.
    The caller ends its transaction with `request_recheck`.
    """
    membership = chat.memberships.select_related("user").filter(user_id=user_id).first()
    if membership is None:
        return False
    membership.delete()
    Chat.objects.filter(pk=chat.pk).update(access_version=F("access_version") + 1)
    chat.access_version += 1
    publish.member_removed(chat, membership)
    return True


def request_recheck(user_id: UUID) -> None:
    """Have the user's open sockets checked soon, even if no event of the removal reaches their process.

    It is the last statement of its transaction, because the user's row is locked after a chat's.
    """
    get_user_model().objects.filter(pk=user_id).update(security_changed_at=database_now())


def _manage(user: User, chat_id: UUID) -> ChatMember:
    membership = access_chat(user, chat_id, lock=True)
    if membership.chat.kind == ChatKind.DIRECT:
        raise Forbidden(_("A direct chat cannot be changed."))
    if not may_manage_chat(membership):
        raise Forbidden(_("Only the chat's creator and workspace admins can do this."))
    return membership


def _get_or_create_direct(user: User, workspace_id: UUID, others: set[UUID]) -> tuple[Chat, bool]:
    if len(others) != 1:
        raise Invalid(_("A direct chat needs exactly one other member."), field="member_ids")
    (other_id,) = others
    if Block.objects.filter(blocker_id=other_id, blocked=user).exists():
        raise Forbidden(_("You cannot write to this person."))
    key = direct_key(user.pk, other_id)
    if Block.objects.filter(blocker=user, blocked_id=other_id).exists():
        found = Chat.objects.filter(workspace_id=workspace_id, direct_key=key).first()
        if found is None:
            raise Forbidden(_("You have blocked this person."))
    while True:
        chat, created = Chat.objects.get_or_create(
            workspace_id=workspace_id, direct_key=key, defaults={"kind": ChatKind.DIRECT, "created_by": user}
        )
        held = Chat.objects.select_for_update(no_key=True).filter(pk=chat.pk).first()
        if held is not None:  # else it was deleted meanwhile, and its key is free
            return held, created


def _direct_labels(people: Sequence[User]) -> dict[UUID, str]:
    """Return by user id the label of these two's direct chat: the name of the other."""
    first, second = people
    return {first.pk: second.get_full_name(), second.pk: first.get_full_name()}


def _lock_workspace_members(
    workspace_id: UUID, user_ids: set[UUID], *, field: str, caller: User | None = None
) -> list[User]:
    """Lock these users' memberships in the workspace until the transaction ends, and return the users.

    Raises Invalid if one is no member; NotFound if that is the `caller`, who has been removed meanwhile.
    """
    if len(user_ids) > CHAT_MEMBERS_PER_CALL + 1:
        words = _("At most %(most)s members can be named at once.") % {"most": CHAT_MEMBERS_PER_CALL}
        raise Invalid(words, field=field)
    rows = (
        WorkspaceMember.objects.select_for_update(of=("self",))
        .select_related("user")
        .filter(workspace_id=workspace_id, user_id__in=user_ids)
        .order_by("pk")
    )
    people = [row.user for row in rows]
    if caller is not None and caller.pk not in {person.pk for person in people}:
        raise NotFound(_("There is no such workspace."))
    if len(people) != len(user_ids):
        raise Invalid(_("Everybody must be a member of the workspace."), field=field)
    return people


def _insert_members(chat: Chat, people: Iterable[User]) -> list[ChatMember]:
    """Insert those who are not members yet and return their memberships; earlier messages count as read."""
    wanted = {person.pk: person for person in people}
    present = set(chat.memberships.filter(user_id__in=wanted).values_list("user_id", flat=True))
    rows = [ChatMember(chat=chat, user=wanted[pk], last_read_seq=chat.seq) for pk in wanted if pk not in present]
    # Two calls may add the same user at once: the second insert is ignored and published again, which is harmless.
    ChatMember.objects.bulk_create(rows, ignore_conflicts=True)
    return rows


def _notify_added(actor: User, chat: Chat, memberships: Iterable[ChatMember]) -> None:
    users = [membership.user for membership in memberships if membership.user_id != actor.pk]
    notify(without_blockers(actor, users), kind=Notification.Kind.ADDED, actor=actor, chat=chat, message=None)
