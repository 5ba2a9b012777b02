"""Use a Python client that openapi-generator made: python -m tests.api.document.generated_client FOLDER ADDRESS.

FOLDER has the package `flowra_client`, ADDRESS is a server with the demo in it. Ends with an AssertionError, or an
exception of the client's, where the client cannot do what docs/api.md says.
"""

from __future__ import annotations

import importlib
import sys
import uuid
from typing import Any


def main(folder: str, address: str) -> None:
    """Sign in, post, catch up, look who is online, and meet refusals."""
    sys.path.insert(0, folder)
    client: Any = importlib.import_module("flowra_client")
    configuration = client.Configuration(host=address)
    with client.ApiClient(configuration) as connection:
        chats, workspaces = client.ChatsApi(connection), client.WorkspacesApi(connection)
        pair = client.AuthApi(connection).obtain_tokens(client.Credentials(username="john", password="demo"))
        configuration.access_token = pair.access
        me = client.MeApi(connection).get_me()
        assert me.username == "john"

        workspace = workspaces.create_workspace(client.WorkspaceWrite(name="Generated clients"))
        titled = client.TitledChatCreate(workspace_id=workspace.id, kind="task", title="Post from a generated client")
        chat = chats.create_chat(client.ChatCreate(titled))
        body = "Grüße **aus** 東京 \N{WAVING HAND SIGN}"
        posted = chats.post_message(chat.id, client.MessageCreate(body=body, client_id=uuid.uuid4()))
        assert (posted.body, posted.seq, posted.author.username) == (body, 1, "john")
        assert [message.id for message in chats.list_messages(chat.id).results] == [posted.id]
        changes = chats.list_changes(chat.id, since=0)
        assert (changes.revision, [change.type for change in changes.results]) == (1, ["chat.message.posted"])
        assert chats.mark_read(chat.id, client.ReadWrite(seq=1)).unread_count == 0
        presence = chats.get_chat_presence(chat.id)
        assert [(member.user_id, member.is_online) for member in presence] == [(me.id, False)]
        assert presence[0].version < 2**53

        refused = _refusal(
            client, lambda: workspaces.rename_workspace(workspace.id, client.WorkspaceWrite(name="\u2066"))
        )
        assert (refused.status, refused.data.code) == (400, "invalid")
        assert refused.data.additional_properties["name"] == [refused.data.detail]
        missing = _refusal(client, lambda: chats.get_chat(uuid.uuid4()))
        assert (missing.status, missing.data.code, missing.data.additional_properties) == (404, "not_found", {})


def _refusal(client: Any, call: Any) -> Any:
    try:
        call()
    except client.ApiException as error:
        return error
    raise AssertionError("The server did not refuse.")


if __name__ == "__main__":
    main(*sys.argv[1:])
