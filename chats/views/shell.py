"""The frame around a page: workspaces, the list of chats, the bell. A constant number of queries."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from chats.models import ChatKind, ChatMember, WorkspaceMember
from chats.search.folding import name_key
from chats.selectors.chats import list_chats, peers_of
from chats.selectors.notifications import count_unread_notifications
from chats.selectors.unread import unread_count
from chats.selectors.workspaces import list_workspaces

if TYPE_CHECKING:
    from flowra.accounts.models import User


@dataclasses.dataclass(frozen=True, slots=True)
class ChatEntry:
    """A chat in the list; `peer` is the other person of a direct chat."""

    membership: ChatMember
    label: str
    peer: User | None
    is_current: bool

    @property
    def unread_count(self) -> int:
        """How many messages the viewer has not read."""
        return unread_count(self.membership)

    @property
    def mention_count(self) -> int:
        """How many of them mention the viewer."""
        return self.membership.mention_count


@dataclasses.dataclass(frozen=True, slots=True)
class WorkspaceEntry:
    """A workspace in the menu."""

    membership: WorkspaceMember
    unread_count: int
    is_current: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Shell:
    """What navbar and sidebar show; `workspace` is None for users without one."""

    workspaces: Sequence[WorkspaceEntry]
    workspace: WorkspaceMember | None
    rooms: Sequence[ChatEntry]  # of this workspace
    total_unread: int  # in all workspaces
    bell_count: int

    @property
    def discussions(self) -> list[ChatEntry]:
        """The open discussions."""
        return self._open(ChatKind.DISCUSSION)

    @property
    def work(self) -> list[ChatEntry]:
        """The open tasks, bugs and epics."""
        return self._open(ChatKind.TASK, ChatKind.BUG, ChatKind.EPIC)

    @property
    def directs(self) -> list[ChatEntry]:
        """The direct chats."""
        return self._open(ChatKind.DIRECT)

    @property
    def closed(self) -> list[ChatEntry]:
        """The closed chats."""
        return [room for room in self.rooms if room.membership.chat.is_closed]

    def room(self, chat_id: UUID) -> ChatEntry | None:
        """Return the room of a chat of this workspace."""
        return next((room for room in self.rooms if room.membership.chat_id == chat_id), None)

    def _open(self, *kinds: str) -> list[ChatEntry]:
        rooms = (room for room in self.rooms if room.membership.chat.kind in kinds)
        return [room for room in rooms if not room.membership.chat.is_closed]


def build_shell(user: User, *, workspace_id: UUID | None = None, chat_id: UUID | None = None) -> Shell:
    """Return the frame for `user`: around a chat, or a workspace, or the first workspace they are in."""
    workspaces = list(list_workspaces(user))
    memberships = list(list_chats(user, and_hidden=chat_id))
    current = next((row.chat.workspace_id for row in memberships if row.chat_id == chat_id), workspace_id)
    workspace = next((row for row in workspaces if row.workspace_id == current), workspaces[0] if workspaces else None)
    here = [row for row in memberships if workspace is not None and row.chat.workspace_id == workspace.workspace_id]
    return Shell(
        workspaces=[
            WorkspaceEntry(row, _unread(memberships, row.workspace_id), row is workspace) for row in workspaces
        ],
        workspace=workspace,
        rooms=_rooms(here, chat_id),
        total_unread=sum(unread_count(row) for row in memberships),
        bell_count=count_unread_notifications(user),
    )


def build_entry(membership: ChatMember) -> ChatEntry:
    """Return one chat as the list shows it, without the rest of the list; its `chat` is loaded."""
    return _rooms([membership], membership.chat_id)[0]


def _rooms(memberships: Sequence[ChatMember], chat_id: UUID | None) -> list[ChatEntry]:
    peers = peers_of(memberships)
    rooms = []
    for row in memberships:
        peer = peers.get(row.chat_id)
        label = row.chat.title if peer is None else peer.get_full_name()
        rooms.append(ChatEntry(row, label or str(row.chat), peer, row.chat_id == chat_id))
    # Work is in order of creation; discussions and direct chats are sorted by name.
    named = (ChatKind.DISCUSSION, ChatKind.DIRECT)
    return sorted(rooms, key=lambda room: name_key(room.label) if room.membership.chat.kind in named else "")


def _unread(memberships: Iterable[ChatMember], workspace_id: UUID) -> int:
    return sum(unread_count(row) for row in memberships if row.chat.workspace_id == workspace_id)
