"""Fields that nobody may set are refused or ignored, wherever they are put in."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db.models import Model
from django.forms.models import model_to_dict

from chats import services
from flowra.accounts.models import User
from tests.api.conftest import Callers
from tests.conftest import Cast

FORBIDDEN: dict[str, Any] = {
    "id": str(uuid4()), "pk": str(uuid4()), "seq": 99, "revision": 99, "access_version": 99, "created_by": None,
    "created_by_id": None, "author": None, "author_id": str(uuid4()), "html": "<script>", "is_staff": True,
    "is_superuser": True, "is_active": False, "username": "root", "password": "x", "email": "x@example.org",
    "security_stamp": "x", "workspace": str(uuid4()), "is_closed": True, "closed_at": "2020-01-01T00:00:00Z",
    "created_at": "2020-01-01T00:00:00Z", "edited_at": "2020-01-01T00:00:00Z", "deleted_at": "2020-01-01T00:00:00Z",
    "owner": None, "role": "owner", "last_read_seq": 99,
}  # fmt: skip


@pytest.mark.parametrize("field", FORBIDDEN)
def test_only_what_may_be_set_is_set(cast: Cast, callers: Callers, field: str) -> None:
    message = services.post_message(user=cast.member, chat_id=cast.chat.pk, body="mine", client_id=uuid4()).message
    extra = {field: FORBIDDEN[field]}
    rows: tuple[Model, ...] = (User.objects.get(pk=cast.member.pk), cast.chat, cast.workspace, message)
    for row in rows:
        row.refresh_from_db()
    before = [model_to_dict(row) for row in rows]
    for path, body in (
        ("/me", {"display_name": cast.member.display_name}),
        (f"/chats/{cast.chat.pk}", {"title": cast.chat.title}),
        (f"/workspaces/{cast.workspace.pk}", {"name": cast.workspace.name}),
        (f"/chats/{cast.chat.pk}/messages/{message.pk}", {"body": "mine"}),
    ):
        assert callers.member.patch(path, {**body, **extra}).status in (200, 400, 403)
    for row, was in zip(rows, before, strict=True):
        row.refresh_from_db()
        now = model_to_dict(row)
        changes = {name for name in now if now[name] != was[name]}
        assert changes <= {"revision", "edited_at"} - {field}
