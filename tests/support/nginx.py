"""nginx with deploy/nginx.conf, TLS and all, in front of two servers on this machine.

    with Nginx([one.port, two.port]) as front:
        httpx.get(f"{front.base_url}/accounts/login/", verify=front.trusted)

The servers need FLOWRA_HTTPS=true and FLOWRA_TRUSTED_PROXIES=127.0.0.1. Clients trust its certificate with `trusted`,
or with SSL_CERT_FILE set to CERTIFICATE.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import httpx

from tests.support.processes import ROOT, ProgramError, free_port, temporary_folder, wait_until

CERTIFICATE = ROOT / "tests" / "realtime" / "outbox" / "tls" / "certificate.pem"


class Nginx:
    """A front that takes a free port for TLS, and one that leads there."""

    def __init__(self, ports: Sequence[int]) -> None:
        self.folder = temporary_folder()
        self._tls = free_port()
        self._config = write_config(self.folder, ports, free_port(), self._tls)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        """The address of the pages, without a slash at the end."""
        return f"https://127.0.0.1:{self._tls}"

    @property
    def trusted(self) -> ssl.SSLContext:
        """A client's context that trusts the certificate, and no other."""
        return ssl.create_default_context(cafile=str(CERTIFICATE))

    def errors(self) -> str:
        """Return its error log."""
        return (self.folder / "error.log").read_text()

    def answers(self) -> Counter[str]:
        """Return how many requests were answered with which status; an upgrade counts when its socket has ended."""
        return Counter(json.loads(line)["status"] for line in (self.folder / "access.log").read_text().splitlines())

    def __enter__(self) -> Self:
        program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
        if program is None:
            raise ProgramError("nginx is not installed. Debian and Ubuntu: apt-get install nginx")
        command = [program, "-c", str(self._config), "-e", str(self.folder / "error.log")]
        checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False, timeout=30)
        if checked.returncode:
            raise ProgramError(checked.stderr)
        self._process = subprocess.Popen([*command, "-g", "daemon off;"])
        try:
            wait_until(self._listens, 20, "nginx")
        except ProgramError:
            self.__exit__()
            raise
        return self

    def _listens(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise ProgramError(f"nginx has ended:\n{self.errors()}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._tls)) == 0

    def __exit__(self, *_: object) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def write_config(folder: Path, ports: Sequence[int], plain: int, tls: int) -> Path:
    """Write deploy/nginx.conf with the addresses and files of this machine in place of the containers'."""
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    shutil.copy(CERTIFICATE, folder / "certificate.pem")
    shutil.copy(CERTIFICATE.with_name("key.pem"), folder / "key.pem")
    for there, here in (
        ("app-1:8000", f"127.0.0.1:{ports[0]}"),
        ("app-2:8000", f"127.0.0.1:{ports[1]}"),
        ("/etc/nginx/tls", str(folder)),
        ("/tmp/nginx.pid", f"{folder}/nginx.pid"),  # noqa: S108  (a text in a file)
        ("worker_processes auto;", "worker_processes 1;"),
        ("worker_rlimit_nofile 65536;", ""),
        ("worker_connections 16384;", "worker_connections 4096;"),
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("listen 443 ssl http2;", f"listen 127.0.0.1:{tls} ssl http2;"),
        ("/dev/stdout", f"{folder}/access.log"),
        ("/dev/stderr", f"{folder}/error.log"),
    ):
        assert there in text, there
        text = text.replace(there, here)
    # Where Debian's nginx would write instead, only root may.
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"    {kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    text = text.replace("http {\n", f"http {{\n{paths}", 1)
    config = folder / "nginx.conf"
    config.write_text(text)
    return config


def browser(front: str) -> httpx.Client:
    """Return a client that trusts the test's certificate, and nothing from the environment."""
    trusted = ssl.create_default_context(cafile=str(CERTIFICATE))
    return httpx.Client(base_url=front, verify=trusted, timeout=20, trust_env=False)
