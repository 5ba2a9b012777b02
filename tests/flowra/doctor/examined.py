"""The doctor as its caller meets it: a process with settings, a status, and findings."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.support.processes import ROOT, environment, migrated_sqlite

# As in production, but for what each test changes.
PRODUCTION = {
    "DEBUG": "false",
    "SECRET_KEY": "Zk3-vQ8xN1mB7rT5yU9wE2pL6sD4fG0hJcXaViRoKqWtYbMnCe",
    "ALLOWED_HOSTS": "chat.example.org",
    "FLOWRA_HTTPS": "true",
    "FLOWRA_TRUSTED_PROXIES": "127.0.0.1",
    "FLOWRA_SIGNUP_ENABLED": "true",
    "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Examination:
    """What the doctor said, and how long it took in seconds."""

    exit_status: int
    output: str
    errors: str
    seconds: float

    @property
    def document(self) -> dict[str, Any]:
        """The JSON document."""
        document: dict[str, Any] = json.loads(self.output)
        return document

    def of(self, name: str) -> dict[str, str]:
        """Return the one finding of this name."""
        (finding,) = [finding for finding in self.document["checks"] if finding["name"] == name]
        return dict(finding)

    def names(self, status: str) -> list[str]:
        """Return the names of the findings with this status."""
        return [finding["name"] for finding in self.document["checks"] if finding["status"] == status]


def examine(folder: Path, settings: Mapping[str, str], *options: str, before: str = "") -> Examination:
    """Run the doctor with `folder` for data; `before` runs before it in the same shell."""
    command = [sys.executable, "manage.py", "doctor", *(options or ("--json",))]
    if before:
        command = ["sh", "-c", f'{before} && exec "$@"', "sh", *command]
    began = time.monotonic()
    done = subprocess.run(
        command, cwd=ROOT, env=environment(folder, settings), capture_output=True, text=True, timeout=150, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Examination(done.returncode, done.stdout, done.stderr, time.monotonic() - began)


class _Greeter(socketserver.StreamRequestHandler):
    """As much of SMTP as is spoken before a mail."""

    timeout = 30

    def handle(self) -> None:
        """Greet, agree to everything, and hang up at QUIT."""
        self.wfile.write(b"220 mail.example.org\r\n")
        for line in self.rfile:
            if line.upper().startswith(b"QUIT"):
                self.wfile.write(b"221 Bye\r\n")
                return
            self.wfile.write(b"250 mail.example.org\r\n")


@contextlib.contextmanager
def mail_server() -> Iterator[dict[str, str]]:
    """Give the settings of a mail server on this machine, which ends with the block."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Greeter) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield {"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": str(server.server_address[1])}
        finally:
            server.shutdown()


def with_database(folder: Path) -> Path:
    """Copy an SQLite database with all tables into a data folder, and return its path."""
    return Path(shutil.copy(migrated_sqlite(), folder))
