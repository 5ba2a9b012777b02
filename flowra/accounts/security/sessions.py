"""Browser sessions in the database, each with an id (`sid`) that stays when the session key changes.

The key changes at sign-in and with the password, so that a leaked key is worthless. Open sockets are found by the id,
which is stored in the session and in a column beside it.
"""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Mapping
from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone

from flowra.accounts.models import BrowserSession

SID = "sid"


def new_sid() -> str:
    """Return a random id for a session, 32 hexadecimal digits."""
    return secrets.token_hex(16)


class SessionStore(DatabaseStore):
    """Django's database store, with the id in a column and the time at which the loaded session ends."""

    ends_at: datetime.datetime  # set when a session was loaded

    @classmethod
    def get_model_class(cls) -> type[BrowserSession]:
        """Return the model of the rows."""
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
    """Return the current key of the session with this id, or "" if it has ended."""
    rows = BrowserSession.objects.filter(sid=sid, expire_date__gt=timezone.now())
    return rows.order_by("-expire_date").values_list("session_key", flat=True).first() or ""
