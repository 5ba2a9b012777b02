"""The stop of a server that has sockets: told to /readyz, to the clients, and over in time."""

from __future__ import annotations

import base64
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.support.processes import Server, wait_until

MANY = 230  # sockets; a drain closes 50 every 0.25 s
MAKE_USER = "from flowra.accounts.models import User; User.objects.create_user('mika', 'mika@example.org', 'secret')"


@pytest.fixture(scope="module")
def stopping(processes: None) -> Iterator[Server]:
    """Give a server with the user mika, for tests that stop it: each starts it if need be."""
    with Server({"FLOWRA_RATE_LIMITS": "false"}) as running:
        running.manage("shell", "-v0", "-c", MAKE_USER)
        yield running


@pytest.fixture
def token(stopping: Server) -> str:
    """Give an access token of mika, and have the server running."""
    if not stopping.is_running:
        stopping.start()
    return stopping.manage("issue_token", "mika").strip()


def open_silent_socket(server: Server, token: str) -> socket.socket:
    """Open a socket, read its welcome, and never say anything again, not even goodbye."""
    client = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    key = base64.b64encode(os.urandom(16)).decode()
    client.sendall(
        f"GET /ws/ HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    )
    received = b""
    while b'"welcome"' not in received:
        part = client.recv(65536)
        assert part, received
        received += part
    return client


def state(server: Server) -> str:
    """Return what /readyz says."""
    return str(httpx.get(f"{server.base_url}/readyz", timeout=20).json()["status"])


@contextmanager
def crowd(server: Server, token: str) -> Iterator[None]:
    """Hold so many sockets open that closing them in batches takes a second."""
    with ExitStack() as stack:
        for _ in range(MANY):
            stack.enter_context(open_silent_socket(server, token))
        yield


@pytest.mark.parametrize(("number", "seconds"), [(signal.SIGTERM, 20.0), (signal.SIGINT, 3.0)])
def test_clients_hear_1012_and_the_status_is_0(
    stopping: Server, token: str, number: signal.Signals, seconds: float
) -> None:
    with connect(stopping.ws_url, additional_headers={"Authorization": f"Bearer {token}"}) as client:
        assert '"welcome"' in str(client.recv(timeout=20))
        asked = time.monotonic()
        stopping.send_signal(number)
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=20)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
        assert stopping.wait() == 0
        assert time.monotonic() - asked < seconds
        assert "Traceback" not in stopping.output()


def is_turned_away(server: Server, token: str) -> bool:
    """Whether a new socket is refused so that a proxy tries the next server."""
    try:
        with connect(server.ws_url, additional_headers={"Authorization": f"Bearer {token}"}):
            return False
    except InvalidStatus as refused:
        return refused.response.status_code == 503


def test_while_it_drains_it_is_alive_but_not_ready(stopping: Server, token: str) -> None:
    with crowd(stopping, token):
        assert state(stopping) == "ready"
        stopping.send_signal(signal.SIGTERM)
        wait_until(lambda: state(stopping) == "draining", 20, "the drain")
        answer = httpx.get(f"{stopping.base_url}/readyz")
        assert (answer.status_code, answer.json()["parts"]) == (503, {})
        assert httpx.get(f"{stopping.base_url}/healthz").status_code == 200
        wait_until(lambda: is_turned_away(stopping, token), 5, "new sockets to be turned away")
        assert stopping.wait() == 0
        assert "without completing handshake" not in stopping.output()


def test_a_connection_that_a_proxy_keeps_serves_one_more_request(stopping: Server, token: str) -> None:
    """It is not closed under a request that may be on its way; the answer says that there will be no other."""
    with httpx.Client(base_url=stopping.base_url) as proxy:
        assert "Connection" not in proxy.get("/healthz").headers
        stopping.send_signal(signal.SIGTERM)
        wait_until(lambda: state(stopping) == "draining", 20, "the stop")
        last = proxy.get("/healthz")
        assert (last.status_code, last.headers["Connection"]) == (200, "close")
        assert stopping.wait(2.0) == 0  # and the stop goes on: nothing is kept any more


def test_clients_that_say_nothing_do_not_hold_up_ctrl_c(stopping: Server, token: str) -> None:
    with crowd(stopping, token):
        asked = time.monotonic()
        assert stopping.stop(signal.SIGINT) == 0
        assert time.monotonic() - asked < 3.0


def test_ctrl_c_while_it_drains_quits_at_once(stopping: Server, token: str) -> None:
    with crowd(stopping, token):
        stopping.send_signal(signal.SIGTERM)
        wait_until(lambda: state(stopping) == "draining", 20, "the drain")
        asked = time.monotonic()
        stopping.send_signal(signal.SIGINT)
        assert stopping.wait(seconds=10) == 130
        assert time.monotonic() - asked < 1.0
