"""Ids of another workspace, one at a time, in every input that is an id.

Everything else in such a request is the caller's own and right, so that nothing but this one id can be why it fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from django.db.models import Model

from chats import services
from chats.models import (
    Chat,
    ChatMember,
    Message,
    Notification,
    Workspace,
    WorkspaceInvitation,
    WorkspaceInvite,
    WorkspaceMember,
)
from flowra.accounts.models import User
from tests.api.conftest import Callers
from tests.api.document.test_schema_fuzz import make_document
from tests.conftest import Cast, make_user

# What makes a sound request, beside its ids; an operation with a body that is not here fails the test below.
BODIES: dict[str, dict[str, Any]] = {
    "createChat": {"kind": "task", "title": "Mine"},
    "renameChat": {"title": "Mine"},
    "changeChatSettings": {"is_favourite": True},
    "addChatMembers": {},
    "postMessage": {"body": "Hello"},
    "editMessage": {"body": "Hello"},
    "markRead": {"seq": 1},
    "markNotificationsRead": {},
    "renameWorkspace": {"name": "Mine"},
    "createInvite": {},
    "addWorkspaceMember": {},
    "changeRole": {"role": "admin"},
}
WITHOUT_IDS = {"obtainTokens", "refreshTokens", "revokeTokens", "updateMe", "createWorkspace"}
QUERIES = {"listChanges": "since=0", "search": "q=docs"}
# Whose id each input takes, where its name does not say so.
MEANS = {"workspace": "workspace_id", "reply_to": "message_id", "ids": "notification_id",
         "member_ids": "user_id", "user_ids": "user_id"}  # fmt: skip
BY_DESIGN = {
    ("addWorkspaceMember", "user_id"),  # owners add whom they know, by id or by name
    ("unblockUser", "user_id"),  # whom one does not block one does not block
    ("postMessage", "client_id"),  # made by clients, and compared among the author's own
}


class IdInput(NamedTuple):
    """An input that is an id: in the "path", the "query" or the "body" of an operation, alone or in a list."""

    operation: str
    method: str
    path: str
    where: str
    name: str
    in_list: bool = False


def id_inputs() -> Iterator[IdInput]:
    """Yield every input of the document that is an id."""
    document = make_document()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            name = operation["operationId"]
            for parameter in operation.get("parameters", []):
                if parameter["schema"].get("format") == "uuid":
                    yield IdInput(name, method, path, parameter["in"], parameter["name"])
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            for field, shape in properties(document, content.get("schema", {})).items():
                if "uuid" in (shape.get("format"), shape.get("items", {}).get("format")):
                    yield IdInput(name, method, path, "body", field, "items" in shape)


def properties(document: dict[str, Any], shape: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that a body may have."""
    if "$ref" in shape:
        shape = document["components"]["schemas"][shape["$ref"].rpartition("/")[2]]
    fields = dict(shape.get("properties", {}))
    for one in shape.get("oneOf", []):
        fields |= properties(document, one)
    return fields


ID_INPUTS = list(id_inputs())
CLOSED_TO_OTHERS = [id_input for id_input in ID_INPUTS if (id_input.operation, id_input.name) not in BY_DESIGN]


def ids_of(owner: User, fellow: User, workspace: Workspace, chat: Chat) -> dict[str, str]:
    """Return one id of each kind in a workspace, with what they belong to made where it is missing."""
    message = services.post_message(
        user=owner, chat_id=chat.pk, body="hi @" + fellow.username, client_id=uuid4()
    ).message
    return {
        "workspace_id": str(workspace.pk),
        "chat_id": str(chat.pk),
        "user_id": str(fellow.pk),
        "message_id": str(message.pk),
        "invitation_id": str(invite_newcomer(owner, workspace).pk),
        "invite_id": str(services.create_invite(user=owner, workspace_id=workspace.pk).pk),
        "notification_id": str(fellow.notifications.latest("created_at").pk),
    }


def invite_newcomer(owner: User, workspace: Workspace) -> WorkspaceInvitation:
    """Return an open invitation to somebody else."""
    newcomer = make_user(f"newcomer{User.objects.count()}")
    found, _created = services.add_workspace_member(user=owner, workspace_id=workspace.pk, member_id=newcomer.pk)
    assert isinstance(found, WorkspaceInvitation)
    return found


def invitation_to(person: User) -> WorkspaceInvitation:
    """Return an open invitation to `person`, by a stranger."""
    stranger = make_user("stranger")
    workspace = services.create_workspace(user=stranger, name="Strange").workspace
    found, _created = services.add_workspace_member(user=stranger, workspace_id=workspace.pk, member_id=person.pk)
    assert isinstance(found, WorkspaceInvitation)
    return found


def everything(workspace: Workspace) -> list[Any]:
    """Return all rows of a workspace."""
    models: list[tuple[type[Model], str]] = [
        (Workspace, "pk"), (WorkspaceMember, "workspace"), (WorkspaceInvite, "workspace"), (Chat, "workspace"),
        (ChatMember, "chat__workspace"), (Message, "chat__workspace"), (Notification, "chat__workspace"),
    ]  # fmt: skip
    return [list(model._default_manager.filter(**{of: workspace.pk}).order_by("pk").values()) for model, of in models]


@pytest.mark.slow
@pytest.mark.parametrize(
    "id_input", CLOSED_TO_OTHERS, ids=lambda id_input: f"{id_input.operation}-{id_input.where}-{id_input.name}"
)
def test_an_id_of_another_workspace_is_as_good_as_none(cast: Cast, callers: Callers, id_input: IdInput) -> None:
    fellow = make_user("fritz")
    mine = services.create_workspace(user=cast.outsider, name="Mine").workspace
    services.moderate_add_workspace_member(workspace_id=mine.pk, user_id=fellow.pk, role="member")
    membership, _ = services.create_chat(
        user=cast.outsider, workspace_id=mine.pk, kind="task", title="Mine", member_ids=[fellow.pk]
    )
    own = ids_of(cast.outsider, fellow, mine, membership.chat)
    if "/me/invitations/" in id_input.path:
        own["invitation_id"] = str(invitation_to(cast.outsider).pk)
    foreign = ids_of(cast.owner, cast.member, cast.workspace, cast.chat)
    before = everything(cast.workspace)

    def call(wanted: str) -> Any:
        ids = {name: wanted if id_input.where == "path" and name == id_input.name else own[name] for name in own}
        query = QUERIES.get(id_input.operation, "")
        body = dict(BODIES[id_input.operation]) if id_input.operation in BODIES else None
        if id_input.operation == "createChat" and body is not None:
            body["workspace_id"] = own["workspace_id"]
        if id_input.where == "query":
            query = f"{query}&{id_input.name}={wanted}"
        if id_input.where == "body" and body is not None:
            body[id_input.name] = [wanted] if id_input.in_list else wanted
        elif id_input.operation in ("addChatMembers", "addWorkspaceMember") and body is not None:
            body["user_id"] = own["user_id"]
        elif id_input.operation == "markNotificationsRead" and body is not None:
            body["all"] = True
        path = re.sub(r"{(\w+)}", lambda name: ids[name[1]], id_input.path)
        return callers.outsider.call(id_input.method.upper(), f"{path}?{query}", body)

    kind = MEANS.get(id_input.name, id_input.name)
    answer, nothing = call(foreign[kind]), call(str(uuid4()))
    assert (answer.status, answer.data) == (nothing.status, nothing.data)
    assert answer.status in (400, 404) or id_input.operation == "markNotificationsRead"
    assert everything(cast.workspace) == before
    assert call(own[kind]).status in (200, 201, 204, 503)  # 503: nobody has told this process's registry who is online


def test_every_place_for_an_id_is_known() -> None:
    names = {id_input.operation for id_input in ID_INPUTS}
    bodies = {
        operation["operationId"]
        for methods in make_document()["paths"].values()
        for operation in methods.values()
        if "requestBody" in operation
    }
    assert bodies - WITHOUT_IDS == set(BODIES)
    assert not names & WITHOUT_IDS
    assert {(id_input.operation, id_input.name) for id_input in ID_INPUTS} >= BY_DESIGN
    assert len(ID_INPUTS) >= 44
