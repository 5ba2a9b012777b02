"""The frame around a page: workspaces, the list of chats, the bell. A constant number of queries."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings

from chats.models import ChatMember, WorkspaceMember
from chats.selectors.blocks import blocked_pairs
from chats.selectors.chats import list_chats, peers_of
from chats.selectors.notifications import count_unread_notifications
from chats.selectors.unread import unread_count
from chats.selectors.workspaces import list_workspaces
from chats.views.room_list import ChatEntry, ListStyle, Section, arrange, by_kind

if TYPE_CHECKING:
    from flowra.accounts.models import User


@dataclasses.dataclass(frozen=True, slots=True)
class WorkspaceEntry:
    """A workspace in the menu."""

    membership: WorkspaceMember
    unread_count: int
    mention_count: int
    is_current: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Shell:
    """What navbar and sidebar show; `workspace` is None for users without one."""

    workspaces: Sequence[WorkspaceEntry]
    workspace: WorkspaceMember | None
    rooms: Sequence[ChatEntry]  # of this workspace
    style: ListStyle
    bell_count: int
    presence_enabled: bool
    blocked: Collection[str]  # `direct_key` of the direct chats in which one blocks the other: neither sees presence

    @property
    def sections(self) -> list[Section]:
        """The list of chats."""
        return arrange(self.rooms, self.style)

    @property
    def open_rooms(self) -> list[ChatEntry]:
        """The chats that are not archived, discussions first."""
        return [room for section in by_kind(self.rooms) for room in section.rooms if not room.is_closed]

    @property
    def here(self) -> WorkspaceEntry | None:
        """This workspace's entry in the menu."""
        return next((entry for entry in self.workspaces if entry.is_current), None)

    @property
    def total_unread(self) -> int:
        """How many messages are unread in all workspaces."""
        return sum(entry.unread_count for entry in self.workspaces)

    @property
    def elsewhere_unread(self) -> int:
        """How many messages are unread in the other workspaces."""
        return sum(entry.unread_count for entry in self.workspaces if not entry.is_current)

    @property
    def elsewhere_mentions(self) -> int:
        """How many of them mention the viewer."""
        return sum(entry.mention_count for entry in self.workspaces if not entry.is_current)

    def room(self, chat_id: UUID) -> ChatEntry | None:
        """Return the room of a chat of this workspace."""
        return next((room for room in self.rooms if room.membership.chat_id == chat_id), None)


def build_shell(
    user: User, *, workspace_id: UUID | None = None, chat_id: UUID | None = None, style: ListStyle | None = None
) -> Shell:
    """Return the frame for `user`: around a chat, or a workspace, or the first workspace they are in."""
    workspaces = list(list_workspaces(user))
    memberships = list(list_chats(user, and_hidden=chat_id))
    current = next((row.chat.workspace_id for row in memberships if row.chat_id == chat_id), workspace_id)
    workspace = next((row for row in workspaces if row.workspace_id == current), workspaces[0] if workspaces else None)
    here = [row for row in memberships if workspace is not None and row.chat.workspace_id == workspace.workspace_id]
    peers = peers_of(here)
    return Shell(
        workspaces=[_entry(row, memberships, is_current=row is workspace) for row in workspaces],
        workspace=workspace,
        rooms=[ChatEntry(row, peers.get(row.chat_id), row.chat_id == chat_id) for row in here],
        style=style or ListStyle(),
        bell_count=count_unread_notifications(user),
        presence_enabled=settings.FLOWRA_PRESENCE_ENABLED,
        blocked=blocked_pairs([user.pk]) if peers else (),
    )


def build_entry(membership: ChatMember) -> ChatEntry:
    """Return one chat as the list shows it, without the rest of the list; its `chat` is loaded."""
    return ChatEntry(membership, peers_of([membership]).get(membership.chat_id), is_current=True)


def _entry(workspace: WorkspaceMember, memberships: Iterable[ChatMember], *, is_current: bool) -> WorkspaceEntry:
    inside = [row for row in memberships if row.chat.workspace_id == workspace.workspace_id]
    unread, mentions = sum(map(unread_count, inside)), sum(row.mention_count for row in inside)
    return WorkspaceEntry(workspace, unread, mentions, is_current)
