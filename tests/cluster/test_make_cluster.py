"""`make cluster`, and deploy/nginx.conf with TLS in front of it: the topology of deploy/compose.yaml without Docker."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import websockets

from tests.support.clients import open_socket
from tests.support.conversation import converse
from tests.support.nginx import CERTIFICATE, Nginx, browser
from tests.support.processes import ROOT, environment, free_port, temporary_folder, wait_until

UP_SECONDS = 90


class Cluster:
    """`python -m deploy.cluster` with two servers on SQLite, behind TLS, and a Valkey of its own."""

    def __init__(self, *ports: int) -> None:
        self.folder = temporary_folder()
        self.ports = list(ports) or [free_port(), free_port()]
        self._log = self.folder / "cluster.log"
        env = environment(self.folder, {"FLOWRA_HTTPS": "true", "FLOWRA_TRUSTED_PROXIES": "127.0.0.1"})
        command = [sys.executable, "-m", "deploy.cluster", "--ports", *map(str, self.ports)]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)

    def output(self) -> str:
        return self._log.read_text(errors="replace")

    def wait_until_up(self) -> None:
        def is_up() -> bool:
            assert self.process.poll() is None, self.output()
            return "The cluster is up: " in self.output()

        wait_until(is_up, UP_SECONDS, "the cluster")

    def pid_of(self, port: int) -> int:
        """Return the pid of the server that listens on a port."""
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue  # it ended
            if words[-2:-1] == [str(port).encode()] and b"serve" in words:
                return int(folder.name)
        raise AssertionError(f"Nothing listens on {port}:\n{self.output()}")

    def pid_of_broker(self) -> int:
        """Return the pid of the Valkey that it has started."""
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                _, name, rest = re.split(r"[()]", (folder / "stat").read_text(), maxsplit=2)
            except OSError:
                continue  # it ended
            state, parent = rest.split()[:2]
            if name == "valkey-server" and int(parent) == self.process.pid and state != "Z":
                return int(folder.name)
        raise AssertionError(f"There is no broker:\n{self.output()}")

    def close(self) -> None:
        """End it and what it has started, however far a test has come."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise


@pytest.fixture(scope="module")
def cluster_processes() -> Iterator[Cluster]:
    """Give a running cluster, shared by the tests of this module."""
    running = Cluster()
    try:
        running.wait_until_up()
        yield running
    finally:
        running.close()


@pytest.fixture(scope="module")
def front(cluster_processes: Cluster) -> Iterator[str]:
    """Give the address of nginx, with TLS, in front of the cluster."""
    with Nginx(cluster_processes.ports) as nginx:
        yield nginx.base_url


async def test_a_conversation_through_tls_and_nginx(front: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both people come through the same door, to whichever server it chooses, with nothing sticky."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    for _ in range(3):
        await converse(front)


async def test_somebody_signs_in_on_the_page_and_opens_its_socket(front: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The servers know that it is TLS outside: no loop of redirects, secure cookies, and the form's origin is right."""
    with browser(front) as page:
        shown = page.get("/accounts/login/", headers={"X-Request-ID": "chosen-by-the-client"})
        assert shown.status_code == 200
        assert len(shown.headers["X-Request-ID"]) == 32  # nginx makes it
        form = {"username": "john", "password": "demo", "csrfmiddlewaretoken": page.cookies["__Host-csrftoken"]}
        signed_in = page.post("/accounts/login/", data=form, headers={"Origin": front, "Referer": f"{front}/"})
        assert signed_in.status_code == 302, signed_in.text[:500]
        assert all("Secure" in cookie for cookie in signed_in.headers.get_list("set-cookie"))
        cookie = f"__Host-sessionid={page.cookies['__Host-sessionid']}"
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    async with await open_socket(front, origin=front, additional_headers={"Cookie": cookie}) as socket:
        assert json.loads(await socket.recv())["type"] == "welcome"
    with pytest.raises(websockets.InvalidStatus):
        await open_socket(front, origin="https://evil.example", additional_headers={"Cookie": cookie})


@pytest.mark.parametrize("path", ["/metrics", "/readyz"])
def test_machines_ask_inside(front: str, path: str) -> None:
    with browser(front) as page:
        assert page.get(path).status_code == 404


async def test_a_broker_that_dies_is_started_again(
    cluster_processes: Cluster, front: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = cluster_processes.pid_of_broker()
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: "Valkey died with status -9" in cluster_processes.output(), 10, "the broker's end to be noticed")

    def are_ready() -> bool:
        ports = cluster_processes.ports
        return all(httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=20).status_code == 200 for port in ports)

    wait_until(are_ready, 30, "the servers to find the new broker")
    assert cluster_processes.pid_of_broker() != killed
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    await converse(front)


def test_a_port_that_is_taken_ends_it_whole() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        cluster = Cluster(taken.getsockname()[1], free_port())
        try:
            assert cluster.process.wait(UP_SECONDS) == 1
        finally:
            cluster.close()
    assert "Cannot listen on 127.0.0.1 port" in cluster.output()
    assert "could not start; stopping." in cluster.output()
    with pytest.raises(AssertionError):
        cluster.pid_of(cluster.ports[1])


def test_one_that_dies_is_replaced_and_a_stop_is_orderly(cluster_processes: Cluster, front: str) -> None:
    """The last test of the module, because nothing runs after it."""
    port = cluster_processes.ports[0]
    killed = cluster_processes.pid_of(port)
    os.kill(killed, signal.SIGKILL)
    with browser(front) as page:
        for _ in range(6):  # the other one answers meanwhile
            assert page.get("/accounts/login/").status_code == 200

    def is_back() -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    wait_until(is_back, UP_SECONDS, "the server's successor")
    assert cluster_processes.pid_of(port) != killed
    assert (
        f"The server on port {port} (pid {killed}) died with status -9; starting another." in cluster_processes.output()
    )
    before = len(cluster_processes.output())  # the broker's death has left a traceback in there
    cluster_processes.process.send_signal(signal.SIGINT)
    assert cluster_processes.process.wait(30) == 0
    assert "Traceback" not in cluster_processes.output()[before:]
