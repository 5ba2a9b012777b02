"""The server: uvicorn with listeners that we bind and a stop that is ours.

The stop: /readyz says 503 and every answer ends its connection, while all are served, until proxies keep no connection
to us; then sockets are closed with 1012 in batches; then uvicorn shuts down; and the process ends with status 0.
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

# Somebody who presses Ctrl-C waits for the prompt: 3 s in total, a little of it kept for the interpreter's own end.
CTRL_C_SECONDS = 2.7
# Objects more than before, after which the collector looks at the youngest ones; Python's default is 700. What requests
# and frames leave behind is freed without it, so it may come seldom.
COLLECT_AFTER = 20_000
M_ARENA_MAX = -8  # glibc's malloc.h
ARENAS = 2  # heaps of the process; as in deploy/
# Of the time to stop, these shares belong to proxies that let go of us, and to the sockets (of what is left then); the
# rest to requests that still run.
LEAVING_SHARE = 0.3
SOCKETS_SHARE = 0.6
KEEP_ALIVE = 5  # seconds that a connection without a request stays open; proxies should end it before that
ARRIVING = 1.0  # seconds, at most, for requests on connections that were made just before the listeners closed
# Of the time to stop, kept for the hub's goodbye and the interpreter's end: this share, at most so many seconds.
LAST_SHARE, LAST_SECONDS = 0.2, 2.0
NOTICED_AFTER = 0.3  # seconds from a signal to the stop (a tick of uvicorn's), and for the end of the process, at most
CHECK_INTERVAL = 0.02  # seconds, while it is waited for connections to end
GAVE_UP = 1  # status of a process that did not come to its end by itself
INTERRUPTED = 130  # the shell's status for a process ended by Ctrl-C


def bind(host: str, port: int) -> list[socket.socket]:
    """Return listening sockets for all addresses of `host`; port 0 takes a free one.

    They listen at once: of two servers that start together one is refused here, and not after it has touched
    the database. Raises OSError where the host is unknown or no address of it can be had.
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


def address_of(host: str, listeners: list[socket.socket]) -> str:
    """Return the URL to open for what `bind(host, …)` gave."""
    port = listeners[0].getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host or 'localhost'}:{port}"


def allow_many_sockets() -> None:
    """Raise the limit of open files as far as this process may: each socket is one, and 1,024 are a common default."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError) as error:  # macOS names a limit that it does not grant
        logger.info("The limit of open files stays at %d: %s", soft, error)


def spare_the_collector() -> None:
    """Keep the garbage collector from what lives as long as the process.

    Django and all that was imported are some 150,000 objects, and a full collection looks at each: 80 ms in which
    nobody is served. They are set aside once, and then it takes as long as what has come since.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, *gc.get_threshold()[1:])


def keep_few_heaps() -> None:
    """Have glibc keep what is freed in few heaps, as MALLOC_ARENA_MAX would: by default it has one for each thread.

    Each heap keeps what its largest request needed. Other systems' allocators are left as they are.
    """
    if "MALLOC_ARENA_MAX" in os.environ:
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_ARENA_MAX, ARENAS)


def show_own_error_pages() -> None:
    """Turn Django's DEBUG off: the demo is served as the product is, with its error pages and without a log of queries.

    `manage.py runserver` and other servers keep DEBUG as it is set, with its pages for developers.
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
        ws_per_message_deflate=False,  # costs 2 to 9 times the CPU, and frames are sent ready-made
        lifespan="on",
        log_config=None,  # Django's LOGGING is already in force
        access_log=False,
        proxy_headers=False,  # flowra/server/proxies.py reads them
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        workers=1,  # said aloud, so that WEB_CONCURRENCY has no say
    )


class Server(uvicorn.Server):
    """One serving process. Give `supervisor` the parent's pid, and the server stops when that parent is gone."""

    def __init__(self, config: uvicorn.Config, *, on_started: Callable[[], None], supervisor: int = 0) -> None:
        super().__init__(config)
        self._on_started = on_started
        self._supervisor = supervisor
        self._seconds_to_stop: float = settings.FLOWRA_DRAIN_SECONDS
        self._is_interrupted = False  # by Ctrl-C

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Start the stop on SIGTERM, SIGHUP (the terminal is gone) or Ctrl-C; Ctrl-C while it stops quits at once.

        uvicorn would note the signal and raise it again at the end, for an exit status of -15. Here a stop that was
        asked for is a success.
        """
        if sig == signal.SIGINT:
            if self.should_exit:
                os._exit(INTERRUPTED)
            self._seconds_to_stop = min(self._seconds_to_stop, CTRL_C_SECONDS)
            self._is_interrupted = True
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to serve, then tell whoever waits for it."""
        allow_many_sockets()
        if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # with nohup it is ignored, and stays so
            signal.signal(signal.SIGHUP, self.handle_exit)
        keep_few_heaps()
        await super().startup(sockets=sockets)
        spare_the_collector()
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
        # Threads cannot be cancelled: one that waits for the database would be waited for at the interpreter's end.
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
        # Whole seconds, because that is what uvicorn's setting takes.
        self.config.timeout_graceful_shutdown = max(1, int(last_request - time.monotonic()))
        await super().shutdown(sockets=sockets)

    async def _leave(self, within: float) -> None:
        """Serve on for FLOWRA_DRAIN_HOLD seconds, and until no connection is left that a proxy may keep for requests.

        Answers end their connections by now (flowra/asgi.py), and those without a request are ended by the proxy, or by
        us after KEEP_ALIVE.
        """
        kept = self._http_connections()
        deadline = time.monotonic() + min(KEEP_ALIVE + 0.5, within)
        await asyncio.sleep(settings.FLOWRA_DRAIN_HOLD)
        while kept & self._http_connections() and time.monotonic() < deadline:  # noqa: ASYNC110  (once in its life)
            await asyncio.sleep(CHECK_INTERVAL)

    async def _stop_listening(self, listeners: list[socket.socket], within: float) -> None:
        """Close the listeners; requests of connections that were accepted by then are served, if they come soon."""
        for server in self.servers:
            server.close()
        for listener in listeners:
            listener.close()
        deadline = time.monotonic() + within
        while self._http_connections() and time.monotonic() < deadline:  # noqa: ASYNC110  (once in its life)
            await asyncio.sleep(CHECK_INTERVAL)

    def _http_connections(self) -> set[HttpToolsProtocol]:
        """Return the connections that are no sockets of realtime, with a request or without."""
        return {each for each in self.server_state.connections if isinstance(each, HttpToolsProtocol)}


def give_up() -> None:
    """End the process, whatever it still waits for: whoever asked it to stop will not wait any longer either."""
    logger.error("The stop took longer than it may; what still runs is cut off.")
    os._exit(GAVE_UP)
