"""Tables and constraints of workspaces, chats, messages and what hangs on them.

Two counters on the chat's row order everything in it. `seq` numbers its messages 1, 2, 3 … and
`revision` numbers its posts, edits and deletions. Both are raised only by `chats/services.py`, in a
transaction that holds the chat's row.
"""

from __future__ import annotations

import functools
import secrets
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chats.lib.ids import new_id
from chats.markdown.html import MAX_HTML_BYTES, as_text
from chats.markdown.plain_text import excerpt
from chats.search.fields import KeyedModel, KeyedQuerySet, NameKeyField
from chats.search.models import SearchEntry, SearchProgress  # noqa: F401 (where Django looks for them)

BODY_MAX_LENGTH = 10_000  # characters; docs/api.md, "Messages"
TITLE_MAX_LENGTH = 200
NAME_MAX_LENGTH = 80
# Nobody is so many revisions behind but by way of a restored backup, which leaps twice as far: one that is ahead of the
# backup by less than this, because it saw what is lost, is behind by more. See services/restored.py.
FAR_BEHIND = 1_000_000
SHOWN_HTML_BYTES = 2 * MAX_HTML_BYTES  # what was rendered a little larger by an earlier version is shown as it is


def new_invite_token() -> str:
    """Return 192 random bits, safe in a URL."""
    return secrets.token_urlsafe(24)


class HtmlField(models.TextField):  # type: ignore[type-arg]  # the types of what is set and got are the base's
    """Rendered HTML. What an earlier version made without a bound is not read: it comes as the empty text.

    Such rows stay until `manage.py render_messages` was run, and one of them may have 70 MB.
    """

    def select_format(self, compiler: Any, sql: str, params: Any) -> tuple[str, Any]:
        """Return the expression that is read in the place of the column."""
        length = "OCTET_LENGTH({})" if compiler.connection.vendor == "postgresql" else "LENGTH(CAST({} AS BLOB))"
        return f"CASE WHEN {length.format(sql)} <= {SHOWN_HTML_BYTES} THEN {sql} ELSE '' END", [*params, *params]

    def deconstruct(self) -> Any:
        """Be a TextField to migrations."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", args, kwargs


def direct_key(first: UUID, second: UUID) -> str:
    """Return what identifies the direct chat of these two in a workspace."""
    return ":".join(sorted((str(first), str(second))))


class Role(models.TextChoices):
    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Admin")
    MEMBER = "member", _("Member")


class ChatKind(models.TextChoices):
    DISCUSSION = "discussion", _("Discussion")
    DIRECT = "direct", _("Direct")
    TASK = "task", _("Task")
    BUG = "bug", _("Bug")
    EPIC = "epic", _("Epic")


Row = TypeVar("Row", bound=models.Model)


class LiveManager(models.Manager[Row]):
    """Leaves out what was deleted and is not purged yet; only services/deletion.py wants that, `with_deleted`."""

    def get_queryset(self) -> KeyedQuerySet[Row]:
        """Return all rows that are still there for anybody."""
        return KeyedQuerySet(self.model, using=self._db).filter(deleted_at__isnull=True)


class Workspace(KeyedModel):
    """A team: the people who may find and invite each other, and their chats."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(_("name"), max_length=NAME_MAX_LENGTH)
    name_key = NameKeyField(of="name")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("created by")
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = LiveManager["Workspace"]()
    with_deleted = models.Manager["Workspace"]()

    class Meta:
        ordering: ClassVar = ["name_key", "id"]
        constraints: ClassVar = [models.CheckConstraint(condition=~Q(name=""), name="workspace_has_name")]

    def __str__(self) -> str:
        return self.name


class WorkspaceMember(models.Model):
    """A user's place in a workspace."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="workspace_memberships")
    role = models.CharField(_("role"), max_length=8, choices=Role.choices, default=Role.MEMBER)
    created_at = models.DateTimeField(_("joined at"), default=timezone.now, editable=False)

    class Meta:
        ordering: ClassVar = ["workspace", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "user"], name="workspace_member_once"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="workspace_member_role"),
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.role}) in {self.workspace}"


class Chat(KeyedModel):
    """A place to talk in: a discussion, a direct chat of two, or the talk about a task, bug or epic."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="chats")
    kind = models.CharField(_("kind"), max_length=10, choices=ChatKind.choices, default=ChatKind.DISCUSSION)
    title = models.CharField(_("title"), max_length=TITLE_MAX_LENGTH, blank=True)
    title_key = NameKeyField(of="title")
    # The two user ids of a direct chat, sorted and joined by ":", its own id once it was deleted; null for other kinds.
    direct_key = models.CharField(max_length=73, null=True, blank=True, editable=False)  # noqa: DJ001 (unique)
    seq = models.PositiveBigIntegerField(default=0, editable=False)
    revision = models.PositiveBigIntegerField(default=0, editable=False)
    # Raised by every removal of a member, in the transaction that removes; every event of the chat carries it.
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
        """Whether nobody can post any more."""
        return self.closed_at is not None


class ChatMember(models.Model):
    """A user's place in a chat, and how far they have read."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="chat_memberships")
    last_read_seq = models.PositiveBigIntegerField(default=0, editable=False)
    mention_count = models.PositiveIntegerField(default=0, editable=False)  # unread ones
    # Of a direct chat that this member has taken off their list, until somebody writes in it or they open it again.
    hidden_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("joined at"), default=timezone.now, editable=False)

    class Meta:
        ordering: ClassVar = ["chat", "id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["chat", "user"], name="chat_member_once")]

    def __str__(self) -> str:
        return f"{self.user} in {self.chat}"


class Message(models.Model):
    """What somebody wrote. Deleting it empties the body and keeps its place."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="messages")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="messages")
    seq = models.PositiveBigIntegerField(editable=False)
    revision = models.PositiveBigIntegerField(editable=False)  # of its last change
    posted_revision = models.PositiveBigIntegerField(editable=False)  # of its post
    client_id = models.UUIDField(editable=False)  # the author's idempotency key
    reply_to = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="replies")
    body = models.TextField(_("body"), max_length=BODY_MAX_LENGTH, blank=True)
    html = HtmlField(blank=True, editable=False)  # `body` rendered by chats/markdown/html.py; see shown_html
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    edited_at = models.DateTimeField(_("edited at"), null=True, blank=True, editable=False)
    deleted_at = models.DateTimeField(_("deleted at"), null=True, blank=True, editable=False)

    class Meta:
        ordering: ClassVar = ["chat", "seq"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["chat", "seq"], name="message_seq_once"),
            models.UniqueConstraint(fields=["chat", "revision"], name="message_revision_once"),
            models.UniqueConstraint(fields=["chat", "author", "client_id"], name="message_client_id_once"),
            models.CheckConstraint(
                condition=Q(seq__gte=1) & Q(posted_revision__gte=F("seq")) & Q(revision__gte=F("posted_revision")),
                name="message_counters_in_order",
            ),
            models.CheckConstraint(
                condition=(Q(deleted_at__isnull=True) & ~Q(body="")) | (Q(deleted_at__isnull=False) & Q(body="")),
                name="message_has_body_unless_deleted",
            ),
        ]
        # What unread counts are read from; see chats/selectors/unread.py.
        indexes: ClassVar = [
            models.Index(fields=["chat", "seq"], condition=Q(deleted_at__isnull=False), name="message_deleted"),
            models.Index(fields=["chat", "seq"], condition=Q(deleted_at__isnull=True), name="message_standing"),
        ]

    def __str__(self) -> str:
        return f"#{self.seq}"  # without its text: the admin's log keeps what this returns, of direct messages, too

    @property
    def shown_html(self) -> str:
        """What is shown of the body: `html`, or where that is too large to be read, the body as text."""
        return self.html or (as_text(self.body) if self.body else "")

    @functools.cached_property
    def excerpt(self) -> str:
        """What is quoted of the body; where only the `beginning` of it was read, of that."""
        beginning: str | None = getattr(self, "beginning", None)
        return excerpt(self.body if beginning is None else beginning)


class Mention(models.Model):
    """A member named by `@username` in a message."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="mentions")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mentions")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["message", "user"], name="mention_once")]

    def __str__(self) -> str:
        return f"@{self.user} in {self.message}"


class Notification(models.Model):
    """Something that wants a user's attention: it rings their bell once."""

    class Kind(models.TextChoices):
        MENTION = "mention", _("Mention")
        REPLY = "reply", _("Reply")
        ADDED = "added", _("Added to a chat")
        INVITED = "invited", _("Invited to a workspace")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications")
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    # Null for an invitation, which is about no chat yet and refers to its notification.
    chat = models.ForeignKey(Chat, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    message = models.ForeignKey(Message, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    read_at = models.DateTimeField(_("read at"), null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "message", "kind"], name="notification_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user", "-created_at"], name="notification_by_user"),
            models.Index(fields=["user"], condition=Q(read_at__isnull=True), name="notification_unread"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.user}"

    @property
    def excerpt(self) -> str:
        """What is quoted of the message, if there is one; where only the `beginning` of that was read, of this."""
        if self.message is None:
            return ""
        beginning: str | None = getattr(self, "beginning", None)
        return self.message.excerpt if beginning is None else excerpt(beginning)


class WorkspaceInvite(models.Model):
    """A link that lets whoever has it join a workspace, until it expires or is used up."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="invites")
    token = models.CharField(max_length=43, unique=True, default=new_invite_token, editable=False)
    role = models.CharField(_("role"), max_length=8, choices=Role.choices, default=Role.MEMBER)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("created by")
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires at"))
    max_uses = models.PositiveIntegerField(_("most uses"), null=True, blank=True)
    use_count = models.PositiveIntegerField(_("uses"), default=0, editable=False)

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(role__in=["admin", "member"]), name="invite_role"),
            models.CheckConstraint(
                condition=Q(max_uses__isnull=True) | Q(use_count__lte=F("max_uses")), name="invite_not_overused"
            ),
        ]

    def __str__(self) -> str:
        return f"Invite to {self.workspace}"

    @property
    def is_usable(self) -> bool:
        """Whether it has neither expired nor been used up."""
        return self.expires_at > timezone.now() and (self.max_uses is None or self.use_count < self.max_uses)


class WorkspaceInvitation(models.Model):
    """Somebody was asked by name to join a workspace.

    It is open until it is accepted, declined, taken back or expires.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="invitations")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="invitations")
    username = models.CharField(_("username"), max_length=150, blank=True)  # as the maker typed it; all that they see
    role = models.CharField(_("role"), max_length=8, choices=Role.choices, default=Role.MEMBER)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", verbose_name=_("invited by")
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires at"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True, editable=False)
    notification = models.OneToOneField(
        Notification, null=True, editable=False, on_delete=models.SET_NULL, related_name="invitation"
    )

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "user"], condition=Q(ended_at__isnull=True), name="invitation_open_once"
            ),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="invitation_role"),
        ]
        indexes: ClassVar = [models.Index(fields=["invited_by", "created_at"], name="invitation_by_maker")]

    def __str__(self) -> str:
        return f"Invitation of {self.user} to {self.workspace}"


class WorkspaceDeparture(models.Model):
    """That somebody declined, left or was removed: what keeps a workspace from having them back against their will."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    refused_at = models.DateTimeField(null=True, blank=True)  # when they last declined or left
    removed_at = models.DateTimeField(null=True, blank=True)  # when they were last removed

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["workspace", "user"], name="departure_once")]

    def __str__(self) -> str:
        return f"{self.user} and {self.workspace}"


class Block(models.Model):
    """`blocker` wants nothing from `blocked`: no invitation, no direct chat, no mention that rings."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    blocker = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="blocks")
    blocked = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["blocker", "blocked"], name="block_once"),
            models.CheckConstraint(condition=~Q(blocker=F("blocked")), name="block_of_somebody_else"),
        ]

    def __str__(self) -> str:
        return f"{self.blocker} blocks {self.blocked}"
