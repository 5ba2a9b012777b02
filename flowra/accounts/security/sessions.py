"""Browser sessions in the database, each with an id that stays when its key changes.

A session's key changes at sign-in and with the password, so that a key somebody else has seen is worth nothing. Its
sockets stay what they are: they are found by the id, which is kept in the session and in a column beside it.
"""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone

if TYPE_CHECKING:
    from flowra.accounts.models import BrowserSession

SID = "sid"


def new_sid() -> str:
    """Return an id for a session."""
    return secrets.token_hex(16)


class SessionStore(DatabaseStore):
    """Django's, with the id in a column, and the word of when the session that was read ends."""

    ends_at: datetime.datetime  # set once the session was read and is there

    @classmethod
    def get_model_class(cls) -> type[BrowserSession]:
        """Return the model of the rows."""
        from flowra.accounts.models import BrowserSession  # models need this module first

        return BrowserSession

    def _get_session_from_db(self) -> BrowserSession | None:
        row: Any = super()._get_session_from_db()  # type: ignore[misc]  # the stubs do not know it
        if row is not None:
            self.ends_at = row.expire_date
        return row  # type: ignore[no-any-return]

    def create_model_instance(self, data: Mapping[str, Any]) -> BrowserSession:
        """Return the row for these data."""
        row: Any = super().create_model_instance(dict(data))
        row.sid = data.get(SID, "")
        return row  # type: ignore[no-any-return]


def find_key(sid: str) -> str:
    """Return the present key of the session with this id, or nothing where it ended."""
    rows = SessionStore.get_model_class().objects.filter(sid=sid, expire_date__gt=timezone.now())
    return rows.order_by("-expire_date").values_list("session_key", flat=True).first() or ""
