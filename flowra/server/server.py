"""The server: uvicorn with its own listeners and an orderly stop.

The stop: /readyz answers 503 and every response closes its connection, while requests are still served, until no proxy
keeps a connection; then sockets are closed with 1012 in batches; then uvicorn shuts down, and the process exits with 0.
"""

import asyncio
import ctypes
import errno
import gc
import logging
import os
import resource
import signal
import socket
import threading
import time
from collections.abc import Callable
from types import FrameType

import uvicorn
from django.conf import settings
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from flowra.server.http_protocol import BoundedHttpProtocol
from realtime import lifecycle
from realtime.outbox.uvicorn_protocol import PreframedProtocol

logger = logging.getLogger(__name__)

# After Ctrl-C the prompt returns within 3 s; the rest is for the interpreter's own exit.
CTRL_C_SECONDS = 2.7
# Threshold of the youngest generation of the garbage collector; Python's default is 700. Objects of requests and frames
# are freed by reference counting, so it can run rarely.
COLLECT_AFTER = 20_000
M_ARENA_MAX = -8  # glibc's malloc.h
ARENAS = 2  # malloc arenas of the process; as in deploy/
# Shares of the time to stop: for proxies to close their connections, and for sockets (of the remaining time). The rest
# is for requests that still run.
LEAVING_SHARE = 0.3
SOCKETS_SHARE = 0.6
KEEP_ALIVE = 5  # seconds that a connection without a request stays open; proxies should end it before that
ARRIVING = 1.0  # seconds, at most, for requests on connections that were made just before the listeners closed
# Share of the time to stop, and maximum in seconds, reserved for the hub's shutdown and the interpreter's exit.
LAST_SHARE, LAST_SECONDS = 0.2, 2.0
NOTICED_AFTER = 0.3  # seconds, at most, from a signal to the stop (one tick of uvicorn) and for the exit of the process
CHECK_INTERVAL = 0.02  # seconds between two checks for open connections
GAVE_UP = 1  # exit status of a process that was cut off
INTERRUPTED = 130  # the shell's status for a process ended by Ctrl-C


def bind(host: str, port: int) -> list[socket.socket]:
    """Return listening sockets for all addresses of `host`; port 0 takes a free one.

    They listen immediately: if two servers start at once, one fails here, before it has used the database. Raises
    OSError if the host is unknown or none of its addresses is available.
    """
    listeners: list[socket.socket] = []
    addresses = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    unavailable: OSError | None = None
    for family, kind, protocol, _, address in dict.fromkeys(addresses):
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and len(addresses) > 1:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if listeners and not port:
            address = (address[0], listeners[0].getsockname()[1], *address[2:])
        try:
            listener.bind(address)
            listener.listen()
        except OSError as error:
            listener.close()
            # "localhost" has an IPv6 address even where IPv6 is switched off; one address is enough.
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                for other in listeners:
                    other.close()
                raise
            unavailable = error
            continue
        listeners.append(listener)
    if not listeners:
        raise unavailable or OSError(errno.EADDRNOTAVAIL, "no such address")
    return listeners


def accept_waiting(listener: socket.socket, most: int) -> list[socket.socket]:
    """Accept and return the connections that wait in the kernel's queue, at most `most`.

    Closing the listener would reset them. Their requests may be sent already, and a proxy does not repeat a POST.
    """
    listener.setblocking(False)
    accepted: list[socket.socket] = []
    for _ in range(most):
        try:
            accepted.append(listener.accept()[0])
        except BlockingIOError:
            break
        except OSError as error:  # of this connection; there may be others
            logger.info("A connection that waited could not be accepted: %s", error)
    return accepted


def address_of(host: str, listeners: list[socket.socket]) -> str:
    """Return the URL of the listeners that `bind(host, …)` returned."""
    port = listeners[0].getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host or 'localhost'}:{port}"


def allow_many_sockets() -> None:
    """Raise the soft limit of open files to the hard limit: each socket needs one, and 1,024 is a common default."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError) as error:  # macOS names a limit that it does not grant
        logger.info("The limit of open files stays at %d: %s", soft, error)


def freeze_startup_objects() -> None:
    """Exclude the objects that exist after start-up from garbage collection.

    Django and all imports are about 150,000 objects. A full collection would visit each: 80 ms during which the event
    loop does not run.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, *gc.get_threshold()[1:])


def limit_malloc_arenas() -> None:
    """Limit glibc's malloc arenas, as MALLOC_ARENA_MAX does: by default there is one per thread.

    Each arena keeps the memory that its largest request needed. Other allocators are not changed.
    """
    if "MALLOC_ARENA_MAX" in os.environ:
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_ARENA_MAX, ARENAS)


def show_own_error_pages() -> None:
    """Turn Django's DEBUG off, also for the demo: its error pages are shown, and queries are not recorded.

    `manage.py runserver` and other servers keep DEBUG as configured.
    """
    settings.DEBUG = False


def make_config() -> uvicorn.Config:
    """Return uvicorn's configuration from Django's settings."""
    return uvicorn.Config(
        "flowra.asgi:application",
        loop="uvloop",
        http=BoundedHttpProtocol,
        ws=PreframedProtocol,
        ws_max_size=settings.FLOWRA_MAX_FRAME_BYTES,
        ws_ping_interval=settings.FLOWRA_PING_INTERVAL,
        ws_ping_timeout=settings.FLOWRA_PONG_TIMEOUT,
        ws_per_message_deflate=False,  # costs 2 to 9 times the CPU, and frames are encoded once for all
        lifespan="on",
        log_config=None,  # Django's LOGGING is already in force
        access_log=False,
        proxy_headers=False,  # flowra/server/proxies.py reads them
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        workers=1,  # explicit, so that WEB_CONCURRENCY is ignored
    )


class Server(uvicorn.Server):
    """One serving process. With `supervisor`, the parent's pid, it stops when that process is gone."""

    def __init__(self, config: uvicorn.Config, *, on_started: Callable[[], None], supervisor: int = 0) -> None:
        super().__init__(config)
        self._on_started = on_started
        self._supervisor = supervisor
        self._seconds_to_stop: float = settings.FLOWRA_DRAIN_SECONDS
        self._is_interrupted = False  # by Ctrl-C

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin the stop on SIGTERM, SIGHUP or Ctrl-C; Ctrl-C during the stop exits at once.

        uvicorn would raise the signal again at the end, for an exit status of -15. Here a requested stop is a success.
        """
        if sig == signal.SIGINT:
            if self.should_exit:
                os._exit(INTERRUPTED)
            self._seconds_to_stop = min(self._seconds_to_stop, CTRL_C_SECONDS)
            self._is_interrupted = True
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start serving, then call `on_started`."""
        allow_many_sockets()
        if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # with nohup it is ignored, and stays so
            signal.signal(signal.SIGHUP, self.handle_exit)
        limit_malloc_arenas()
        await super().startup(sockets=sockets)
        freeze_startup_objects()
        self._on_started()

    async def on_tick(self, counter: int) -> bool:
        """Return whether to stop; called every 0.1 s."""
        if self._supervisor and os.getppid() != self._supervisor:
            logger.warning("The process that started this worker is gone; stopping.")
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Leave, drain, then shut down, within FLOWRA_DRAIN_SECONDS, or 3 s after Ctrl-C."""
        seconds = self._seconds_to_stop - NOTICED_AFTER
        deadline = time.monotonic() + seconds
        # Threads cannot be cancelled: the interpreter's exit would wait for one that waits for the database.
        watchdog = threading.Timer(seconds, give_up)
        watchdog.daemon = True
        watchdog.start()
        last_request = deadline - min(seconds * LAST_SHARE, LAST_SECONDS)
        lifecycle.begin_leaving()
        try:
            if not self._is_interrupted:
                await self._leave(seconds * LEAVING_SHARE)
            await lifecycle.drain((last_request - time.monotonic()) * SOCKETS_SHARE)
        except Exception:
            logger.exception("The sockets could not be drained; shutting down all the same")
        if not self._is_interrupted:
            await self._stop_listening(sockets or [], ARRIVING)
        # uvicorn's setting takes whole seconds.
        self.config.timeout_graceful_shutdown = max(1, int(last_request - time.monotonic()))
        await super().shutdown(sockets=sockets)

    async def _leave(self, within: float) -> None:
        """Keep serving for FLOWRA_DRAIN_HOLD seconds, and until no connection is left that a proxy could reuse.

        Responses close their connections now (flowra/asgi.py); idle ones are closed by the proxy, or here after
        KEEP_ALIVE.
        """
        kept = self._http_connections()
        deadline = time.monotonic() + min(KEEP_ALIVE + 0.5, within)
        await asyncio.sleep(settings.FLOWRA_DRAIN_HOLD)
        while kept & self._http_connections() and time.monotonic() < deadline:  # noqa: ASYNC110  (once in its life)
            await asyncio.sleep(CHECK_INTERVAL)

    async def _stop_listening(self, listeners: list[socket.socket], within: float) -> None:
        """Close the listeners; requests on connections made before that are served for up to `within` seconds."""
        # No await before the listeners are closed: what is connected in between would be reset.
        waiting = [each for listener in listeners for each in accept_waiting(listener, self.config.backlog)]
        for server in self.servers:
            server.close()
        for listener in listeners:
            listener.close()
        deadline = time.monotonic() + within
        loop = asyncio.get_running_loop()
        connecting = (loop.connect_accepted_socket(self._make_protocol, each) for each in waiting)
        await asyncio.gather(*connecting, return_exceptions=True)  # a client may be gone
        while self._http_connections() and time.monotonic() < deadline:  # noqa: ASYNC110  (once in its life)
            await asyncio.sleep(CHECK_INTERVAL)

    def _make_protocol(self) -> asyncio.Protocol:
        """Return the protocol of a new connection, as uvicorn's `startup` makes it."""
        make = self.config.http_protocol_class
        return make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)  # type: ignore[call-arg]

    def _http_connections(self) -> set[HttpToolsProtocol]:
        """Return the open HTTP connections, with a request or idle, without WebSockets."""
        return {each for each in self.server_state.connections if isinstance(each, HttpToolsProtocol)}


def give_up() -> None:
    """Exit at once: the time to stop is over."""
    logger.error("The stop took longer than it may; what still runs is cut off.")
    os._exit(GAVE_UP)
