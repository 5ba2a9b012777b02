"""Events about users and workspaces to layer events; realtime/frames/chats.py has the others."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from chats import events
from realtime.broker.events import Audience, LayerEvent, user_group, workspace_group
from realtime.protocol import people as protocol
from realtime.protocol.frames import encode

_MEMBER_FRAMES = {
    events.WorkspaceMemberAdded: (Audience.JOINED, protocol.WorkspaceMemberAdded),
    events.WorkspaceMemberRemoved: (Audience.LEFT, protocol.WorkspaceMemberRemoved),
    events.WorkspaceRoleChanged: (Audience.USER, protocol.WorkspaceRoleChanged),
}


def people_events(event: events.DomainEvent) -> Iterator[LayerEvent]:
    """Yield the layer events for an event about a user or a workspace."""
    match event:
        case events.UserChanged():
            frame = encode(protocol.UserChanged(data=event.data))
            for workspace_id in event.workspace_ids:
                yield _to_workspace(workspace_id, frame, latest_of=f"user {event.user_id}", about=(event.user_id,))
        case events.MeChanged():
            frame = encode(protocol.MeChanged(data=event.data))
            yield to_user(event.user_id, frame, display_name=event.data["display_name"])
        case events.WorkspaceRenamed():
            frame = encode(protocol.WorkspaceChanged(data=event.data))
            yield _to_workspace(event.workspace_id, frame, latest_of="workspace")
        case events.WorkspaceMemberRemoved(data=None):
            name = {"id": str(event.workspace_id), "name": event.workspace_name}
            frame = encode(protocol.WorkspaceDeleted(data=name))
            yield to_user(event.user_id, frame, audience=Audience.LEFT, workspace_id=event.workspace_id)
        case events.WorkspaceMemberEvent():
            yield from _member_events(event)


def _member_events(event: events.WorkspaceMemberEvent) -> Iterator[LayerEvent]:
    """Yield the event for the user, who enters or leaves the workspace with it, and the one for the others."""
    audience, frame_type = _MEMBER_FRAMES[type(event)]
    frame = encode(frame_type(workspace_id=event.workspace_id, workspace_name=event.workspace_name, data=event.data))
    yield to_user(event.user_id, frame, audience=audience, workspace_id=event.workspace_id)
    is_state = isinstance(event, events.WorkspaceRoleChanged)
    yield _to_workspace(
        event.workspace_id,
        frame,
        latest_of=f"role {event.user_id}" if is_state else "",
        about=(event.user_id,) if is_state else (),
        skip_user_id=event.user_id,
    )


def to_user(
    user_id: UUID,
    payload: bytes,
    *,
    audience: Audience = Audience.USER,
    workspace_id: UUID | None = None,
    display_name: str = "",
) -> LayerEvent:
    """Return the event with a frame for all sockets of a user."""
    return LayerEvent(
        group=user_group(user_id),
        audience=audience,
        payload=payload,
        workspace_id=workspace_id,
        user_ids=(user_id,),
        display_name=display_name,
    )


def _to_workspace(
    workspace_id: UUID,
    payload: bytes,
    *,
    latest_of: str,
    about: tuple[UUID, ...] = (),
    skip_user_id: UUID | None = None,
) -> LayerEvent:
    return LayerEvent(
        group=workspace_group(workspace_id),
        audience=Audience.WORKSPACE,
        payload=payload,
        workspace_id=workspace_id,
        user_ids=about,
        skip_user_id=skip_user_id,
        latest_of=latest_of,
    )
