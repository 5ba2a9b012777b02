"""A database that lost its latest commits is detected, except on SQLite.

tests/faults promotes a real standby.
"""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection

from chats.models import Chat
from chats.services.after_restore import BUMP
from realtime.background import failover
from realtime.models import DatabaseIdentity
from tests.conftest import Cast

TELLS = connection.vendor == "postgresql"


def bumps(cast: Cast) -> int:
    """Return how often the chat's revision was raised."""
    return Chat.objects.get(pk=cast.chat.pk).revision // BUMP


def test_revisions_rise_once_for_each_other_database(cast: Cast) -> None:
    identity = failover.find_failover()
    assert bool(identity) == TELLS
    assert (failover.find_failover(), bumps(cast)) == (identity, 0), "the first look finds nothing to compare with"
    for count in (1, 2):
        DatabaseIdentity.objects.update(identity="1/2/00000001")  # what a standby or a backup says
        for _ in range(2):
            assert (failover.find_failover(), bumps(cast)) == (identity, count if TELLS else 0)


def test_after_the_command_nothing_is_left_to_find(cast: Cast) -> None:
    failover.find_failover()
    DatabaseIdentity.objects.update(identity="1/2/00000001")
    call_command("restored")
    failover.find_failover()
    assert bumps(cast) == 1


@pytest.mark.django_db(transaction=True)
def test_a_database_that_hides_its_timeline_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failover, "_ASK", "SELECT left(no_function_of_this_name(), 8)")
    assert failover.find_failover() == ""
    assert not DatabaseIdentity.objects.exists()
