"""nginx as deploy/nginx.conf sets it up, with TLS, in front of servers on this machine."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx

from tests.processes import ROOT, free_port, temporary_folder, wait_until

CERTIFICATE = ROOT / "tests" / "realtime" / "tls" / "certificate.pem"


def nginx_config(folder: Path, ports: Sequence[int], plain: int, tls: int) -> Path:
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
        ("worker_connections 16384;", "worker_connections 256;"),
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


@contextlib.contextmanager
def nginx_before(ports: Sequence[int]) -> Iterator[str]:
    """Give the address of a running nginx, with TLS, in front of two servers."""
    folder, plain, tls = temporary_folder(), free_port(), free_port()
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "nginx is not installed. Debian and Ubuntu: apt-get install nginx"
    config = nginx_config(folder, ports, plain, tls)
    command = [program, "-c", str(config), "-e", str(folder / "error.log")]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False, timeout=30)
    assert checked.returncode == 0, checked.stderr
    nginx = subprocess.Popen([*command, "-g", "daemon off;"])

    def listens() -> bool:
        assert nginx.poll() is None, (folder / "error.log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", tls)) == 0

    try:
        wait_until(listens, 20, "nginx")
        yield f"https://127.0.0.1:{tls}"
    finally:
        nginx.send_signal(signal.SIGQUIT if nginx.poll() is None else 0)
        try:
            nginx.wait(10)
        except subprocess.TimeoutExpired:
            nginx.kill()
            nginx.wait()


def browser(front: str) -> httpx.Client:
    """Return a client that trusts the test's certificate, and nothing from the environment."""
    trusted = ssl.create_default_context(cafile=str(CERTIFICATE))
    return httpx.Client(base_url=front, verify=trusted, timeout=20, trust_env=False)
