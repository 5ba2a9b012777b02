"""What the OpenAPI document says is what the server does: a schema-driven fuzzer finds no difference.

A few examples for each endpoint, in the process. Valid ids in paths are replaced by those of the cast, so that
the examples reach further than a 404.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from schemathesis.core.result import Ok

from chats import services
from flowra.accounts.security.tokens import issue_tokens
from presence.registry.base import describe_process
from presence.registry.current import get_registry
from tests.api.access.test_access import served
from tests.conftest import Cast

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# A sound request may still name a row that is not there or not the caller's: a reply to no message, a member
# who is in another workspace, nobody's username, or a name that is somebody else's already. Names may also hold
# nothing invisible, which no pattern says that all generators take.
ROWS_DECIDE = {"createChat", "addChatMembers", "addWorkspaceMember", "postMessage", "updateMe"}


def make_document() -> dict[str, Any]:
    """Return the document that the server serves."""
    generator: Any = SchemaGenerator  # untyped
    document: dict[str, Any] = generator().get_schema(public=True)
    return document


schema = schemathesis.openapi.from_dict(
    make_document(),
    # The fuzzer knows too little of \p{C} to keep to the pattern beyond Latin-1; test_input.py goes there.
    config=schemathesis.Config.from_dict({"generation": {"codec": "iso8859-1"}}),
)
schema.app = get_wsgi_application()


@pytest.fixture(autouse=True)
def _keep_connection() -> Iterator[None]:
    # The server drops the connection after a request, and with it the test's transaction.
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    yield
    request_started.connect(close_old_connections)
    request_finished.connect(close_old_connections)


@pytest.fixture(autouse=True)
def _know_who_is_online() -> Iterator[None]:
    # Without a server nobody has begun to note it, and presence is a 503.
    get_registry.cache_clear()
    get_registry().register(describe_process())
    yield
    get_registry.cache_clear()


@pytest.fixture
def real_ids(cast: Cast) -> dict[str, str]:
    """Give ids that lead somewhere."""
    posted = services.post_message(user=cast.owner, chat_id=cast.chat.pk, body="Look at the docs", client_id=uuid4())
    return {
        "workspace_id": str(cast.workspace.pk),
        "chat_id": str(cast.chat.pk),
        "user_id": str(cast.member.pk),
        "message_id": str(posted.message.pk),
        "invite_id": str(services.create_invite(user=cast.owner, workspace_id=cast.workspace.pk).pk),
    }


@schema.parametrize()
@hypothesis_settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_the_server_does_what_the_document_says(
    case: schemathesis.Case[Any], cast: Cast, real_ids: dict[str, str]
) -> None:
    for name, value in (case.path_parameters or {}).items():
        if name in real_ids and isinstance(value, str) and UUID.fullmatch(value):
            case.path_parameters[name] = real_ids[name]
    # Schemathesis does not inflate what a WSGI application has compressed.
    headers = {"Authorization": f"Bearer {issue_tokens(cast.owner).access}", "Accept-Encoding": "identity"}
    excluded: list[Any] = []
    if case.operation.definition.raw["operationId"] in ROWS_DECIDE:
        excluded = [
            check for check in schemathesis.checks.CHECKS.get_all() if check.__name__ == "positive_data_acceptance"
        ]
    case.call_and_validate(headers=headers, excluded_checks=excluded)


def test_every_endpoint_is_tried_in_each_method() -> None:
    """What is served, what the document says and what is tried above are the same, and nothing is filtered out."""
    tried = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    called = {(operation.method.upper(), operation.full_path) for operation in tried}
    documented = {(method.upper(), path) for path, methods in make_document()["paths"].items() for method in methods}
    assert called == documented
    assert {(method, re.sub(r"{\w+}", "{}", path.removeprefix("/api/v1/"))) for method, path in called} == served()
    assert {operation.definition.raw["operationId"] for operation in tried} > ROWS_DECIDE
    # Without its credential every call is made once more, and must be refused: `ignored_auth`.
    protected = {operation.full_path for operation in tried if operation.definition.raw.get("security")}
    assert {path for _, path in called} - protected == {
        f"/api/v1/auth/{name}" for name in ("token", "token/refresh", "token/revoke")
    }
    checks = {check.__name__ for check in schemathesis.checks.CHECKS.get_all()}
    assert checks >= {"ignored_auth", "negative_data_rejection", "not_a_server_error", "response_schema_conformance"}
