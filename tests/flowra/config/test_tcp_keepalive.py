"""What connections are made with, so that a lost machine is noticed; tests/faults tries whether it is."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from flowra.config.tcp_keepalive import POSTGRESQL_OPTIONS, redis_options
from tests.support.processes import PostgreSQL, environment, run_manage

SHOW = """
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SHOW idle_in_transaction_session_timeout")
    print("held", cursor.fetchone()[0])
    print("dead after", connection.connection.info.get_parameters().get("tcp_user_timeout"))
"""


@pytest.mark.parametrize(
    ("parameters", "held", "dead_after"),
    [
        ("", "10s", POSTGRESQL_OPTIONS["tcp_user_timeout"]),
        ("?tcp_user_timeout=3000&options=-c%20idle_in_transaction_session_timeout%3D70s", "70s", 3000),
    ],
)
def test_the_url_has_the_last_word(
    postgresql: PostgreSQL, tmp_path: Path, parameters: str, held: str, dead_after: int
) -> None:
    env = environment(tmp_path, {"DATABASE_URL": postgresql.url("postgres") + parameters})
    said = run_manage(["shell", "-c", SHOW], env)
    assert f"held {held}\n" in said
    assert f"dead after {dead_after}\n" in said


def test_the_broker() -> None:
    options = redis_options("redis://127.0.0.1:6379/0")
    assert options["socket_keepalive"]
    assert socket.TCP_KEEPIDLE in options["socket_keepalive_options"]
    assert redis_options("unix:///run/valkey.sock?db=0") == {}
