"""Chats and their members.

Two counters on the chat's row order everything in it. `seq` numbers its messages 1, 2, 3 … and `revision` numbers its
posts, edits and deletions. Both are raised only in a transaction that holds the chat's row.
"""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chats.lib.ids import new_id
from chats.models.fields import LiveManager
from chats.search.fields import KeyedModel, NameKeyField

TITLE_MAX_LENGTH = 200
CHAT_MEMBERS_PER_CALL = 100  # added at once
# A client this many revisions behind knows the chat from before a restored backup, after which revisions rise by twice
# as much (services/after_restore.py).
FAR_BEHIND = 1_000_000


def direct_key(first: UUID, second: UUID) -> str:
    """Return the key of the two users' direct chat, unique in a workspace."""
    return ":".join(sorted((str(first), str(second))))


class ChatKind(models.TextChoices):
    DISCUSSION = "discussion", _("Discussion")
    DIRECT = "direct", _("Direct")
    TASK = "task", _("Task")
    BUG = "bug", _("Bug")
    EPIC = "epic", _("Epic")


class Chat(KeyedModel):
    """A discussion, a direct chat of two, or the chat of a task, bug or epic."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey("chats.Workspace", on_delete=models.CASCADE, related_name="chats")
    kind = models.CharField(_("kind"), max_length=10, choices=ChatKind.choices, default=ChatKind.DISCUSSION)
    title = models.CharField(_("title"), max_length=TITLE_MAX_LENGTH, blank=True)
    title_key = NameKeyField(of="title")
    # The two user ids of a direct chat, sorted and joined by ":", its own id once it was deleted; null for other kinds.
    direct_key = models.CharField(max_length=73, null=True, blank=True, editable=False)  # noqa: DJ001 (unique)
    seq = models.PositiveBigIntegerField(default=0, editable=False)
    revision = models.PositiveBigIntegerField(default=0, editable=False)
    # Raised in the transaction of every removal of a member; every event of the chat carries it.
    access_version = models.PositiveBigIntegerField(default=0, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("created by")
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    last_message_at = models.DateTimeField(_("last message at"), null=True, blank=True, editable=False)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = LiveManager["Chat"]()
    with_deleted = models.Manager["Chat"]()

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "direct_key"], name="chat_direct_once_per_pair"),
            models.CheckConstraint(condition=Q(kind__in=ChatKind.values), name="chat_kind"),
            models.CheckConstraint(
                condition=(Q(kind=ChatKind.DIRECT) & Q(direct_key__isnull=False))
                | (~Q(kind=ChatKind.DIRECT) & Q(direct_key__isnull=True) & ~Q(title="")),
                name="chat_direct_has_pair_others_a_title",
            ),
            models.CheckConstraint(condition=Q(revision__gte=F("seq")), name="chat_revision_covers_seq"),
        ]
        indexes: ClassVar = [models.Index(fields=["workspace", "kind"], name="chat_by_workspace")]

    def __str__(self) -> str:
        """Return "Task: Update documentation"; a discussion's title alone."""
        if self.kind == ChatKind.DIRECT:
            return str(_("Direct chat"))
        if self.kind == ChatKind.DISCUSSION:
            return self.title
        return f"{ChatKind(self.kind).label}: {self.title}"

    @property
    def is_closed(self) -> bool:
        """Whether no more messages can be posted."""
        return self.closed_at is not None


class ChatMember(models.Model):
    """A user's membership in a chat, and how far they have read."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="chat_memberships")
    last_read_seq = models.PositiveBigIntegerField(default=0, editable=False)
    mention_count = models.PositiveIntegerField(default=0, editable=False)  # unread messages that mention the user
    # When this member hid a direct chat; null again once somebody posts in it or they open it.
    hidden_at = models.DateTimeField(null=True, blank=True, editable=False)
    is_favourite = models.BooleanField(_("favourite"), default=False, db_default=False)  # this member's own mark
    created_at = models.DateTimeField(_("joined at"), default=timezone.now, editable=False)

    class Meta:
        ordering: ClassVar = ["chat", "id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["chat", "user"], name="chat_member_once")]

    def __str__(self) -> str:
        return f"{self.user} in {self.chat}"
