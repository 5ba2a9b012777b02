"""The servers that are measured: how each is started, its version, and why it may be left out.

What has to be built or installed for them goes into var/benchmarks/, never into the project's own environment.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "var" / "benchmarks"
SERVERS = ROOT / "benchmarks" / "servers"
_LIBRARY = "picows==2.3.1"
_NEVER = "1000000"  # seconds


class LeftOut(Exception):
    """Why a peer cannot be measured here; a whole sentence."""


def _nothing() -> None:
    """Nothing to prepare."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Peer:
    """One kind of server. `command` takes the port; `prepare` builds or installs it, or raises LeftOut."""

    title: str
    dialect: str
    command: Callable[[int], Sequence[str]]
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    prepare: Callable[[], None] = _nothing
    versions: Callable[[], dict[str, str]] = dict
    uses_broker: bool = False  # with REDIS_URL in its environment, or as last argument (`broker_as_argument`)
    broker_as_argument: bool = False
    root: Path = ROOT  # of the code that it runs


# --- Python -------------------------------------------------------------------------------------

_OURS_ENVIRONMENT = {
    "FLOWRA_PRESENCE_ENABLED": "false",
    "FLOWRA_RATE_LIMITS": "false",
    "FLOWRA_LOG_LEVEL": "WARNING",
    # What compares with the database, which is not there, and pings, which would lie between the events.
    "FLOWRA_REPAIR_INTERVAL": _NEVER,
    "FLOWRA_WATCH_INTERVAL": _NEVER,
    "FLOWRA_PING_INTERVAL": _NEVER,
    "DATABASE_URL": "sqlite://:memory:",
}


def _python(*packages: str) -> Callable[[], dict[str, str]]:
    return lambda: {name: importlib.metadata.version(name) for name in packages}


def _uvicorn(application: str) -> Callable[[int], Sequence[str]]:
    options = "--ws websockets-sansio --loop uvloop --http httptools --ws-per-message-deflate false --log-level warning"
    fixed = [*options.split(), "--ws-ping-interval", _NEVER, "--ws-ping-timeout", _NEVER, "--host", "127.0.0.1"]
    return lambda port: [sys.executable, "-m", "uvicorn", *fixed, "--port", str(port), application]


def _daphne(application: str) -> Callable[[int], Sequence[str]]:
    fixed = ["--ping-interval", _NEVER, "--ping-timeout", _NEVER, "-v", "0", "-b", "127.0.0.1"]
    return lambda port: [sys.executable, "-m", "daphne", *fixed, "-p", str(port), application]


def _module(name: str, *options: str) -> Callable[[int], Sequence[str]]:
    return lambda port: [sys.executable, "-m", f"benchmarks.servers.{name}", str(port), *options]


OURS = Peer(
    title="Flowra",
    dialect="flowra",
    command=_module("ours", "ready"),
    environment=_OURS_ENVIRONMENT,
    versions=_python("uvicorn", "uvloop", "websockets"),
)
OURS_PLAIN = dataclasses.replace(OURS, title="Flowra, portable path, uvicorn", command=_module("ours", "plain"))
OURS_DAPHNE = dataclasses.replace(
    OURS,
    title="Flowra, portable path, daphne",
    command=_daphne("benchmarks.servers.ours:application"),
    versions=_python("daphne", "twisted", "autobahn"),
)
TEXTBOOK_DAPHNE = Peer(
    title="textbook Channels, daphne",
    dialect="textbook",
    command=_daphne("benchmarks.servers.textbook:application"),
    versions=_python("channels", "daphne", "django", "twisted", "autobahn"),
)
TEXTBOOK_UVICORN = dataclasses.replace(
    TEXTBOOK_DAPHNE,
    title="textbook Channels, uvicorn",
    command=_uvicorn("benchmarks.servers.textbook:application"),
    versions=_python("channels", "uvicorn", "django", "uvloop"),
)
BROADCAST = Peer(
    title="websockets, broadcast()", dialect="plain", command=_module("broadcast"), versions=_python("websockets")
)


def other_build(root: Path) -> Peer:
    """Return Flowra as it is in another checkout, run by its own environment where it has one."""
    own = root / ".venv" / "bin" / "python"
    python = str(own) if own.exists() else sys.executable

    def command(port: int) -> Sequence[str]:
        return [python, "-m", "benchmarks.servers.ours", str(port), "ready"]

    return dataclasses.replace(OURS, title=f"Flowra in {root.name}", command=command, root=root)


# --- Built or installed here --------------------------------------------------------------------


def _run(command: Sequence[str], what: str) -> str:
    """Return what a command prints; raises LeftOut where it cannot be run or fails."""
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True)
    except subprocess.CalledProcessError as error:
        last = (error.stderr or error.stdout).strip().splitlines()[-1:] or [f"status {error.returncode}"]
        raise LeftOut(f"{what} failed ({last[0][:150]}).") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LeftOut(f"{what} failed ({type(error).__name__}).") from None
    return done.stdout


@functools.cache
def _build_limit() -> None:
    compiler = shutil.which("gcc")
    if compiler is None:
        raise LeftOut("The minimal C server is left out: there is no gcc.")
    BUILT.mkdir(parents=True, exist_ok=True)
    _run([compiler, "-O2", "-o", str(BUILT / "limit"), str(SERVERS / "limit.c")], "Compiling the minimal C server")


@functools.cache
def _install_node() -> None:
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise LeftOut("socket.io and ws are left out: there is no node, or no npm.")
    folder = BUILT / "node"
    folder.mkdir(parents=True, exist_ok=True)
    for source in (SERVERS / "node").iterdir():
        shutil.copy(source, folder)
    wanted = json.loads((folder / "package.json").read_text())["dependencies"]
    if all(_node_version(name) == version for name, version in wanted.items()):
        return
    options = ["--omit=dev", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"]
    _run([npm, "install", "--prefix", str(folder), *options], "Installing socket.io and ws with npm")


def _node_version(package: str) -> str:
    manifest = BUILT / "node" / "node_modules" / package / "package.json"
    return str(json.loads(manifest.read_text())["version"]) if manifest.exists() else ""


def _node(package: str) -> Callable[[], dict[str, str]]:
    return lambda: {package: _node_version(package), "node": _run(["node", "--version"], "node").strip().lstrip("v")}


def _script(name: str) -> Callable[[int], Sequence[str]]:
    return lambda port: ["node", str(BUILT / "node" / name), str(port)]


@functools.cache
def _install_library() -> None:
    if not (BUILT / "python" / "picows").exists():
        uv = [str(Path(sys.executable).parent / "uv"), "pip", "install", "--quiet", "--python", sys.executable]
        _run([*uv, "--target", str(BUILT / "python"), _LIBRARY], "Installing picows")


SOCKET_IO = Peer(
    title="socket.io",
    dialect="socket.io",
    command=_script("socketio.mjs"),
    prepare=_install_node,
    versions=_node("socket.io"),
)
WS = dataclasses.replace(SOCKET_IO, title="ws", dialect="plain", command=_script("ws.mjs"), versions=_node("ws"))
LIMIT = Peer(
    title="minimal C server",
    dialect="plain",
    command=lambda port: [str(BUILT / "limit"), str(port)],
    prepare=_build_limit,
    versions=lambda: {"gcc": _run(["gcc", "-dumpfullversion"], "gcc").strip()},
)
LIMIT_JOINED = dataclasses.replace(
    LIMIT, title="minimal C server, joined", command=lambda port: [str(BUILT / "limit"), str(port), "join"]
)
LIBRARY = Peer(
    title="picows",
    dialect="plain",
    command=_module("fast_library"),
    environment={"PYTHONPATH": os.pathsep.join((str(ROOT), str(BUILT / "python")))},
    prepare=_install_library,
    versions=lambda: {"picows": _LIBRARY.partition("==")[2]},
)


# --- Over a broker ------------------------------------------------------------------------------

OURS_SHARED = dataclasses.replace(OURS, title="Flowra over Valkey", uses_broker=True)
TEXTBOOK_SHARED = dataclasses.replace(
    TEXTBOOK_UVICORN,
    title="textbook Channels, uvicorn, pub/sub layer",
    uses_broker=True,
    versions=_python("channels", "channels-redis", "redis", "uvicorn"),
)
TEXTBOOK_CORE = dataclasses.replace(
    TEXTBOOK_SHARED,
    title="textbook Channels, uvicorn, core Redis layer",
    environment={"LAYER": "core", "CAPACITY": "100"},
)
TEXTBOOK_DEFAULT = dataclasses.replace(
    TEXTBOOK_UVICORN, title="textbook Channels, uvicorn, in-memory layer", environment={"CAPACITY": "100"}
)
SOCKET_IO_SHARED = dataclasses.replace(
    SOCKET_IO,
    title="socket.io, Redis adapter",
    broker_as_argument=True,
    uses_broker=True,
    versions=lambda: _node("socket.io")() | _node("@socket.io/redis-adapter")(),
)


def available(peers: Sequence[Peer]) -> tuple[list[Peer], list[str]]:
    """Return those of `peers` that can be measured here, and a remark for each reason why others cannot."""
    found, remarks = [], []
    for peer in peers:
        try:
            peer.prepare()
        except LeftOut as reason:
            remarks.append(str(reason))
        else:
            found.append(peer)
    return found, list(dict.fromkeys(remarks))
