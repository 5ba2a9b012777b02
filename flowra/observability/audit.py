"""The audit log: a line of flowra.audit for each deletion and removal, with ids and without any text.

The deleted rows are gone, so nothing else records them.
"""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings

from chats import events
from realtime.sockets.log_context import current

logger = logging.getLogger("flowra.audit")  # documented: docs/operations.md


def note(sender: type, event: events.DomainEvent, **kwargs: Any) -> None:
    """Log a domain event (chats/events.py), in the thread that caused it."""
    match event:
        case events.MessageDeleted():
            message = event.data["id"]
            _say("deleted a message", workspace=event.workspace_id, chat=event.chat_id, message=message)
        case events.ChatDeleted():
            _say("deleted a chat", workspace=event.workspace_id, chat=event.chat_id)
        case events.MemberRemoved():
            _say("took a member out of a chat", workspace=event.workspace_id, chat=event.chat_id, user=event.user_id)
        case events.WorkspaceDeleted():
            _say("deleted a workspace", workspace=event.workspace_id)
        case events.WorkspaceMemberRemoved():
            _say("took a member out of a workspace", workspace=event.workspace_id, user=event.user_id)


def _say(action: str, **concerned: object) -> None:
    """Log an action of the current request's or socket's user; of a command there is none."""
    who = current().ids().get("user_id")
    ids = {name: str(value) for name, value in concerned.items()}
    shown = ", ".join(f"{name} {value}" for name, value in ids.items())
    actor = f"User {who}" if who else "A command"
    # Seeding the demo deletes a message, which is not worth a line.
    level = logging.DEBUG if who is None and settings.DEMO else logging.INFO
    logger.log(level, "%s %s: %s", actor, action, shown, extra={"audit": {"action": action, "by": who, **ids}})
